package engine

import (
	"fmt"
	"strings"
	"testing"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// deploy puts another program in the place of the table's.
func (b *table) deploy(prog *dsl.Program, inputs []Input, carry Carry) {
	b.t.Helper()
	_, err := b.e.Deploy(prog, Deployment{Carry: carry, Inputs: inputs, Redecode: func(old *cep.Batch) (*cep.Batch, error) {
		first, last := old.Rows[0].Ref, old.Rows[len(old.Rows)-1].Ref
		lines := b.lines[inputKey(first.Source(), first.Partition())][first.Position() : last.Position()+1]
		again := decodeLines(b.t, prog, lines, 0, 0)
		again.Rebase(first.Source(), first.Partition(), first.Position())
		return again, nil
	}})
	b.must(err)
	b.prog = prog
}

// Three inputs of the types that a program has by these names.
func abc(prog *dsl.Program) []Input { return apart(prog).Inputs }

// Groups that a new rule joins get the smaller watermark; it sees rows from the
// larger on, and nobody sees a time twice. When the rule goes the groups part
// again, each with the watermark that it has.
func TestDeploymentsJoinAndSplitGroups(t *testing.T) {
	prog := compile(t, threeTypes)
	b := seat(t, prog, apart(prog))
	b.feed(0, 0, ev("A", 100, "x"), ev("A", 120, "x")) // group as: watermark 110
	b.feed(1, 0, ev("B", 200, "x"), ev("B", 201, "x")) // group bs: 201, one row waits
	b.feed(2, 0, ev("C", 50, "x"), ev("C", 53, "x"))   // group cs: 48, two rows wait
	b.says("a x; b x")

	joined := compile(t, threeTypes+`
rule ab "ab" { by k  on A  when f.n >= 0  alert { message "ab {k} {f.n}" } }
feature f on B by k { n = count() over last 100s }`)
	b.deploy(joined, abc(joined), Reset)
	got := ""
	for _, g := range b.e.Groups() {
		got += fmt.Sprintf("%v %d %d; ", g.Sources, g.Watermark/cep.Second, g.Waiting)
	}
	if want := "[as bs] 110 2; [cs] 48 2; [] -9223372036 0; "; got != want {
		t.Errorf("groups %s, want %s", got, want)
	}
	b.feed(0, 0, ev("A", 150, "x"), ev("A", 201, "x"))
	b.says("a x; a x") // up to 191, and the new rule saw nothing of it
	b.feed(1, 0, ev("B", 180, "late"), ev("B", 230, "x"))
	b.says("late 100000000000002 below 201000000000, greatest 201000000000")
	b.feed(0, 0, ev("A", 240, "x"))
	b.says("a x; ab x 0; b x") // all at 201
	b.feed(0, 0, ev("A", 250, "x"))
	b.feed(1, 0, ev("B", 240, "x"))
	b.says("b x")

	b.deploy(prog, abc(prog), Reset)
	got = ""
	for _, g := range b.e.Groups() {
		got += fmt.Sprintf("%v %d %d; ", g.Sources, g.Watermark/cep.Second, g.Waiting)
	}
	if want := "[as] 240 2; [bs] 240 1; [cs] 48 2; [] -9223372036 0; "; got != want {
		t.Errorf("groups %s, want %s", got, want)
	}
	b.feed(1, 0, ev("B", 300, "x"))
	b.says("b x")
	b.feed(0, 0, ev("A", 239, "late"), ev("A", 265, "x"))
	b.says("late 6 below 240000000000, greatest 250000000000; a x; a x")
	b.must(b.e.End(ToLastEvent))
	b.says("a x; b x; c x; c x")
}

// What a partition's group had released is late for it in the joined group too,
// also if it was silent meanwhile, and the lateness of its types cannot bring it
// back.
func TestJoinedPartitionsKeepTheirFloor(t *testing.T) {
	prog := compile(t, threeTypes)
	cfg := apart(prog)
	cfg.Inputs = append(cfg.Inputs, Input{Source: 1, Partition: 1, Types: types(prog, "B"), Idle: true})
	b := seat(t, prog, cfg)
	b.feed(0, 0, ev("A", 100, "x"))
	b.feed(1, 0, ev("B", 200, "x"), ev("B", 201, "x"))
	b.says("b x")
	joined := compile(t, strings.Replace(threeTypes, "event B { time at ", "event B { time at late 60s", 1)+`
rule ab "ab" { by k  pattern { x: A  then y: B } within 1m  alert {} }`)
	b.deploy(joined, nil, Reset)
	b.feed(1, 1, ev("B", 150, "late"), ev("B", 201, "y"), ev("B", 300, "z"))
	b.feed(1, 0, ev("B", 160, "late"), ev("B", 200, "late"), ev("B", 300, "z"))
	if s := b.e.Stats(); s.Late != 3 {
		t.Errorf("%d rows are late", s.Late)
	}
	// A partition of a group that has not begun comes to one that has.
	if err := b.e.AddInput(Input{Source: 3, Types: types(joined, "C")}); err != nil {
		t.Fatal(err)
	}
	b.out.Reset()
	all := compile(t, threeTypes+`rule ac "ac" { by k  pattern { x: A  then y: C } within 1m  alert {} }`)
	b.deploy(all, nil, Reset)
	w := b.e.Watermark(0)
	b.feed(2, 0, ev("C", int(w/cep.Second)-1, "late"), ev("C", int(w/cep.Second), "x"))
	b.says(fmt.Sprintf("late 200000000000000 below %d, greatest %d", w, w-cep.Second))
}

// An old rule that comes to read what rules of a slower group raise does not
// see what lies before its own time.
func TestJoinedRulesDoNotGoBack(t *testing.T) {
	text := threeTypes + `
rule up "up" { by k  on A  when true  alert as Up { message "up {k}" who = k } }
rule down "down" { by k  pattern { x: Up by who  then y: TYPE by k } within 1h  alert { message "down {k}" } }`
	prog := compile(t, strings.ReplaceAll(text, "TYPE", "A"))
	b := seat(t, prog, apart(prog))
	b.feed(0, 0, ev("A", 100, "x"), ev("A", 120, "x"))
	b.feed(1, 0, ev("B", 200, "x"), ev("B", 205, "x"))
	b.says("a x; up x; b x")
	next := compile(t, strings.ReplaceAll(text, "TYPE", "B"))
	b.deploy(next, abc(next), Reset)
	b.feed(0, 0, ev("A", 214, "x")) // 120 is released, as an Up that "down" does not see
	b.feed(1, 0, ev("B", 210, "x"))
	b.says("a x; up x")
	b.feed(0, 0, ev("A", 400, "x"))
	b.feed(1, 0, ev("B", 401, "x"))
	b.says("b x; b x; a x; up x")
	b.must(b.e.End(ToLastEvent))
	b.says("a x; up x; b x; down x")
}

// A row that waits of a partition that goes away is dropped, and so is one of a
// type that nobody reads any more.
func TestDeploymentsDropWhatNobodyReads(t *testing.T) {
	prog := compile(t, threeTypes)
	cfg := apart(prog)
	cfg.Inputs[0].Types = types(prog, "A", "C")
	b := seat(t, prog, cfg)
	b.feed(0, 0, ev("A", 100, "x"), ev("C", 101, "x"), ev("A", 102, "x"))
	b.feed(1, 0, ev("B", 200, "x"))
	if rows, _ := b.e.Waiting(); rows != 4 {
		t.Fatalf("%d rows wait", rows)
	}
	next := compile(t, strings.Replace(strings.Replace(threeTypes, "rule c \"c\" {", "rule c \"c\" { status off", 1), "on B", "on A", 1))
	b.deploy(next, []Input{{Source: 0, Types: types(next, "A", "C")}}, Reset)
	if rows, _ := b.e.Waiting(); rows != 2 {
		t.Errorf("%d rows wait", rows)
	}
	if err := b.e.Feed(b.batch(1, 0, ev("A", 200, "x"))); err == nil {
		t.Error("a partition that is gone takes rows")
	}
}
