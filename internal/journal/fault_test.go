package journal

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// TestEveryOperationFails lets each file operation of a workload fail once. The
// workload tries again; in the end everything is there once.
func TestEveryOperationFails(t *testing.T) {
	kinds := map[errorfs.OpKind]int{}
	for k := 1; ; k++ {
		var n atomic.Int64
		w := &world{}
		mem := vfs.NewMem()
		var failed error
		var mu sync.Mutex
		fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if n.Add(1) != int64(k) {
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			kinds[op.Kind]++
			failed = fmt.Errorf("operation %d on %s: %w", op.Kind, op.Path, errInjected)
			return failed
		}))
		err := w.faulty(small(fs))
		mu.Lock()
		if failed == nil {
			t.Logf("%d operations of %d kinds failed", k-1, len(kinds))
			if k < 100 || len(kinds) < 12 {
				t.Error("the workload has too few file operations")
			}
			return
		}
		if err == nil {
			err = w.check(whole(mem))
		}
		if err != nil {
			t.Fatalf("%v: %v", failed, err)
		}
		mu.Unlock()
	}
}

// faulty is a workload that comes across everything: segments, retention,
// erasure, opening again with and without indexes.
func (w *world) faulty(o Options) error {
	r := rand.New(rand.NewPCG(7, 7))
	j, err := w.open(o)
	for i := 0; i < 12 && err == nil; i++ {
		if err = w.append(j, r, 3); err != nil {
			break
		}
		switch i {
		case 5, 9:
			j.Close()
			j, err = w.open(o)
		case 3, 8, 10:
			err = w.maintain(j, r)
		}
	}
	if err == nil {
		j.Close()
	}
	return err
}

// fullFS is a disk that takes part of a write and then no more.
type fullFS struct {
	vfs.FS
	room atomic.Int64 // bytes that it still takes
}

type fullFile struct {
	vfs.File
	fs *fullFS
}

func (f *fullFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	file, err := f.FS.OpenReadWrite(name, c, o...)
	return fullFile{file, f}, err
}

func (f *fullFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.Create(name, c)
	return fullFile{file, f}, err
}

func (f fullFile) Write(b []byte) (int, error) {
	room := max(f.fs.room.Load(), 0)
	if f.fs.room.Add(-int64(len(b))) >= 0 {
		return f.File.Write(b)
	}
	n, err := f.File.Write(b[:min(room, int64(len(b)))])
	return n, errors.Join(err, syscall.ENOSPC)
}

// TestDiskFull fills the disk in the middle of a group, goes on appending, and
// makes room.
func TestDiskFull(t *testing.T) {
	for _, kill := range []bool{false, true} {
		t.Run(fmt.Sprint("killed=", kill), func(t *testing.T) {
			mem := vfs.NewCrashableMem()
			fs := &fullFS{FS: mem}
			fs.room.Store(1 << 40)
			o := Options{FS: fs, Dir: "journal"}
			j := open(t, o)
			for i := range 10 {
				put(t, j, Record{Kind: 1, Stream: 1, First: uint64(i), Count: 1, Data: []byte("durable")})
			}
			fs.room.Store(1000)
			var tickets []*Ticket
			for i := range 100 { // the first ones are written completely
				ticket, err := j.Append(Record{Kind: 1, Stream: 1, First: uint64(10 + i), Count: 1, Data: []byte("fails")})
				if err == nil {
					tickets = append(tickets, ticket)
				} else if !errors.Is(err, ErrStalled) || !errors.Is(err, syscall.ENOSPC) {
					t.Fatal(err)
				}
			}
			failed := 0
			for _, ticket := range tickets {
				if _, err := ticket.Result(); err != nil {
					failed++
					if !errors.Is(err, ErrStalled) || !errors.Is(err, syscall.ENOSPC) {
						t.Fatal(err)
					}
				}
			}
			if s := j.Stats(); failed == 0 || s.Stalled == "" || s.StalledFrom.IsZero() {
				t.Fatalf("%d records failed; %+v", failed, s)
			}
			end := j.End()
			if kill {
				// What failed was blanked: it does not come back.
				mem = mem.CrashClone(vfs.CrashCloneCfg{})
				fs.FS = mem
				j = open(t, o)
				if j.End() != end {
					t.Fatalf("the journal ends at %d, before it ended at %d", j.End(), end)
				}
			}
			fs.room.Store(1 << 40)
			want := all(t, j, 1)
			within(t, "room is used", func() bool {
				ticket, err := j.Append(Record{Kind: 2, Stream: 1, First: 1000, Count: 1, Data: []byte("again")})
				if err != nil {
					return false
				}
				p, err := ticket.Result()
				if err == nil && p != end {
					t.Fatalf("position %d, want %d", p, end)
				}
				return err == nil
			})
			if s := j.Stats(); s.Stalled != "" {
				t.Fatalf("still stalled: %s", s.Stalled)
			}
			j.Close()
			j = open(t, o)
			defer j.Close()
			got := all(t, j, 1)
			if len(got) != int(end) || string(got[end-1].Data) != "again" {
				t.Fatalf("%d records, want %d", len(got), end)
			}
			same(t, got[:end-1], want)
		})
	}
}

// within waits until a condition holds.
func within(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("%s: not within a minute", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// TestStall counts what goes to a disk that refuses for long: one record each
// time that it is probed, and no files that stay.
func TestStall(t *testing.T) {
	mem := vfs.NewMem()
	var broken atomic.Bool
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if broken.Load() && (op.Kind == errorfs.OpFileSyncData || op.Kind == errorfs.OpFileWriteAt) {
			return errInjected
		}
		return nil
	}))
	j := open(t, Options{FS: fs, Dir: "journal"})
	put(t, j, Record{Kind: 1, Data: []byte("a")})
	broken.Store(true)
	ticket, err := j.Append(Record{Kind: 1, Data: []byte("b")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ticket.Result(); !errors.Is(err, ErrStalled) || !errors.Is(err, errInjected) {
		t.Fatal(err)
	}
	since := j.Stats().StalledFrom
	j.queue.mu.Lock()
	j.queue.probe = time.Now().Add(time.Hour)
	j.queue.mu.Unlock()
	for range 100 {
		if _, err := j.Append(Record{Kind: 1}); !errors.Is(err, ErrStalled) {
			t.Fatalf("append before the next probe: %v", err)
		}
	}
	j.queue.mu.Lock()
	j.queue.every, j.queue.probe = 0, time.Time{}
	j.queue.mu.Unlock()
	for range 100 {
		ticket, err := j.Append(Record{Kind: 1, Data: []byte("c")})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ticket.Result(); !errors.Is(err, ErrStalled) {
			t.Fatal(err)
		}
	}
	names, err := mem.List("journal")
	if err != nil || len(names) > 4 {
		t.Fatalf("files %v, %v", names, err)
	}
	if s := j.Stats(); s.StalledFrom != since || s.Segments != 2 {
		t.Fatalf("%+v", s)
	}
	broken.Store(false)
	if p := put(t, j, Record{Kind: 1, Data: []byte("d")}); p != 2 {
		t.Fatalf("position %d", p)
	}
	j.Close()
	j = open(t, Options{FS: fs, Dir: "journal"})
	defer j.Close()
	var text []byte
	for _, rec := range all(t, j, 1) {
		text = append(text, rec.Data...)
	}
	if !bytes.Equal(text, []byte("ad")) {
		t.Fatalf("the journal holds %s", text)
	}
}

// TestGroups holds a sync up and counts what collects meanwhile.
func TestGroups(t *testing.T) {
	hold := make(chan struct{})
	syncing := make(chan struct{}, 1)
	var armed atomic.Bool
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileSyncData && armed.CompareAndSwap(true, false) {
			syncing <- struct{}{}
			<-hold
		}
		return nil
	}))
	var groups []int
	j := open(t, Options{FS: fs, Dir: "journal", Synced: func(_ time.Duration, n int, _ int64) { groups = append(groups, n) }})
	put(t, j, Record{Kind: 1})
	armed.Store(true)
	var tickets []*Ticket
	hand := func(data []byte) {
		ticket, err := j.Append(Record{Kind: 1, Data: data})
		if err != nil {
			t.Error(err)
		}
		tickets = append(tickets, ticket)
	}
	hand(nil)
	<-syncing
	for range 500 {
		hand([]byte("small"))
	}
	if j.End() != 2 || len(all(t, j, 1)) != 1 {
		t.Fatal("records that are not durable can be read")
	}
	select {
	case <-tickets[0].Done():
		t.Fatal("a ticket is done before its record is durable")
	default:
	}
	close(hold)
	for i, ticket := range tickets {
		if p, err := ticket.Result(); err != nil || p != Position(2+i) {
			t.Fatalf("position %d, %v", p, err)
		}
	}
	j.Close()
	if fmt.Sprint(groups) != "[1 1 500]" {
		t.Fatalf("groups of %v records", groups)
	}
}

// TestQueueBound shows that Append waits when too much is queued, and goes on
// when there is room, or when the journal closes or stalls.
func TestQueueBound(t *testing.T) {
	for _, end := range []string{"room", "stall", "close"} {
		t.Run(end, func(t *testing.T) {
			hold := make(chan error)
			var armed atomic.Bool
			fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
				if op.Kind == errorfs.OpFileSyncData && armed.CompareAndSwap(true, false) {
					return <-hold
				}
				return nil
			}))
			j := open(t, Options{FS: fs, Dir: "journal"})
			put(t, j, Record{Kind: 1})
			armed.Store(true)
			data := make([]byte, 3<<20)
			r := rand.New(rand.NewPCG(1, 1))
			for i := range data {
				data[i] = byte(r.Uint32())
			}
			handed := atomic.Int64{}
			over := make(chan error)
			go func() {
				for range 30 {
					ticket, err := j.Append(Record{Kind: 1, Data: data})
					if err != nil {
						over <- err
						return
					}
					handed.Add(1)
					if handed.Load() == 30 {
						_, err = ticket.Result()
						over <- err
					}
				}
			}()
			within(t, "the queue fills", func() bool { return j.Stats().QueuedBytes >= queueBytes })
			select {
			case err := <-over:
				t.Fatalf("the queue has no bound: %v", err)
			default:
			}
			if n := handed.Load(); n > 20 {
				t.Fatalf("%d records of 3 MiB are queued", n)
			}
			switch end {
			case "room":
				hold <- nil
				if err := <-over; err != nil {
					t.Fatal(err)
				}
				j.Close()
			case "stall":
				hold <- errInjected
				if err := <-over; !errors.Is(err, ErrStalled) {
					t.Fatal(err)
				}
				j.Close()
			case "close":
				done := make(chan error)
				go func() { done <- j.Close() }()
				if err := <-over; !errors.Is(err, ErrClosed) {
					t.Fatal(err)
				}
				hold <- nil
				if err := <-done; err != nil {
					t.Fatal(err)
				}
			}
			if s := j.Stats(); s.Queued != 0 || s.QueuedBytes != 0 {
				t.Fatalf("left in the queue: %+v", s)
			}
		})
	}
}
