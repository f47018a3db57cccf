package cep

// MatchKind says how a match came about.
type MatchKind uint8

const (
	MatchComplete MatchKind = iota // the pattern completed, or a condition held
	MatchTimeout                   // a run whose time ran out ("on timeout")
)

func (k MatchKind) String() string {
	if k == MatchTimeout {
		return "timeout"
	}
	return "match"
}

// Severity orders alerts: info < low < medium < high < critical.
type Severity uint8

const (
	Info Severity = iota
	Low
	Medium
	High
	Critical
)

// SeverityWords are the severities' names by ordinal.
var SeverityWords = []string{"info", "low", "medium", "high", "critical"}

func (s Severity) String() string { return SeverityWords[s] }
