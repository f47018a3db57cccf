package server

import (
	"fmt"
	"strings"
	"time"

	"github.com/weir-cep/weir/cep"
)

// quiet is how long a partition that holds the watermark may bring nothing
// before it is spoken of.
const quiet = int64(10 * time.Second)

// sentence says in plain words how things stand. The gravest thing comes
// first; what is less grave waits until that is mended.
func (s *Server) sentence(st *Stats) string {
	switch {
	case s.stopping.Load():
		return "Weir is stopping: nothing is taken in any more, and what was taken is worked off."
	case st.Health.Sentence != "":
		return st.Health.Sentence
	}
	return Sentence(st)
}

// Sentence says in plain words how a runtime stands: what is wrong, who holds
// the watermark, what to do.
func Sentence(st *Stats) string {
	for _, say := range []func(*Stats) string{stalled, broken, down, held, busy, unloaded, unsaved, unwell} {
		if text := say(st); text != "" {
			return text
		}
	}
	return flowing(st)
}

func stalled(st *Stats) string {
	if st.Journal.Stalled == "" {
		return ""
	}
	since := ""
	if st.Journal.StalledSince != 0 {
		since = " for " + span(st.Now-st.Journal.StalledSince)
	}
	return fmt.Sprintf("Nothing has been taken in%s: the journal can't be written (%s); make room on the disk of %s, and Weir goes on by itself.", since, st.Journal.Stalled, st.State.Dir)
}

func broken(st *Stats) string {
	if n := st.Recover.Missing; n > 0 {
		return fmt.Sprintf("%s of the log did not come again when the journal was replayed at the start: please report this, with the state directory.", count(n, "alert"))
	}
	return ""
}

func down(st *Stats) string {
	var names []string
	for i := range st.Sources {
		if st.Sources[i].Error != "" {
			names = append(names, st.Sources[i].Name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	for i := range st.Sources {
		src := &st.Sources[i]
		if src.Error == "" {
			continue
		}
		again := ""
		if src.Retry > st.Now {
			again = "; the next try is in " + span(src.Retry-st.Now)
		}
		others := ""
		if n := len(names) - 1; n > 0 {
			others = fmt.Sprintf(", and so do not %s", strings.Join(names[1:], ", "))
		}
		return fmt.Sprintf("Source %s does not run (%s)%s%s.", src.Name, src.Error, others, again)
	}
	return ""
}

// held names the partition that a watermark has waited for the longest.
func held(st *Stats) string {
	var worst *PartitionStats
	var of *SourceStats
	for i := range st.Sources {
		src := &st.Sources[i]
		for j := range src.Partitions {
			p := &src.Partitions[j]
			if p.Holds && !p.Idle && !p.Ended && st.Now-since(p, st) >= quiet && (worst == nil || since(p, st) < since(worst, st)) {
				worst, of = p, src
			}
		}
	}
	if worst == nil {
		return ""
	}
	rules := 0
	for i := range st.Rules {
		for _, name := range st.Rules[i].Waits {
			if name == of.Name {
				rules++
				break
			}
		}
	}
	if rules == 0 {
		return ""
	}
	has := fmt.Sprintf("has had no event for %s", span(st.Now-since(worst, st)))
	if worst.Seen == 0 {
		has = "has had no event yet"
	}
	where := "holds the watermark"
	if of.Watermark != 0 {
		where += " at " + clock(of.Watermark, st.Now)
	}
	return fmt.Sprintf("Alerts of %s wait: %s of source %s %s and %s.", count(uint64(rules), "rule"), part(worst), of.Name, has, where)
}

// since is when a partition's last event came, or the process began.
func since(p *PartitionStats, st *Stats) int64 { return max(p.Seen, st.Started) }

func part(p *PartitionStats) string {
	if p.Name != "" && p.Name != fmt.Sprint(p.Number) {
		return fmt.Sprintf("partition %d (%s)", p.Number, p.Name)
	}
	return fmt.Sprintf("partition %d", p.Number)
}

func busy(st *Stats) string {
	q := &st.Queue
	switch {
	case st.State.Limit > 0 && st.State.Bytes >= st.State.Limit:
		most := &RuleStats{}
		for i := range st.Rules {
			if st.Rules[i].Bytes > most.Bytes {
				most = &st.Rules[i]
			}
		}
		text := fmt.Sprintf("Events are taken in slowly or refused: the state is %s, its limit %s", size(st.State.Bytes), size(st.State.Limit))
		if most.Keys > 0 {
			text += fmt.Sprintf("; rule %s holds %s, %d bytes a key", most.Name, size(most.Bytes), most.Bytes/int64(most.Keys))
		}
		return text + "; raise --state-limit, or shorten the rule's windows."
	case q.BytesMax > 0 && q.Bytes >= q.BytesMax || q.RecordsMax > 0 && q.Records >= q.RecordsMax:
		return fmt.Sprintf("Events come faster than the rules work them off: %s wait, and the sources are held back.", size(q.Bytes))
	}
	return ""
}

func unloaded(st *Stats) string {
	if st.Deploy.ReloadOK || st.Deploy.ReloadAt == 0 {
		return ""
	}
	return fmt.Sprintf("The rule files were changed and are not in force, because %s; those from before run on.", strings.TrimSuffix(st.Deploy.ReloadText, "."))
}

func unsaved(st *Stats) string {
	if c := &st.State.Checkpoint; c.Error != "" {
		return fmt.Sprintf("The last checkpoint failed (%s); nothing is lost, but a restart takes longer.", c.Error)
	}
	return ""
}

// unwell speaks of a check that nothing above knows.
func unwell(st *Stats) string {
	for _, c := range st.Health.Checks {
		if !c.OK {
			return fmt.Sprintf("%s: %s.", c.Name, strings.TrimSuffix(c.Text, "."))
		}
	}
	return ""
}

func flowing(st *Stats) string {
	text := fmt.Sprintf("Everything is flowing: %s, %s", count(uint64(len(st.Rules)), "rule"), count(uint64(len(st.Sources)), "source"))
	var behind int64
	for i := range st.Sources {
		if st.Sources[i].Watermark != 0 {
			behind = max(behind, st.Sources[i].Delay)
		}
	}
	if behind > 0 {
		text += ", watermark " + span(behind) + " behind"
	}
	return text + "."
}

// span writes a duration for people: 4m12s, 5.2s, 3d4h.
func span(ns int64) string {
	d := time.Duration(max(ns, 0))
	switch {
	case d < 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d < 48*time.Hour:
		text := d.Round(time.Second).String()
		if strings.HasSuffix(text, "m0s") {
			text = strings.TrimSuffix(text, "0s")
		}
		if strings.HasSuffix(text, "h0m") {
			text = strings.TrimSuffix(text, "0m")
		}
		return text
	}
	days := d / (24 * time.Hour)
	return fmt.Sprintf("%dd%dh", days, (d-days*24*time.Hour)/time.Hour)
}

// clock writes a time of today without its date.
func clock(at, now int64) string {
	t, n := time.Unix(0, at).UTC(), time.Unix(0, now).UTC()
	if t.YearDay() == n.YearDay() && t.Year() == n.Year() {
		return t.Format("15:04:05Z")
	}
	return string(cep.AppendTime(nil, at-at%int64(time.Second)))
}

func count(n uint64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func size(n int64) string {
	switch {
	case n >= 10<<30:
		return fmt.Sprintf("%d GiB", n>>30)
	case n >= 10<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 10<<10:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d bytes", n)
}
