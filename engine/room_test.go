package engine

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/weir-cep/weir/cep"
)

// While too many rows wait, who is ahead has no room, who is waited for does,
// and other groups go on.
func TestRoomIsForThoseWhoAreBehind(t *testing.T) {
	prog := compile(t, threeTypes)
	cfg := apart(prog)
	cfg.Inputs = append(cfg.Inputs, Input{Source: 0, Partition: 1, Types: types(prog, "A")}, Input{Source: 0, Partition: 2, Types: types(prog, "A"), Idle: true})
	cfg.Limits = Limits{Waiting: 5, Early: true}
	b := seat(t, prog, cfg)
	room := func(want string) {
		t.Helper()
		var got []string
		for _, p := range b.e.Partitions() {
			if b.e.Room(p.Source, p.Partition) {
				got = append(got, fmt.Sprint(p.Source, "/", p.Partition))
			}
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("room for %q, want %q", s, want)
		}
	}
	b.feed(0, 1, ev("A", 100, "x"))
	for at := range 4 {
		b.feed(0, 0, ev("A", 200+at, "x"))
	}
	room("0/0 0/1 0/2 1/0 2/0")
	b.feed(0, 0, ev("A", 204, "x"))
	if rows, bytes := b.e.Waiting(); rows != 6 || bytes == 0 {
		t.Errorf("%d rows of %d bytes wait", rows, bytes)
	}
	room("0/1 0/2 1/0 2/0")
	b.feed(0, 2, ev("A", 205, "x")) // it was let in, and now is ahead
	room("0/1 1/0 2/0")
	b.feed(1, 0, ev("B", 1, "x"), ev("B", 2, "x"))
	b.says("b x")
	room("0/1 1/0 2/0")
	b.feed(0, 1, ev("A", 214, "x"))
	room("0/0 1/0 2/0")
	b.feed(0, 0, ev("A", 214, "x"))
	room("0/2 1/0 2/0")
	b.says("a x")
	b.feed(0, 2, ev("A", 220, "x"))
	room("0/0 0/1 1/0 2/0")
	b.says("a x; a x; a x; a x")
	g := b.e.Groups()[0]
	if g.Waiting != 5 || g.Oldest != 204*cep.Second || g.Early != 0 || g.Watermark != 204*cep.Second {
		t.Errorf("group %+v", g)
	}
	b.feed(0, 0, ev("A", 300, "x"))
	b.feed(0, 1, ev("A", 300, "x"))
	room("0/2 1/0 2/0")
	b.must(b.e.Finish(0, 2))
	room("0/0 0/1 0/2 1/0 2/0")
}

// A lateness that is too long for the memory: the oldest rows go before their
// time, and what comes below them is late. Nothing is lost without a count.
func TestRowsAreReleasedEarly(t *testing.T) {
	prog := compile(t, `
event A { id id  time at late 1000h  id: string  at: timestamp(unix_s)  k: string }
rule a "a" { by k  on A  when true  alert { message "{k}" } }`)
	cfg := Config{Limits: Limits{Waiting: 1000, Early: true}}
	b := seat(t, prog, cfg)
	row := func(at, n int) string { return fmt.Sprintf(`{"type":"A","id":"%d","at":%d,"k":"%d"}`, n, at, n) }
	n := 0
	for range 50 {
		var lines []string
		for range 100 {
			lines = append(lines, row(1_000_000+n, n))
			n++
		}
		b.feed(0, 0, lines...)
		if rows, _ := b.e.Waiting(); rows > 2000 {
			t.Fatalf("%d rows wait", rows)
		}
	}
	s := b.e.Stats()
	if s.Early == 0 || s.Early != s.Alerts || s.Late != 0 {
		t.Errorf("stats %+v", s)
	}
	w := b.e.Watermark(0)
	b.feed(0, 0, row(1_000_000, n), row(int(w/cep.Second)+1, n+1))
	if late := b.e.Stats().Late; late != 1 {
		t.Errorf("%d late", late)
	}
	b.must(b.e.End(ToLastEvent))
	if s := b.e.Stats(); s.Alerts+s.Late != s.Events {
		t.Errorf("stats %+v", s)
	}
	for i, l := range strings.Split(strings.TrimSpace(b.said()), "; ") {
		if i < 3000 && l != fmt.Sprint(i) {
			t.Fatalf("alert %d is %s", i, l)
		}
	}

	cfg.Limits.Early = false
	b = seat(t, prog, cfg)
	var err error
	for i := 0; i < 1100 && err == nil; i++ {
		err = b.e.Feed(b.batch(0, 0, row(1_000_000+i, i)))
	}
	if rows, _ := b.e.Waiting(); !errors.Is(err, ErrWaiting) || rows != 1001 {
		t.Errorf("%d rows wait: %v", rows, err)
	}
}

// Memory is a limit too.
func TestRoomInBytes(t *testing.T) {
	prog := compile(t, threeTypes)
	b := seat(t, prog, Config{Limits: Limits{WaitingBytes: 4000, Early: true}, Inputs: []Input{{}, {Partition: 1}}})
	b.feed(0, 0, ev("B", 10, "x"))
	long := strings.Repeat("y", 1000)
	for at := range 3 {
		b.feed(0, 1, ev("B", 100+at, long))
	}
	if !b.e.Room(0, 1) {
		t.Error("no room below the limit")
	}
	b.feed(0, 1, ev("B", 104, long))
	if b.e.Room(0, 1) || !b.e.Room(0, 0) {
		t.Error("room above the limit")
	}
	for at := range 5 {
		b.feed(0, 1, ev("B", 105+at, long))
	}
	if _, bytes := b.e.Waiting(); bytes > 8000 || b.e.Stats().Early == 0 {
		t.Errorf("%d bytes wait", bytes)
	}
}

// What a restart has to read again begins at the first batch that holds a row.
func TestOldestWaiting(t *testing.T) {
	prog := compile(t, threeTypes)
	b := seat(t, prog, Config{Inputs: []Input{{}, {Partition: 1}, {Partition: 2}}})
	b.feed(0, 0, ev("A", 100, "x"), ev("A", 101, "x"))
	b.feed(0, 0, ev("A", 110, "x"))
	b.feed(0, 1, ev("A", 102, "x"), ev("A", 109, "x"))
	b.feed(0, 2, ev("A", 112, "x"))
	got := ""
	b.e.oldestWaiting(func(source, partition uint32, position uint64) {
		got += fmt.Sprint(source, "/", partition, " ", position, "; ")
	})
	if want := "0/0 0; 0/1 0; 0/2 0; "; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	b.feed(0, 0, ev("A", 130, "x"))
	b.feed(0, 1, ev("A", 130, "x"))
	b.feed(0, 2, ev("A", 116, "x"))
	got = ""
	b.e.oldestWaiting(func(source, partition uint32, position uint64) {
		got += fmt.Sprint(source, "/", partition, " ", position, "; ")
	})
	if want := "0/0 2; 0/1 0; 0/2 0; "; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
