package nfa

import (
	flags "flag"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weir-cep/weir/dsl"
)

var (
	pairsFlag = flags.Int("nfa.pairs", 3000, "how many pairs of a random rule and a random stream to compare with the reference, per policy")
	seedFlag  = flags.Uint64("nfa.seed", 1, "the first seed of random rules")
)

// streamsPerRule is how many streams each drawn rule meets.
const streamsPerRule = 4

// The profiles that are compared: flat rules, rules whose steps read others, and
// rules with groups and blocks; half of match first is what the fast machine
// takes.
var profiles = []profile{
	{name: "first/fast", policy: dsl.MatchFirst, flags: 4, events: 14, overlap: 2, reads: 1, share: 5, fast: true},
	{name: "first/flat", policy: dsl.MatchFirst, flags: 4, events: 14, overlap: 2, share: 1},
	{name: "first/reads", policy: dsl.MatchFirst, flags: 6, events: 14, overlap: 2, reads: 4, share: 2},
	{name: "first/groups", policy: dsl.MatchFirst, groups: true, reads: 2, flags: 5, events: 14, overlap: 2, share: 2},
	{name: "latest/flat", policy: dsl.MatchLatest, flags: 4, events: 14, overlap: 2, reads: 2, share: 5},
	{name: "latest/groups", policy: dsl.MatchLatest, groups: true, reads: 2, flags: 5, events: 14, overlap: 2, share: 5},
	{name: "each/flat", policy: dsl.MatchEach, flags: 5, events: 10, overlap: 1, reads: 2, share: 5},
	{name: "each/groups", policy: dsl.MatchEach, groups: true, reads: 2, flags: 5, events: 9, overlap: 1, share: 5},
}

// subject is a machine under test.
type subject struct {
	name string
	make makeMachine
	lazy bool
}

// TestRandom compares the machines with the reference on random rules and
// streams: every match with all bindings, times, kinds, order and truncation.
func TestRandom(t *testing.T) {
	for _, p := range profiles {
		t.Run(p.name, func(t *testing.T) { compareRandom(t, p, *pairsFlag*p.share/10) })
	}
}

// tally counts what was compared.
type tally struct {
	sync.Mutex
	pairs, with, matches, fast int
	classes                    map[string]int // pairs on the fast machine, by what their rules have
	failed                     bool
}

func compareRandom(t *testing.T, p profile, pairs int) {
	sum := tally{classes: map[string]int{}}
	var workers sync.WaitGroup
	rules := (pairs + streamsPerRule - 1) / streamsPerRule
	n := uint64(max(1, runtime.GOMAXPROCS(0)))
	for w := range n {
		workers.Add(1)
		go func() {
			defer workers.Done()
			b := newWorkbench()
			for i := w; i < uint64(rules); i += n {
				if sum.stop() {
					return
				}
				compareRule(t, &sum, b, p, *seedFlag+i)
			}
		}()
	}
	workers.Wait()
	t.Logf("%d pairs, %d with matches, %d matches equal; %d pairs on the fast machine", sum.pairs, sum.with, sum.matches, sum.fast)
	if p.fast {
		t.Logf("of these %v", sum.classes)
	}
}

func (s *tally) stop() bool {
	s.Lock()
	defer s.Unlock()
	return s.failed
}

// compareRule compares one drawn rule on its streams.
func compareRule(t *testing.T, sum *tally, b *workbench, p profile, seed uint64) {
	d := newDrawer(p, seed)
	rule := d.rule()
	prog, err := Compile(rule, time.UTC)
	if err != nil {
		sum.fail(t, "seed %d: %v\n%s", seed, err, ruleText(rule))
		return
	}
	subjects := []subject{{"general", generalMachine, false}, {"general, fed lazily", generalMachine, true}}
	if make, _ := fast(prog); make != nil {
		subjects = append(subjects, subject{"fast", bestMachine, false}, subject{"fast, fed lazily", bestMachine, true})
	}
	var streams [][]*refEvent
	var ends []int64
	var wants [][]refMatch
	for range streamsPerRule {
		es := d.stream()
		end := es[len(es)-1].at + int64(d.IntN(20))*ms
		want := runReference(rule, es, end)
		streams, ends, wants = append(streams, es), append(ends, end), append(wants, want)
		for _, s := range subjects {
			got := runMachine(b, prog, s.make, es, end, s.lazy)
			if len(got.faults) > 0 || !sameMatches(want, got.matches) {
				sum.fail(t, "seed %d: %s", seed, differs(rule, es, end, s))
				return
			}
		}
		sum.Lock()
		sum.pairs++
		sum.matches += len(want)
		if len(want) > 0 {
			sum.with++
		}
		if len(subjects) > 2 {
			sum.fast++
			for _, f := range features(prog) {
				sum.classes[f]++
			}
		}
		sum.Unlock()
	}
	for _, s := range subjects {
		for k, got := range runTogether(b, prog, s.make, streams, ends) {
			if len(got.faults) > 0 || !sameMatches(wants[k], got.matches) {
				sum.fail(t, "seed %d: %s machine, key %d of several\n%s  events:%s\n  reference:%s\n  machine:%s\n  faults %q", seed, s.name, k,
					ruleText(rule), streamText(rule, streams[k]), matchesText(wants[k]), matchesText(got.matches), got.faults)
				return
			}
		}
	}
}

// features lists what a program of the fast machine has.
func features(p *Prog) (out []string) {
	c, _ := classify(p)
	has := map[string]bool{"within": c.within > 0, "cancel": c.quits != 0, "where": c.Where != nil, "deadline": c.waits}
	for i := range c.steps {
		s := &c.steps[i]
		has["loop"] = has["loop"] || s.Hi == 0
		has["count"] = has["count"] || s.Lo > 1
		has["optional"] = has["optional"] || s.optional
		has["greedy"] = has["greedy"] || s.Greedy
		has["consecutive"] = has["consecutive"] || s.Consecutive
		has["exactly"] = has["exactly"] || s.Exactly
		has["span"] = has["span"] || s.span > 0
		has["gap"] = has["gap"] || s.gap > 0
		has["no"] = has["no"] || len(s.nos) > 0
		has["reads a shared last event"] = has["reads a shared last event"] || s.class == shared
		has["asks each run"] = has["asks each run"] || s.class == own
		has["asks the earliest run"] = has["asks the earliest run"] || s.class == monotone
		for _, w := range s.ways {
			has["immediately"] = has["immediately"] || w.strict
			has["arrow within"] = has["arrow within"] || w.within > 0
		}
	}
	for f, ok := range has {
		if ok {
			out = append(out, f)
		}
	}
	return out
}

func (s *tally) fail(t *testing.T, format string, args ...any) {
	s.Lock()
	defer s.Unlock()
	if !s.failed {
		t.Errorf(format, args...)
	}
	s.failed = true
}

// differs shrinks a failing pair and describes it.
func differs(rule *dsl.RuleIR, es []*refEvent, end int64, s subject) string {
	b := newWorkbench()
	answers := func(r *dsl.RuleIR, es []*refEvent, end int64) (want []refMatch, got *answer) {
		prog, err := Compile(r, time.UTC)
		if err != nil {
			return nil, nil
		}
		if strings.HasPrefix(s.name, "fast") {
			if make, _ := fast(prog); make == nil {
				return nil, nil
			}
		}
		return runReference(r, es, end), runMachine(b, prog, s.make, es, end, s.lazy)
	}
	rule, es, end = shrink(rule, es, end, func(r *dsl.RuleIR, es []*refEvent, end int64) bool {
		want, got := answers(r, es, end)
		return got != nil && (len(got.faults) > 0 || !sameMatches(want, got.matches))
	})
	want, got := answers(rule, es, end)
	out := fmt.Sprintf("%s machine\n%s  events, the clock ends at %s:%s\n  reference:%s\n  machine:%s\n",
		s.name, ruleText(rule), time.Duration(end), streamText(rule, es), matchesText(want), matchesText(got.matches))
	for _, f := range got.faults {
		out += "  fault: " + f + "\n"
	}
	return out
}
