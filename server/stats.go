package server

// Stats is how a runtime stands at one moment. Times are ns since 1970, 0 where
// there is none; durations are ns; counters count since the process began.
type Stats struct {
	Now     int64
	Started int64
	Health  Health

	Sources []SourceStats // by name
	Rules   []RuleStats   // by name
	Queue   QueueStats
	Journal JournalStats
	State   StateStats
	Deploy  DeployStats
	Recover RecoverStats

	Alerts          uint64 // of the log, since the process began
	EventToAlert    Histogram
	EventToAlertAge Histogram // from the event's own time
}

// Health says whether everything is well, in checks and in words.
type Health struct {
	Checks   []Check
	Sentence string // "" or what is wrong and who holds things up
}

// Check is one thing that is well or not.
type Check struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	Text string `json:"text"` // how it stands; if it isn't well, what to do
	// Serving is false where the server is not ready because of it: requests
	// should go elsewhere.
	Serving bool `json:"-"`
}

// SourceStats are of one source of the rule files.
type SourceStats struct {
	Name, Kind string
	Types      []string
	Error      string // "" or why it doesn't run, in words
	Retry      int64  // when it is tried again, 0 if it runs
	Errors     []ReasonCount
	Rejected   []ReasonCount
	Late       uint64
	Skipped    uint64
	Duplicates uint64
	Ahead      uint64 // rows too far ahead of their arrival
	Group      int    // of sources that wait for each other
	Watermark  int64  // of the group
	Delay      int64  // of the watermark behind the clock
	Partitions []PartitionStats
}

// PartitionStats are of one ordered part of a source.
type PartitionStats struct {
	Number    uint32
	Name      string
	Events    uint64
	Late      uint64
	Lag       int64 // records that wait at the source, negative: unknown
	Greatest  int64 // the greatest event time
	Watermark int64
	Seen      int64 // when its last event came
	Idle      bool
	Ended     bool
	Holds     bool // its group's watermark waits for it
}

// ReasonCount counts by a stable code.
type ReasonCount struct {
	Reason string
	Count  uint64
}

// RuleStats are of one rule.
type RuleStats struct {
	Name, Title, Version, Status, File, Severity string

	Matches    uint64
	Alerts     uint64
	Suppressed uint64
	KeyMissing uint64
	EvalErrors uint64
	Capped     uint64
	Budget     uint64
	Keys       int
	Bytes      int64
	Waits      []string // sources whose watermark its alerts wait for; empty in arrival order
}

// QueueStats say how much waits between the sources and the rules.
type QueueStats struct {
	Records, RecordsMax int64
	Bytes, BytesMax     int64
	Rows, RowsMax       int64 // that wait for the watermark
	Blocked             []StageSeconds
	Refused             uint64 // requests that were answered with "busy"
}

// StageSeconds is how long a stage has waited for the one behind it.
type StageSeconds struct {
	Stage string
	Nanos int64
}

// JournalStats are of the journal.
type JournalStats struct {
	Records, Bytes uint64 // written since the process began
	First, Last    uint64 // positions that it holds
	Oldest         int64  // arrival of the first
	Segments       int
	Disk           int64 // bytes
	Stalled        string
	StalledSince   int64
	Sync           Histogram // seconds a group commit
}

// StateStats are of what the rules remember.
type StateStats struct {
	Dir        string
	Bytes      int64
	Limit      int64 // 0: none
	Keys       int
	Parts      []PartBytes
	DiskFree   int64 // negative: unknown
	Checkpoint CheckpointStats
}

// PartBytes is a part of the memory.
type PartBytes struct {
	Part  string
	Bytes int64
}

// CheckpointStats are of checkpoints.
type CheckpointStats struct {
	Count, Failed uint64
	Last          int64  // when the last was complete
	Position      uint64 // of the journal
	Pages         int
	Bytes         int64
	Error         string // of the last, "" if it was well
	Every         int64  // the interval
	Duration      Histogram
	Pause         Histogram // that the rules stood still
}

// DeployStats say which rules run.
type DeployStats struct {
	Hash       string // of the text of all rule files, hex
	At         int64  // since when
	Generation uint64
	ReloadOK   bool
	ReloadAt   int64
	ReloadText string // why the last was refused
}

// RecoverStats are of the start.
type RecoverStats struct {
	Took       int64
	Records    uint64 // of the journal that were worked off again
	Reproduced uint64 // alerts
	Missing    uint64 // alerts of the log that did not come again: 0, or something is broken
}

// Histogram counts observations up to bounds, in seconds.
type Histogram struct {
	Bounds []float64
	Counts []uint64 // one more than bounds; not cumulative
	Sum    float64
}

// Total is the number of observations.
func (h *Histogram) Total() (n uint64) {
	for _, c := range h.Counts {
		n += c
	}
	return n
}
