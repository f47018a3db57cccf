package remote

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/weir-cep/weir/cep"
)

// What is called much: one record in twenty, one event in a hundred.
const (
	manyRejected = 20
	manyLate     = 100
	skewed       = 5 * time.Second  // between two clocks
	early        = 5 * time.Minute  // an event's time ahead of the server's
	quiet        = 10 * time.Second // a partition that others wait for
	lowDisk      = 1 << 30
)

// findings judges what a server said: the reasons why nothing matches or
// arrives, gravest first within a topic.
func (e *examination) findings() (list []Finding) {
	for _, part := range []func() []Finding{e.health, e.clocks, e.sources, e.waiting, e.late, e.ruleReasons, e.silenced, e.sinks, e.hooks, e.room} {
		list = append(list, part()...)
	}
	return list
}

// remedies are what to do about a check of the server's that is not passed.
var remedies = map[string]string{
	"state":      "the server's log says more; weir state verify reads every byte of a stopped server's state",
	"rules":      "weir rules list shows what runs; give rule files to weir serve",
	"journal":    "make room on the disk of the state directory; it goes on by itself",
	"memory":     "shorten windows, or raise --state-limit; weir rules list shows which rule holds most",
	"recovery":   "please report it, with the state directory",
	"checkpoint": "look at the disk of the state directory; the server's log says more",
	"lists":      "look at where the list comes from; the values from before stay in force",
	"alerts":     "make room on the disk of the state directory; it goes on by itself",
	"config":     "weir check FILES shows each error with its place",
	"tokens":     "mend the file of tokens; weir token list reads it",
	"disk":       "make room on the disk of the state directory, or lower --journal-keep-bytes",
	"server":     "wait until it is back",
}

// told are checks that are told of in more detail below.
var told = map[string]bool{"sources": true, "watermark": true, "sinks": true, "disk": true}

func (e *examination) health() (list []Finding) {
	for _, c := range e.pipe.Health.Checks {
		if !c.OK && !told[c.Name] {
			list = append(list, Finding{true, c.Name, c.Text, remedies[c.Name]})
		}
	}
	if !e.pipe.Health.Ready && len(list) == 0 {
		list = append(list, Finding{true, "ready", "Nothing is taken in: " + e.pipe.Health.Sentence, "/readyz?verbose shows check by check"})
	}
	return list
}

func (e *examination) clocks() (list []Finding) {
	if d := time.Duration(e.ahead * 1e9); d.Abs() > skewed {
		list = append(list, Finding{false, "clock", fmt.Sprintf("The server's clock and this machine's are %s apart.", ago(d)), "let both follow a time server: watermarks and lateness go by the server's"})
	}
	for i := range e.pipe.Sources {
		src := &e.pipe.Sources[i]
		for k := range src.Partitions {
			p := &src.Partitions[k]
			if d := p.Newest.Sub(e.pipe.Now); !p.Newest.IsZero() && d > early {
				list = append(list, Finding{true, "clock", fmt.Sprintf("Partition %d of source %s has an event of %s, %s ahead of the server's clock: what comes after it at the right time is late.", p.Partition, src.Name, at(p.Newest), ago(d)),
					"look at the sender's clock, and at whether the field of its time is in seconds, milliseconds or with a zone"})
			}
		}
	}
	return list
}

func (e *examination) sources() (list []Finding) {
	if len(e.pipe.Sources) == 0 {
		return []Finding{{true, "sources", "There is no source: nothing can come.", "a rule file declares one, source NAME of EVENT from kafka { … }; types without one are taken over HTTP"}}
	}
	for i := range e.pipe.Sources {
		src := &e.pipe.Sources[i]
		name := "source " + src.Name
		events, refused := src.Events(), src.Refused()
		if src.Error != "" {
			list = append(list, Finding{true, name, "It cannot be read: " + src.Error, "it is tried again by itself; mend what the error names"})
			continue
		}
		switch {
		case events+refused+src.Skipped == 0:
			list = append(list, Finding{false, name, fmt.Sprintf("No event has come since the start, %s ago.", ago(e.pipe.Now.Sub(e.pipe.Started))), "look at whether the sender sends, and where to"})
		case events == 0 && refused > 0:
			list = append(list, Finding{true, name, fmt.Sprintf("All %d records were rejected (%s).", refused, reasons(src.Rejected)), "curl " + e.url + "/api/v1/dead-letters shows the records and the field of each"})
		case refused*manyRejected > events:
			list = append(list, Finding{false, name, fmt.Sprintf("%d records were rejected (%s), beside %d that were taken.", refused, reasons(src.Rejected), events), "curl " + e.url + "/api/v1/dead-letters shows the records and the field of each"})
		}
		if src.Skipped > 0 && src.Skipped >= events {
			list = append(list, Finding{events == 0, name, fmt.Sprintf("%d records are of types that no rule names, %d of others.", src.Skipped, events), "compare the type that the records name with the events of the rule files: it must be written the same"})
		}
	}
	return list
}

func reasons(counts map[string]uint64) string {
	var parts []string
	for _, reason := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%s %d", reason, counts[reason]))
	}
	return strings.Join(parts, ", ")
}

// waiting names partitions without events that rules wait for.
func (e *examination) waiting() (list []Finding) {
	for i := range e.pipe.Sources {
		src := &e.pipe.Sources[i]
		held := false
		for k := range src.Partitions {
			held = held || src.Partitions[k].Held
		}
		for k := range e.pipe.Sources {
			for _, p := range e.pipe.Sources[k].Partitions {
				held = held || p.Held
			}
		}
		for k := range src.Partitions {
			p := &src.Partitions[k]
			silent := e.pipe.Now.Sub(p.Arrived)
			if !p.Holds || p.Idle || p.Ended || !held || !p.Arrived.IsZero() && silent < quiet {
				continue
			}
			since := "has had no event at all"
			if !p.Arrived.IsZero() {
				since = "has had no event for " + ago(silent)
			}
			list = append(list, Finding{true, "watermark", fmt.Sprintf("Partition %d of source %s %s and holds the watermark at %s: alerts of %s wait.", p.Partition, src.Name, since, orNone(p.Watermark), strings.Join(e.waiters(src.Name), ", ")),
				"if silence is normal there, give the source an end to waiting: idle 30s; else look at its sender"})
		}
	}
	return list
}

func orNone(t time.Time) string {
	if t.IsZero() {
		return "no time yet"
	}
	return at(t)
}

// waiters are the rules that wait for a source.
func (e *examination) waiters(source string) []string {
	for i := range e.pipe.Groups {
		if g := &e.pipe.Groups[i]; slices.Contains(g.Sources, source) && len(g.Rules) > 0 {
			return g.Rules
		}
	}
	return []string{"no rule"}
}

func (e *examination) late() (list []Finding) {
	var events uint64
	for i := range e.pipe.Sources {
		events += e.pipe.Sources[i].Events()
	}
	for i := range e.pipe.Late {
		l := &e.pipe.Late[i]
		if l.Late > 0 && l.Late*manyLate > events {
			fix := fmt.Sprintf("event %s { late %s } would have taken all of them; alerts come that much later then", l.Type, l.Suggested)
			if by, err := cep.ParseDuration(l.Longest); err == nil && by > cep.Day {
				fix = "events of very different days came mixed, and the newest says what time it is: send them in the order of their times, or start on a new state directory"
			}
			list = append(list, Finding{true, "late", fmt.Sprintf("%d events of %s came too late to match, up to %s behind.", l.Late, l.Type, l.Longest),
				fix})
		}
	}
	return list
}

func (e *examination) ruleReasons() (list []Finding) {
	var shadow, off []string
	for i := range e.rules.Items {
		r := &e.rules.Items[i]
		switch r.Status {
		case "shadow":
			shadow = append(shadow, r.Name)
		case "off":
			off = append(off, r.Name)
		}
		if r.KeyMissing > 0 && r.Matches == 0 {
			list = append(list, Finding{true, "rule " + r.Name, fmt.Sprintf("%d events were left out because a part of its key is missing, and it has matched nothing.", r.KeyMissing), "look at the fields behind \"by\" in the rule, and at whether the events have them"})
		}
		if r.EvalErrors > 0 {
			list = append(list, Finding{false, "rule " + r.Name, fmt.Sprintf("%d conditions or values could not be computed, such as a division by zero.", r.EvalErrors), "weir explain RULE FILE --key KEY --events FILE shows where"})
		}
		if r.Capped > 0 {
			list = append(list, Finding{false, "rule " + r.Name, fmt.Sprintf("%d open starts were dropped at the limit of a key.", r.Capped), "make the first step of the pattern rarer, or the time within shorter"})
		}
	}
	if len(off) > 0 {
		list = append(list, Finding{false, "rules", "Switched off: " + someOf(off) + ".", "weir rules enable RULE"})
	}
	if len(shadow) > 0 {
		list = append(list, Finding{false, "rules", "Shadows, whose alerts are logged and go to no sink: " + someOf(shadow) + ".", "weir rules enable RULE"})
	}
	return list
}

func someOf(names []string) string {
	if len(names) > 10 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:10], ", "), len(names)-10)
	}
	return strings.Join(names, ", ")
}
