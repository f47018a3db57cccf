package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// table drives an engine over the events of several sources and writes down
// all that comes out.
type table struct {
	t    testing.TB
	prog *dsl.Program
	e    *Engine
	out  strings.Builder

	lines map[uint64][]string // by partition, all so far
}

// seat starts an engine on the program.
func seat(t testing.TB, prog *dsl.Program, cfg Config) *table {
	b := &table{t: t, prog: prog, lines: map[uint64][]string{}}
	cfg.Emit = func(alerts []*cep.Alert) error {
		for _, a := range alerts {
			b.out.Write(append(a.AppendJSON(nil), '\n'))
		}
		return nil
	}
	cfg.Late = func(r LateRow) {
		fmt.Fprintf(&b.out, "late %x below %d, greatest %d\n", r.Batch.Rows[r.Index].Ref, r.Watermark, r.Greatest)
	}
	cfg.Ahead = func(r AheadRow) {
		fmt.Fprintf(&b.out, "ahead %x above %d\n", r.Batch.Rows[r.Index].Ref, r.Limit)
	}
	e, err := New(prog, cfg)
	if err != nil {
		t.Fatal(err)
	}
	b.e = e
	return b
}

// batch decodes lines as the next rows of a partition.
func (b *table) batch(source, partition uint32, lines ...string) *cep.Batch {
	out := decodeLines(b.t, b.prog, lines, 0, 0)
	key := inputKey(source, partition)
	out.Rebase(source, partition, uint64(len(b.lines[key])))
	b.lines[key] = append(b.lines[key], lines...)
	return out
}

func (b *table) feed(source, partition uint32, lines ...string) {
	b.t.Helper()
	b.must(b.e.Feed(b.batch(source, partition, lines...)))
}

func (b *table) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// said returns what has come out since it was last asked: the messages of
// alerts, with their time in seconds, and the rest as it is.
func (b *table) said() string {
	var lines []string
	for _, l := range strings.Split(strings.TrimSuffix(b.out.String(), "\n"), "\n") {
		if _, rest, ok := strings.Cut(l, `"message":"`); ok {
			l, _, _ = strings.Cut(rest, `"`)
		}
		lines = append(lines, l)
	}
	b.out.Reset()
	return strings.Join(lines, "; ")
}

func (b *table) says(want string) {
	b.t.Helper()
	if got := b.said(); got != want {
		b.t.Errorf("it said %q, want %q", got, want)
	}
}

// types are the schemas of those names.
func types(prog *dsl.Program, names ...string) (list []*cep.Schema) {
	for _, n := range names {
		list = append(list, schemaNamed(prog, n))
	}
	return list
}

// ev is an event of a test.
func ev(typ string, at int, k string) string {
	return fmt.Sprintf(`{"type":"%s","at":%d,"k":"%s"}`, typ, at, k)
}

const threeTypes = `
event A { time at late 10s  at: timestamp(unix_s)  k: string }
event B { time at           at: timestamp(unix_s)  k: string }
event C { time at late 5s   at: timestamp(unix_s)  k: string }
rule a "a" { by k  on A  when true  alert { message "a {k}" } }
rule b "b" { by k  on B  when true  alert { message "b {k}" } }
rule c "c" { by k  on C  when true  alert { message "c {k}" } }
`

// noSources says that a program has no sources but its inputs.
func noSources(*dsl.Program) [][]*cep.Schema { return nil }

// Inputs of three sources with one type each.
func apart(prog *dsl.Program) Config {
	return Config{Apart: true, Sources: noSources, Inputs: []Input{
		{Source: 0, Types: types(prog, "A"), Name: "as"},
		{Source: 1, Types: types(prog, "B"), Name: "bs"},
		{Source: 2, Types: types(prog, "C"), Name: "cs"},
	}}
}

// Sources of rules that have nothing in common don't wait for each other.
func TestGroupsDoNotWaitForEachOther(t *testing.T) {
	prog := compile(t, threeTypes)
	b := seat(t, prog, apart(prog))
	b.feed(1, 0, ev("B", 100, "x"), ev("B", 101, "y"))
	b.says("b x")
	b.feed(0, 0, ev("A", 100, "x"), ev("A", 110, "y"))
	b.says("")
	b.feed(0, 0, ev("A", 120, "z"))
	b.says("a x")
	for i, want := range []int64{110, 101, minTime} {
		if i < 2 {
			want *= cep.Second
		}
		if w := b.e.Watermark(i); w != want {
			t.Errorf("watermark of group %d is %d, want %d", i, w, want)
		}
	}
	b.must(b.e.End(ToLastEvent))
	b.says("a y; a z; b y") // group by group

	one := apart(prog)
	one.Apart = false
	b = seat(t, prog, one)
	b.feed(1, 0, ev("B", 100, "x"), ev("B", 101, "y"))
	b.feed(0, 0, ev("A", 111, "x"), ev("A", 121, "y"))
	b.says("")
	b.feed(2, 0, ev("C", 106, "x"))
	b.says("b x")
}

// A rule that looks at two sources' types makes one group of them; so does one
// whose alerts another reads.
func TestRulesJoinGroups(t *testing.T) {
	for _, c := range []struct {
		rule string
		want string
	}{
		{``, "as: a | bs: b | cs: c | : "},
		{`rule ab "ab" { by k  pattern { x: A  then y: B } within 1m  alert {} }`, "as bs: a ab b | cs: c | : "},
		{`feature f on B by k { n = count() over last 1m }
			rule ab "ab" { by k  on A  when f.n > 0  alert {} }`, "as bs: a ab b | cs: c | : "},
		{`rule up "up" { by k  on A  when true  alert as Up { message "" who = k } }
			rule down "down" { by k  pattern { x: Up by who then y: C by k } within 1m  alert {} }`, "as cs: a c down up | bs: b | : "},
		{`rule up "up" { by k  on A  when true  alert as Up { message "" } }`, "as: a up | bs: b | cs: c | : "},
		{`rule off "off" { status off  by k  pattern { x: A  then y: B } within 1m  alert {} }`, "as: a | bs: b | cs: c | : "},
	} {
		prog := compile(t, threeTypes+c.rule)
		b := seat(t, prog, apart(prog))
		var got []string
		for _, g := range b.e.Groups() {
			got = append(got, strings.Join(g.Sources, " ")+": "+strings.Join(g.Rules, " "))
		}
		if s := strings.Join(got, " | "); s != c.want {
			t.Errorf("%s\ngot  %s\nwant %s", c.rule, s, c.want)
		}
	}
}

// A source that carries two types joins those who read them, a type that nobody
// reads does not, and a source that no rule looks at is with the rest.
func TestSourcesJoinGroups(t *testing.T) {
	prog := compile(t, strings.Replace(threeTypes, "rule c", "rule c_off", 1)+`
event D { time at  at: timestamp(unix_s)  k: string }
rule d "d" { status off  by k  on D  when true  alert {} }`)
	cfg := apart(prog)
	cfg.Inputs = []Input{
		{Source: 0, Types: types(prog, "A", "B"), Name: "ab"},
		{Source: 1, Types: types(prog, "D", "C"), Name: "dc"},
		{Source: 2, Types: types(prog, "D"), Name: "d"},
	}
	b := seat(t, prog, cfg)
	groups := b.e.Groups()
	if len(groups) != 3 || fmt.Sprint(groups[0].GroupInfo, groups[1].GroupInfo, groups[2].GroupInfo) != "{[ab] [a b]} {[dc] [c_off]} {[d] []}" {
		t.Errorf("groups %+v", groups)
	}
	// One that comes later and would join two has to be announced.
	err := b.e.AddInput(Input{Source: 3, Types: types(prog, "A", "C"), Name: "ac"})
	if err == nil || !strings.Contains(err.Error(), "Config.Sources") {
		t.Errorf("a source that joins groups while they run: %v", err)
	}
	cfg.Sources = func(*dsl.Program) [][]*cep.Schema { return [][]*cep.Schema{types(prog, "A", "C")} }
	b = seat(t, prog, cfg)
	b.must(b.e.AddInput(Input{Source: 3, Types: types(prog, "A", "C"), Name: "ac"}))
	if n := len(b.e.Groups()); n != 2 {
		t.Errorf("%d groups, want one and the rest", n)
	}
}

// Groups of a program are those of its sources, and one source for the types
// that none carries.
func TestGroupsOfAProgram(t *testing.T) {
	prog := compile(t, threeTypes+`
event D { time at  at: timestamp(unix_s)  k: string }
event E { time at  at: timestamp(unix_s)  k: string }
rule de "de" { by k  pattern { x: D  then y: E } within 1m  alert {} }
source one of A from file { path: "a" }
source two of A, D from file { path: "ad" }
source three of B from file { path: "b" }`)
	var got []string
	for _, g := range Groups(prog) {
		got = append(got, strings.Join(g.Sources, " ")+": "+strings.Join(g.Rules, " "))
	}
	want := []string{"http one two: a c de", "three: b"} // http carries C and E
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A row is late below its own partition's watermark, not below the group's,
// wherever the batches are cut.
func TestLateRowsDoNotDependOnBatches(t *testing.T) {
	prog := compile(t, threeTypes)
	lines := []string{ev("A", 100, "0"), ev("A", 111, "1"), ev("A", 101, "2"), ev("A", 100, "3"), ev("A", 130, "4"), ev("A", 121, "5"), ev("A", 119, "6"), ev("A", 120, "7")}
	var want string
	for rows := 1; rows <= len(lines); rows++ {
		cfg := apart(prog)
		cfg.Inputs = append(cfg.Inputs, Input{Source: 0, Partition: 1, Types: types(prog, "A")})
		b := seat(t, prog, cfg)
		b.feed(0, 1, ev("A", 50, "other"))
		for i := 0; i < len(lines); i += rows {
			b.feed(0, 0, lines[i:min(i+rows, len(lines))]...)
		}
		p := b.e.Partitions()[0]
		if p.Late != 2 || p.Rows != 8 || p.Greatest != 130*cep.Second || p.Watermark != 120*cep.Second || p.Holds || p.Waiting != 6 {
			t.Errorf("batches of %d: %+v", rows, p)
		}
		if q := b.e.Partitions()[1]; !q.Holds || q.Waiting != 1 {
			t.Errorf("the other partition: %+v", q)
		}
		b.must(b.e.End(ToLastEvent))
		got := b.said()
		if want == "" {
			want = got
		}
		if got != want || strings.Count(got, "late") != 2 {
			t.Errorf("batches of %d: %s", rows, got)
		}
	}
}

// A silent partition leaves the watermark. What its group releases meanwhile is
// not asked of it: below it its rows are late, from there on they are not.
func TestIdlePartitionsLeaveAndComeBack(t *testing.T) {
	prog := compile(t, threeTypes)
	cfg := apart(prog)
	cfg.Inputs = append(cfg.Inputs, Input{Source: 0, Partition: 1, Types: types(prog, "A")})
	b := seat(t, prog, cfg)
	b.feed(0, 0, ev("A", 100, "a"), ev("A", 200, "b"))
	b.feed(0, 1, ev("A", 100, "c"))
	b.says("")
	b.must(b.e.Idle(0, 1))
	b.says("a a; a c")
	if w := b.e.Watermark(0); w != 190*cep.Second {
		t.Errorf("watermark %d", w)
	}
	b.feed(0, 1, ev("A", 150, "late"), ev("A", 190, "d"), ev("A", 150, "late too"), ev("A", 195, "e"))
	b.says("late 100000000001 below 190000000000, greatest 150000000000; late 100000000003 below 190000000000, greatest 190000000000")
	b.feed(0, 0, ev("A", 300, "f"))
	b.says("") // its own watermark holds the group again
	if w := b.e.Watermark(0); w != 190*cep.Second {
		t.Errorf("watermark %d fell or rose", w)
	}
	b.feed(0, 1, ev("A", 260, "g"))
	b.says("a d; a e; a b")
	b.must(b.e.Finish(0, 1))
	b.says("a g")
	if err := b.e.Feed(b.batch(0, 1, ev("A", 300, "h"))); !errors.Is(err, ErrOrder) {
		t.Errorf("a row behind the end: %v", err)
	}
}

// A partition that comes while the engine runs holds its group from then on,
// and is not asked for what is released.
func TestPartitionsComeWhileRunning(t *testing.T) {
	prog := compile(t, threeTypes)
	b := seat(t, prog, apart(prog))
	b.feed(0, 0, ev("A", 100, "a"), ev("A", 120, "b"))
	b.says("a a")
	b.must(b.e.AddInput(Input{Source: 0, Partition: 7, Types: types(prog, "A"), Name: "as"}))
	b.feed(0, 0, ev("A", 200, "c"))
	b.says("")
	b.feed(0, 7, ev("A", 109, "late"), ev("A", 110, "d"), ev("A", 140, "e"))
	b.says("late 700000000000 below 110000000000, greatest 109000000000; a d; a b")
	// One that is silent already holds nobody.
	b.must(b.e.AddInput(Input{Source: 0, Partition: 8, Types: types(prog, "A"), Name: "as", Idle: true}))
	b.feed(0, 7, ev("A", 200, "f"))
	b.says("a e")
	// An ended one that is taken up again comes back like one that was silent.
	b.must(b.e.Finish(0, 7))
	b.feed(0, 0, ev("A", 300, "g"))
	b.says("a c; a f") // of one time, by partition
	b.must(b.e.AddInput(Input{Source: 0, Partition: 7, Types: types(prog, "A"), Name: "as"}))
	b.feed(0, 7, ev("A", 250, "late"), ev("A", 290, "h"))
	b.says("late 700000000004 below 290000000000, greatest 250000000000")
	b.must(b.e.End(ToLastEvent))
	b.says("a h; a g")
}
