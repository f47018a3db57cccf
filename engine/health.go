package engine

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/internal/journal"
)

// Check is one thing that has to be right for a runtime to do its work.
type Check struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	Text string `json:"text"` // what is the matter, or how it is
}

// Health is whether a runtime does its work, in words.
type Health struct {
	Ready    bool    `json:"ready"` // events are taken in
	Sentence string  `json:"sentence"`
	Checks   []Check `json:"checks"`
}

// Health judges how the runtime is doing. Its sentence names the worst of what
// is wrong, or says that all is well and how far the events are.
func (s *RuntimeStats) Health() Health {
	var h Health
	add := func(name, wrong, fine string) {
		c := Check{Name: name, OK: wrong == "", Text: wrong}
		if c.OK {
			c.Text = fine
		} else if h.Sentence == "" {
			h.Sentence = wrong
		}
		h.Checks = append(h.Checks, c)
	}
	add("state", s.stateTrouble(), "the state is open")
	h.Ready = s.Trouble == "" && len(s.Sources) > 0 && s.Queue.Full == "" && s.Journal.Stalled == ""
	add("rules", s.rulesTrouble(), verb(len(s.Rules), "rule", "runs", "run"))
	add("journal", s.journalTrouble(), "the journal is written")
	add("memory", s.Queue.Full, "there is room for state")
	add("recovery", s.recoveryTrouble(), "every alert of the log was found again")
	add("sources", s.sourcesTrouble(), verb(len(s.Sources), "source", "is read", "are read"))
	add("watermark", s.watermarkTrouble(), "no rule waits for a source")
	add("checkpoint", s.checkpointTrouble(), s.checkpointText())
	add("lists", s.listsTrouble(), "lists and tables are fresh")
	if h.Sentence == "" {
		h.Sentence = s.fine()
	}
	return h
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// verb writes "1 rule runs", "2 rules run".
func verb(n int, what, one, many string) string {
	if n == 1 {
		return count(n, what) + " " + one
	}
	return count(n, what) + " " + many
}

func (s *RuntimeStats) stateTrouble() string {
	if s.Trouble == "" {
		return ""
	}
	return "Nothing is taken in: " + strings.TrimSuffix(s.Trouble, ".") + "."
}

func (s *RuntimeStats) rulesTrouble() string {
	if s.Trouble == "" && len(s.Sources) == 0 {
		return "No rules are deployed, so nothing is taken in."
	}
	return ""
}

func (s *RuntimeStats) journalTrouble() string {
	if s.Journal.Stalled == "" {
		return ""
	}
	why := strings.TrimPrefix(s.Journal.Stalled, journal.ErrStalled.Error()+": ")
	return "Nothing is taken in: the journal cannot be written (" + why + "). Make room on its disk; it goes on by itself."
}

func (s *RuntimeStats) recoveryTrouble() string {
	if s.Recovery.Missing == 0 {
		return ""
	}
	return fmt.Sprintf("%d alerts of the log were not found again by the last recovery: please report this, with the state directory.", s.Recovery.Missing)
}

// sourcesTrouble names the source that has not worked for longest.
func (s *RuntimeStats) sourcesTrouble() string {
	var worst *SourceStats
	failing := 0
	for i := range s.Sources {
		src := &s.Sources[i]
		if src.Error == "" {
			continue
		}
		if worst == nil || src.Since.Before(worst.Since) {
			worst = src
		}
		failing++
	}
	if worst == nil {
		return ""
	}
	text := fmt.Sprintf("Source %s cannot be read: %s", worst.Name, strings.TrimSuffix(worst.Error, "."))
	if since := s.At.Sub(worst.Since); since >= time.Second {
		text = fmt.Sprintf("Source %s has not been read for %s: %s", worst.Name, ago(since), strings.TrimSuffix(worst.Error, "."))
	}
	if failing > 1 {
		text += fmt.Sprintf(" (and %s more)", count(failing-1, "source"))
	}
	return text + "."
}

// silentFor is how long a partition may hold the watermark before that is
// called trouble.
const silentFor = 10 * time.Second

// watermarkTrouble names who holds a watermark that others have left behind.
func (s *RuntimeStats) watermarkTrouble() string {
	for i := range s.Groups {
		g := &s.Groups[i]
		holder, source := s.holder(i)
		if holder == nil || holder.Arrived.IsZero() || len(g.Rules) == 0 {
			continue
		}
		silent := s.At.Sub(holder.Arrived)
		if silent < silentFor || !s.othersWait(i, holder) {
			continue
		}
		where := "has had no event at all"
		if g.Watermark != minTime {
			where = fmt.Sprintf("has had no event for %s and holds the watermark at %s", ago(silent), cep.AppendTime(nil, g.Watermark))
		}
		return fmt.Sprintf("Alerts of %s wait: %s %s.", someRules(g.Rules), partitionName(source, holder), where)
	}
	return ""
}

// holder is the partition that a group waits for, of several the one that has
// been silent longest.
func (s *RuntimeStats) holder(group int) (held *PartitionStats, source *SourceStats) {
	for i := range s.Sources {
		for j := range s.Sources[i].Partitions {
			p := &s.Sources[i].Partitions[j]
			if p.Group == group && p.Holds && (held == nil || p.Arrived.Before(held.Arrived)) {
				held, source = p, &s.Sources[i]
			}
		}
	}
	return held, source
}

// othersWait says that rows of other partitions wait for the holder.
func (s *RuntimeStats) othersWait(group int, holder *PartitionStats) bool {
	for i := range s.Sources {
		for _, p := range s.Sources[i].Partitions {
			if p.Group == group && (p.Source != holder.Source || p.Partition != holder.Partition) && p.Waiting > 0 {
				return true
			}
		}
	}
	return false
}

func partitionName(source *SourceStats, p *PartitionStats) string {
	switch {
	case len(source.Partitions) == 1:
		return "source " + source.Name
	case p.Label != "":
		return fmt.Sprintf("partition %s of source %s", p.Label, source.Name)
	}
	return fmt.Sprintf("partition %d of source %s", p.Partition, source.Name)
}

func someRules(names []string) string {
	switch len(names) {
	case 1:
		return "rule " + names[0]
	case 2:
		return "rules " + names[0] + " and " + names[1]
	}
	return count(len(names), "rule")
}

// staleAfter is how old the last checkpoint may be, in intervals.
const staleAfter = 10

func (s *RuntimeStats) checkpointTrouble() string {
	if s.Checkpoint.At == 0 || s.Interval <= 0 {
		return ""
	}
	age := s.At.Sub(time.Unix(0, s.Checkpoint.At))
	if age < staleAfter*s.Interval || age < time.Minute {
		return ""
	}
	return fmt.Sprintf("The last checkpoint is %s old, though one is due every %s: a restart would take longer.", ago(age), s.Interval)
}

func (s *RuntimeStats) checkpointText() string {
	if s.Checkpoint.At == 0 {
		return "no checkpoint yet"
	}
	return "the last checkpoint is " + ago(s.At.Sub(time.Unix(0, s.Checkpoint.At))) + " old"
}

func (s *RuntimeStats) listsTrouble() string {
	for i := range s.Lookups {
		if text := s.Lookups[i].Health(s.At); text != "" {
			return strings.ToUpper(text[:1]) + strings.TrimSuffix(text[1:], ".") + "."
		}
	}
	return ""
}

// fine says how far the events are.
func (s *RuntimeStats) fine() string {
	groups := slices.DeleteFunc(slices.Clone(s.Groups), func(g GroupStats) bool { return len(g.Rules) == 0 })
	waits := "All is well: " + verb(len(s.Rules), "rule", "waits", "wait") + " for the first event."
	if len(groups) == 0 {
		return waits
	}
	slowest := slices.MinFunc(groups, func(a, b GroupStats) int { return cmp.Compare(a.Watermark, b.Watermark) })
	fastest := slices.MaxFunc(groups, func(a, b GroupStats) int { return cmp.Compare(a.Watermark, b.Watermark) })
	switch {
	case fastest.Watermark == minTime:
		return waits
	case slowest.Watermark == minTime:
		return "All is well: " + verb(len(s.Rules), "rule", "runs", "run") + ", some of them wait for the first event."
	}
	return fmt.Sprintf("All is well: %s everything before %s.", verb(len(s.Rules), "rule", "has seen", "have seen"), cep.AppendTime(nil, slowest.Watermark))
}

// ago writes a duration as people say it.
func ago(d time.Duration) string {
	switch {
	case d < time.Second:
		return "less than a second"
	case d < time.Minute:
		return d.Round(time.Second).String()
	case d < time.Hour:
		return trimZero(d.Round(time.Second).String(), "0s")
	}
	return trimZero(d.Round(time.Minute).String(), "0s")
}

func trimZero(s, zero string) string {
	if strings.HasSuffix(s, "m"+zero) {
		return strings.TrimSuffix(s, zero)
	}
	return s
}
