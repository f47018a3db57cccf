package journal

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// A copy holds the records from the position on, also those that come while it
// is made as far as they were durable, and goes on as a journal of its own.
func TestCopy(t *testing.T) {
	fs := vfs.NewMem()
	j := open(t, Options{FS: fs, Dir: "journal", Segment: 1 << 10})
	text := func(p Position) string { return fmt.Sprintf("record %d %0500d", p, p) }
	for p := Position(1); p <= 40; p++ {
		if got := put(t, j, Record{Kind: 1, Stream: 7, First: uint64(p), Count: 1, Data: []byte(text(p))}); got != p {
			t.Fatalf("position %d, not %d", got, p)
		}
	}
	if s := j.Stats(); s.Segments < 3 {
		t.Fatalf("%d segments", s.Segments)
	}
	var stop atomic.Bool
	written := make(chan struct{})
	go func() {
		defer close(written)
		for p := uint64(41); !stop.Load(); p++ {
			if ticket, err := j.Append(Record{Kind: 1, Stream: 7, First: p, Count: 1, Data: []byte(text(Position(p)))}); err == nil {
				<-ticket.Done()
			}
		}
	}()
	const from = 25
	err := j.Copy("copy", from)
	stop.Store(true)
	<-written
	if err != nil {
		t.Fatal(err)
	}
	if err := Verify(fs, "copy", func(file string, off int64, why string) { t.Errorf("%s at %d: %s", file, off, why) }); err != nil {
		t.Fatal(err)
	}
	facts, err := Inspect(fs, "copy")
	if err != nil {
		t.Fatal(err)
	}
	c := open(t, Options{FS: fs, Dir: "copy", Segment: 1 << 10})
	if s := c.Stats(); facts.First != s.First || facts.End != s.End || facts.Bytes != s.Bytes || facts.Segments != s.Segments || facts.FirstTime != s.FirstTime || facts.LastTime != s.LastTime || s.LastTime == 0 {
		t.Errorf("Inspect: %+v, a journal: %+v", facts, s)
	}
	if first := c.First(); first > from || first == 1 {
		t.Errorf("it begins at %d", first)
	}
	if c.End() < 41 {
		t.Errorf("it ends at %d", c.End())
	}
	end := c.End()
	if got := put(t, c, Record{Kind: 1, Stream: 7, First: uint64(end), Count: 1, Data: []byte(text(end))}); got != end {
		t.Errorf("goes on at %d, not %d", got, end)
	}
	for i, r := range all(t, c, from) {
		if want := Position(from + i); r.Pos != want || string(r.Data) != text(want) {
			t.Fatalf("record %d is %d: %.20q", want, r.Pos, r.Data)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	// The original is as it was.
	if got := len(all(t, j, 1)); got != int(j.End())-1 {
		t.Errorf("%d records are left", got)
	}
	j.opt.KeepBytes = 1
	j.Need(j.End())
	if n, err := j.Clean(); err != nil || n == 0 {
		t.Fatal(n, err)
	}
	if err := j.Copy("late", 1); !errors.Is(err, ErrGone) {
		t.Errorf("what is gone was copied: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}
