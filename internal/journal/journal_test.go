package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// rowsOf makes the text of rows: about 200 bytes each.
func rowsOf(r *rand.Rand, n int) []byte {
	var b bytes.Buffer
	for range n {
		fmt.Fprintf(&b, `{"type":"payment","at":"2026-03-01T12:%02d:%02d.%03dZ","card":"c-%09d","amount":%d.%02d,"currency":"EUR","merchant":"m-%05d","country":"%c%c","device":"%016x","ok":true}`+"\n",
			r.IntN(60), r.IntN(60), r.IntN(1000), r.IntN(1e9), r.IntN(2000), r.IntN(100), r.IntN(1e5), 'A'+r.IntN(26), 'A'+r.IntN(26), r.Uint64())
	}
	return b.Bytes()
}

func open(t testing.TB, o Options) *Journal {
	t.Helper()
	j, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// put appends a record and waits until it is durable.
func put(t testing.TB, j *Journal, r Record) Position {
	t.Helper()
	ticket, err := j.Append(r)
	if err != nil {
		t.Fatal(err)
	}
	p, err := ticket.Result()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// all reads every record from a position on.
func all(t testing.TB, j *Journal, from Position) []Record {
	t.Helper()
	out, err := tryAll(j, from)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func tryAll(j *Journal, from Position) ([]Record, error) {
	r := j.Read(from)
	defer r.Close()
	var out []Record
	for {
		var rec Record
		switch err := r.Next(&rec); {
		case err == io.EOF:
			return out, nil
		case err != nil:
			return out, err
		}
		out = append(out, rec)
	}
}

func TestAppendReadFind(t *testing.T) {
	defer func(n int) { indexBytes = n }(indexBytes)
	indexBytes = 3000 // of two or three segments
	for _, size := range []int64{1 << 10, 16 << 10, 1 << 30} {
		t.Run(fmt.Sprint("segment=", size), func(t *testing.T) {
			fs := vfs.NewMem()
			o := Options{FS: fs, Dir: "journal", Segment: size}
			j := open(t, o)
			r := rand.New(rand.NewPCG(1, 2))
			var want []Record
			next := map[uint32]uint64{}
			for i := range 300 {
				rec := Record{Kind: uint8(1 + i%3), Stream: uint32(i % 7), Time: int64(1000 + i), Meta: []byte(fmt.Sprint("meta ", i))}
				if i%7 == 6 {
					rec.Stream = NoStream
				} else {
					rec.Count = uint64(1 + r.IntN(20))
					rec.First = next[rec.Stream] + uint64(r.IntN(3))
					next[rec.Stream] = rec.First + rec.Count
					rec.Data = rowsOf(r, int(rec.Count))
				}
				rec.Pos = put(t, j, rec)
				want = append(want, rec)
			}
			check := func(j *Journal) {
				t.Helper()
				if j.First() != 1 || j.End() != 301 {
					t.Fatalf("first %d, end %d", j.First(), j.End())
				}
				for _, from := range []Position{0, 1, 2, 57, 299, 300, 301} {
					same(t, all(t, j, from), want[max(from, 1)-1:])
				}
				held := map[uint32]map[uint64]int{}
				for i, rec := range want {
					for row := rec.First; row < rec.First+rec.Count; row++ {
						if held[rec.Stream] == nil {
							held[rec.Stream] = map[uint64]int{}
						}
						held[rec.Stream][row] = i
					}
				}
				for stream := range uint32(7) {
					for row := range next[stream] + 3 {
						got, err := j.Find(stream, row)
						if i, ok := held[stream][row]; ok {
							if err != nil {
								t.Fatalf("row %d of stream %d: %v", row, stream, err)
							}
							same(t, []Record{got}, want[i:i+1])
						} else if !errors.Is(err, ErrNone) {
							t.Fatalf("row %d of stream %d: %v", row, stream, err)
						}
					}
				}
			}
			check(j)
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := j.Append(Record{Kind: 1}); !errors.Is(err, ErrClosed) {
				t.Fatalf("append to a closed journal: %v", err)
			}
			j = open(t, o)
			check(j)
			if p := put(t, j, Record{Kind: 9, Stream: NoStream}); p != 301 {
				t.Fatalf("position %d after opening again", p)
			}
			j.Close()
			j = open(t, o)
			defer j.Close()
			if got := all(t, j, 301); len(got) != 1 || got[0].Kind != 9 {
				t.Fatalf("read %+v", got)
			}
		})
	}
}

// same compares records.
func same(t testing.TB, got, want []Record) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d records, want %d", len(got), len(want))
	}
	for i := range got {
		g, w := got[i], want[i]
		if g.Pos != w.Pos || g.Kind != w.Kind || g.Stream != w.Stream || g.First != w.First || g.Count != w.Count ||
			g.Time != w.Time || !bytes.Equal(g.Meta, w.Meta) || !bytes.Equal(g.Data, w.Data) {
			t.Fatalf("record %d is not what was appended:\n got %+v\nwant %+v", w.Pos, g, w)
		}
	}
}

func TestConcurrentAppenders(t *testing.T) {
	j := open(t, Options{FS: vfs.NewMem(), Dir: "journal", Segment: 256 << 10})
	defer j.Close()
	const appenders, each = 8, 300
	var wg sync.WaitGroup
	for a := range appenders {
		wg.Go(func() {
			var tickets []*Ticket
			for i := range each {
				ticket, err := j.Append(Record{Kind: 1, Stream: uint32(a), First: uint64(i), Count: 1,
					Data: bytes.Repeat([]byte{byte(a), byte(i)}, 1+i)})
				if err != nil {
					t.Error(err)
					return
				}
				tickets = append(tickets, ticket)
			}
			var last Position
			for _, ticket := range tickets {
				p, err := ticket.Result()
				if err != nil || p <= last {
					t.Errorf("position %d after %d, %v", p, last, err)
					return
				}
				last = p
			}
		})
	}
	wg.Go(func() { // a reader that follows
		r := j.Read(1)
		defer r.Close()
		next := map[uint32]uint64{}
		var rec Record
		for n := 0; n < appenders*each; {
			switch err := r.Next(&rec); {
			case err == io.EOF:
				runtime.Gosched()
				continue
			case err != nil:
				t.Error(err)
				return
			}
			n++
			if rec.Pos != Position(n) || rec.First != next[rec.Stream] ||
				!bytes.Equal(rec.Data, bytes.Repeat([]byte{byte(rec.Stream), byte(rec.First)}, 1+int(rec.First))) {
				t.Errorf("read %d: record %d of stream %d, row %d", n, rec.Pos, rec.Stream, rec.First)
				return
			}
			next[rec.Stream]++
			if got, err := j.Find(rec.Stream, rec.First); err != nil || got.Pos != rec.Pos {
				t.Errorf("find: record %d, %v", got.Pos, err)
				return
			}
		}
	})
	wg.Wait()
}
