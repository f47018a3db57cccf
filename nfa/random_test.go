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

// The profiles that are compared. Of each policy half the pairs are flat rules,
// which fast machines may take over, and half have groups and blocks.
var profiles = []profile{
	{name: "first/flat", policy: dsl.MatchFirst, flags: 4, events: 14, overlap: 2},
	{name: "first/reads", policy: dsl.MatchFirst, flags: 6, events: 14, overlap: 2, reads: 4},
	{name: "first/groups", policy: dsl.MatchFirst, groups: true, reads: 2, flags: 5, events: 14, overlap: 2},
	{name: "latest/flat", policy: dsl.MatchLatest, flags: 4, events: 14, overlap: 2, reads: 2},
	{name: "latest/groups", policy: dsl.MatchLatest, groups: true, reads: 2, flags: 5, events: 14, overlap: 2},
	{name: "each/flat", policy: dsl.MatchEach, flags: 5, events: 10, overlap: 1, reads: 2},
	{name: "each/groups", policy: dsl.MatchEach, groups: true, reads: 2, flags: 5, events: 9, overlap: 1},
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
	perPolicy := map[dsl.Policy]int{}
	for _, p := range profiles {
		perPolicy[p.policy]++
	}
	for _, p := range profiles {
		t.Run(p.name, func(t *testing.T) { compareRandom(t, p, *pairsFlag/perPolicy[p.policy]) })
	}
}

// tally counts what was compared.
type tally struct {
	sync.Mutex
	pairs, with, matches, fast int
	failed                     bool
}

func compareRandom(t *testing.T, p profile, pairs int) {
	var sum tally
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
	for range streamsPerRule {
		es := d.stream()
		end := es[len(es)-1].at + int64(d.IntN(20))*ms
		want := runReference(rule, es, end)
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
		}
		sum.Unlock()
	}
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
