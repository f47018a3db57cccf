package engine

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"sort"
	"testing"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/expr"
)

// The tests of the rule library, each saved at every event and restored at
// some, give the alerts that they give in one go.
func TestLibraryRestored(t *testing.T) {
	const dir = "../rules/library"
	names := []string{"aws/cloudtrail.cep"}
	for _, path := range globbed(t, filepath.Join(dir, "*.cep")) {
		names = append(names, filepath.Base(path))
	}
	prog, ds, err := dsl.Load(os.DirFS(dir), names...)
	if err != nil || ds.HasErrors() {
		t.Fatal(err, ds.Text())
	}
	alerts, restored := 0, 0
	for i, test := range prog.Tests {
		cfg, sub := libraryConfig(t, prog, test)
		for _, shards := range []int{1, 3} {
			cfg.Shards = shards
			end := dsl.TestStart + test.End
			want := testCourse(t, sub, test, cfg).runTo(1, end, nil)
			r := rand.New(rand.NewPCG(uint64(i), uint64(shards)))
			c := testCourse(t, sub, test, cfg)
			got := c.runTo(1, end, func() (bool, bool) {
				crash := r.IntN(4) == 0
				if crash {
					restored++
				}
				return true, crash
			})
			if got != want {
				t.Errorf("%q for %s, %d shards: %s", test.Name, test.Rule.Name, shards, firstDifference(got, want))
			}
			alerts += len(want)
		}
	}
	if len(prog.Tests) < 50 || alerts == 0 || restored < len(prog.Tests) {
		t.Errorf("%d tests, %d bytes of alerts, %d times restored", len(prog.Tests), alerts, restored)
	}
}

func globbed(t *testing.T, pattern string) []string {
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("nothing is at %s: %v", pattern, err)
	}
	return paths
}

// libraryConfig is what a test runs with, and the rules that it is about.
func libraryConfig(t *testing.T, prog *dsl.Program, test *dsl.TestIR) (Config, *dsl.Program) {
	sub := *prog
	sub.Rules = nil
	for _, r := range test.Rules {
		live := *r
		live.Status = dsl.Live
		sub.Rules = append(sub.Rules, &live)
	}
	l, err := ProgramLookups(&sub)
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Lookups: l}
	fresh := map[*dsl.TableIR]bool{}
	for _, w := range test.With {
		switch {
		case w.Param != nil:
			l.Params[w.Param.Index] = expr.NewParam(w.Value)
		case w.List != nil:
			if l.Lists[w.List.Index], err = NewList(&sub, w.List, w.Value.List); err != nil {
				t.Fatal(err)
			}
		case w.Table != nil:
			if !fresh[w.Table] {
				fresh[w.Table] = true
				l.Tables[w.Table.Index] = expr.NewTable(w.Table.Key, w.Table.Cols)
			}
			l.Tables[w.Table.Index].Set(w.Key[0], w.Row)
		case w.Feature != nil:
			cfg.Fixed = append(cfg.Fixed, FixedFeature{Feature: w.Feature, Item: w.Item, Key: w.Key, Value: w.Value})
		}
	}
	return cfg, &sub
}

// testCourse is a course over the events of a test as they arrive.
func testCourse(t *testing.T, prog *dsl.Program, test *dsl.TestIR, cfg Config) *course {
	var events []dsl.TestEvent
	for _, e := range test.Events {
		if e.Schema != nil {
			events = append(events, e)
		}
	}
	sort.SliceStable(events, func(i, j int) bool { return events[i].Arrive < events[j].Arrive })
	c := &course{t: t, prog: prog, cfg: cfg, counts: []int{len(events)}}
	c.text = func(ref cep.Ref) string { return eventText(&events[ref.Position()]) }
	c.batch = func(_, from, n int) *cep.Batch {
		b := &cep.Batch{}
		for i := from; i < from+n; i++ {
			addEvent(b, &events[i], uint64(i))
		}
		return b
	}
	c.begin()
	return c
}

func addEvent(b *cep.Batch, e *dsl.TestEvent, position uint64) {
	n := 0
	for n < len(b.Tables) && b.Tables[n].Schema != e.Schema {
		n++
	}
	if n == len(b.Tables) {
		b.Tables = append(b.Tables, cep.Table{Schema: e.Schema, Cols: make([]cep.Column, len(e.Schema.Fields))})
	}
	tb := &b.Tables[n]
	for i, v := range e.Values {
		appendValue(b, &tb.Cols[i], tb.Rows, e.Schema.Fields[i].Type, v)
	}
	at := int64(tb.Cols[e.Schema.Time].Words[tb.Rows])
	b.Rows = append(b.Rows, cep.Row{At: at, Ref: cep.MakeRef(0, 0, position), Table: uint32(n), Index: uint32(tb.Rows)})
	tb.Rows++
	text := eventText(e)
	b.Raw = append(b.Raw, cep.StringWord(len(b.Bytes), len(text)))
	b.Bytes = append(b.Bytes, text...)
}

func eventText(e *dsl.TestEvent) string {
	out := []byte{'{'}
	for i := range e.Values {
		if e.Values[i].Missing {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(cep.AppendJSONString(out, e.Schema.Fields[i].Name), ':')
		out = e.Values[i].AppendJSON(out)
	}
	return string(append(out, '}'))
}
