package nfa

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/expr"
	"github.com/weir-cep/weir/internal/slab"
)

var rewrite = flag.Bool("rewrite", false, "write the matches that come out into the scripts")

// The scripts in testdata/scripts are the specification by example: a sentence of the
// language, a rule, a stream, the matches.
//
//	# then: the first later event that fits; others are ignored.
//	a: A then b: B
//	< A0 X1 B2 B3
//	> a=A0 b=B2 at 2
//
// A line that is none of these continues the rule: the pattern's steps first,
// then, from a line that begins with "within", "match", "cancel", "emit" or
// "on timeout" on, the rest. Events are TYPE SECONDS[=PRICE][/NOTE]; "wait40"
// moves the clock to 40 s. A match names its events by type and time, its end,
// and its kind if it is not a match.
type script struct {
	file   string
	line   int
	says   string
	steps  []string
	rest   []string
	events []string
	want   []string
}

const scriptDecls = `
event A { at: timestamp(unix_s) time at  k: string  o: string  price: int  note: string? }
event B { at: timestamp(unix_s) time at  k: string  o: string  price: int  note: string? }
event C { at: timestamp(unix_s) time at  k: string  o: string  price: int  note: string? }
event D { at: timestamp(unix_s) time at  k: string  o: string  price: int  note: string? }
event X { at: timestamp(unix_s) time at  k: string  o: string  price: int  note: string? }
event Z { at: timestamp(unix_s) time at  k: string  o: string  price: int  note: string? }
`

func readScripts(t *testing.T, path string) []*script {
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []*script
	var s *script
	for i, l := range strings.Split(string(data), "\n") {
		switch {
		case strings.HasPrefix(l, "#"):
			if s == nil || len(s.steps)+len(s.events) > 0 {
				s = &script{file: path, line: i + 1}
				all = append(all, s)
			}
			s.says += strings.TrimPrefix(l, "#")
		case strings.TrimSpace(l) == "" || s == nil:
		case strings.HasPrefix(l, "<"):
			s.events = append(s.events, strings.Fields(l[1:])...)
		case strings.HasPrefix(l, ">"):
			s.want = append(s.want, strings.TrimSpace(l[1:]))
		default:
			word := strings.Fields(l)[0]
			if len(s.rest) > 0 || word == "within" || word == "match" || word == "cancel" || word == "emit" || word == "on" {
				s.rest = append(s.rest, strings.TrimSpace(l))
			} else {
				s.steps = append(s.steps, strings.TrimSpace(l))
			}
		}
	}
	return all
}

// rule writes and compiles the script's rule.
func (s *script) rule(t *testing.T) *Prog {
	t.Helper()
	rest := strings.Join(s.rest, "\n  ")
	text := scriptDecls + "rule r {\n  by k\n  pattern {\n    " + strings.Join(s.steps, "\n    ") + "\n  } " + rest + "\n  alert { message \"m\" }\n"
	if strings.Contains(rest, "on timeout") {
		text = strings.Replace(text, "on timeout", "on timeout alert { message \"t\" }", 1)
	}
	text += "}\n"
	return compileText(t, text)
}

func compileText(t testing.TB, text string) *Prog {
	t.Helper()
	file, ds := dsl.Parse("r.cep", []byte(text))
	if len(ds) > 0 {
		t.Fatalf("%v\n%s", ds, text)
	}
	prog, ds := dsl.Check(fstest.MapFS{}, file)
	for _, d := range ds {
		if strings.HasPrefix(d.Code, "E") {
			t.Fatalf("%v\n%s", ds, text)
		}
	}
	r := prog.Rules[0]
	// Tests look at every bound event, so keep what identifies it.
	p, err := Compile(r, time.UTC)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return p
}

func scriptFiles(t *testing.T) []string {
	t.Helper()
	files, _ := filepath.Glob("testdata/scripts/*.txt")
	if len(files) == 0 {
		t.Fatal("no scripts")
	}
	return files
}

func TestScripts(t *testing.T) {
	for _, f := range scriptFiles(t) {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txt"), func(t *testing.T) {
			for _, s := range readScripts(t, f) {
				s.run(t)
			}
			if *rewrite {
				rewriteScripts(t, f)
			}
		})
	}
}

func (s *script) run(t *testing.T) {
	t.Helper()
	got := s.matches(t, s.rule(t))
	if strings.Join(got, "\n") != strings.Join(s.want, "\n") {
		t.Errorf("%s:%d:%s\n%s\n%s\n< %s\ngot\n> %s\nwant\n> %s", s.file, s.line, s.says, strings.Join(s.steps, "\n"), strings.Join(s.rest, "\n"),
			strings.Join(s.events, " "), strings.Join(got, "\n> "), strings.Join(s.want, "\n> "))
		s.want = got
	}
}

// matches runs the stream through the general machine. Whatever the machine, it
// must have freed all memory once its state is dropped.
func (s *script) matches(t *testing.T, p *Prog) []string {
	t.Helper()
	k := newKey(t, p, Limits{})
	s.feed(t, k)
	k.drop()
	return k.out
}

// feed gives a key the script's events.
func (s *script) feed(t *testing.T, k *key) {
	t.Helper()
	now := int64(0)
	for i, e := range s.events {
		if at, ok := strings.CutPrefix(e, "wait"); ok {
			n, _ := strconv.ParseInt(at, 10, 64)
			now = n * second
			k.advance(now + 1)
			continue
		}
		name, at, price, note := parseEvent(t, e)
		now = at * second
		k.feed(name, i, now, price, note)
	}
}

// parseEvent reads "A3=5/x".
func parseEvent(t *testing.T, s string) (name string, at int64, price int, note string) {
	t.Helper()
	s, note, _ = strings.Cut(s, "/")
	s, p, _ := strings.Cut(s, "=")
	price, _ = strconv.Atoi(p)
	name = s[:1]
	at, err := strconv.ParseInt(s[1:], 10, 64)
	if err != nil {
		t.Fatalf("event %q: %v", s, err)
	}
	return name, at, price, note
}

// key feeds one key of a rule as the engine does and writes down its matches.
type key struct {
	t     testing.TB
	prog  *Prog
	mem   *slab.Arena
	syms  *slab.Symbols
	m     Machine
	state slab.Handle
	frame expr.Frame
	names map[cep.Ref]string
	out   []string
}

func newKey(t testing.TB, p *Prog, lim Limits) *key {
	k := &key{t: t, prog: p, mem: slab.NewArena(), syms: slab.NewSymbols(), names: map[cep.Ref]string{}}
	k.m = p.NewGeneral(k.mem, k.syms, lim)
	k.frame.Syms = k.syms
	k.frame.Lookups = &expr.Lookups{}
	text := cep.Type{Kind: cep.KindString}
	k.frame.Key = []cep.Value{{Type: text, Text: "k"}}
	return k
}

func (k *key) advance(now int64) {
	k.frame.Batch, k.frame.Table = nil, nil
	k.state = k.m.Advance(k.state, now, &k.frame, k.emit)
	if at, ok := k.m.Deadline(k.state); ok && at < now {
		k.t.Errorf("deadline %d is still there after %d", at, now)
	}
	if at, ok := k.m.Idle(k.state); ok && at < now && k.state != 0 {
		k.t.Errorf("state is still there at %d, idle since %d", now, at)
	}
}

// feed gives the key an event of the named type.
func (k *key) feed(name string, position int, at int64, price int, note string) {
	var schema *cep.Schema
	routes := uint64(0)
	for i, r := range k.prog.Rule.Routes {
		if r.Schema.Name == name {
			schema = r.Schema
			routes |= 1 << i
		}
	}
	if schema == nil {
		return // no type of the rule
	}
	b := oneEvent(schema, at, price, note)
	k.advance(at)
	f := &k.frame
	f.Batch, f.Table, f.Row, f.At, f.Ref = b, &b.Tables[0], 0, at, cep.MakeRef(0, 0, uint64(position))
	k.names[f.Ref] = fmt.Sprintf("%s%d", name, at/second)
	ev := Event{Frame: f, Bits: k.prog.Bits(f, schema, routes), Routes: routes}
	k.state = k.m.Event(k.state, &ev, k.emit)
}

// oneEvent is a batch of one event with the fields of scriptDecls.
func oneEvent(s *cep.Schema, at int64, price int, note string) *cep.Batch {
	b := &cep.Batch{Bytes: []byte("ko" + note)}
	words := map[string]cep.Word{"at": cep.Word(at), "k": cep.StringWord(0, 1), "o": cep.StringWord(1, 1), "price": cep.Word(price), "note": cep.StringWord(2, len(note))}
	cols := make([]cep.Column, len(s.Fields))
	for i, f := range s.Fields {
		cols[i] = cep.Column{Words: []cep.Word{words[f.Name]}, Present: []uint64{1}}
		if f.Name == "note" && note == "" {
			cols[i].Present[0] = 0
		}
	}
	b.Tables = []cep.Table{{Schema: s, Cols: cols, Rows: 1}}
	b.Rows = []cep.Row{{At: at}}
	return b
}

// emit writes a match as "a=A0,A1 b=B2 at 2".
func (k *key) emit(m *Match) {
	by := map[string][]string{}
	for i, e := range m.Events {
		label := k.prog.name(e.Binding)
		by[label] = append(by[label], k.names[e.Ref])
		if i > 0 && e.At < m.Events[i-1].At {
			k.t.Errorf("events of a match are not in time order")
		}
	}
	var parts []string
	for l, es := range by {
		parts = append(parts, l+"="+strings.Join(es, ","))
	}
	sort.Strings(parts)
	s := strings.Join(parts, " ") + fmt.Sprintf(" at %d", m.At/second)
	if m.Kind == cep.MatchTimeout {
		s += " timeout"
	}
	if m.Truncated {
		s += " truncated"
	}
	if m.FirstAt != m.Events[0].At {
		k.t.Errorf("match first at %d, but its first event is at %d", m.FirstAt, m.Events[0].At)
	}
	for i, b := range k.prog.Rule.Bindings {
		if n := len(by[k.prog.name(i)]); b.Label != "" && m.Bound.Count(i) != n {
			k.t.Errorf("step %s has bound %d events, counts %d", b.Label, n, m.Bound.Count(i))
		}
	}
	k.out = append(k.out, s)
}

// drop forgets the state and checks that nothing is left behind.
func (k *key) drop() {
	k.m.Drop(k.state)
	k.state = 0
	if n, b := k.mem.Live(); n != 0 || b != 0 {
		k.t.Errorf("%d slots of %d bytes are left behind", n, b)
	}
	if n := k.syms.Len(); n != 0 {
		k.t.Errorf("%d symbols are left behind", n)
	}
}

// rewriteScripts puts the matches that came out in place of the expected ones.
func rewriteScripts(t *testing.T, path string) {
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(data), "\n")
	var out []string
	scripts := readScripts(t, path)
	next := 0
	for i := 0; i < len(lines); i++ {
		l := lines[i]
		if strings.HasPrefix(l, ">") {
			continue
		}
		out = append(out, l)
		if strings.HasPrefix(l, "<") && (i+1 == len(lines) || !strings.HasPrefix(lines[i+1], "<")) {
			s := scripts[next]
			next++
			for _, m := range s.matches(t, s.rule(t)) {
				out = append(out, "> "+m)
			}
		}
	}
	if err := os.WriteFile(path, []byte(strings.Join(out, "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
}
