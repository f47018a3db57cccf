package journal

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// world is what a workload has done so far, as far as it knows.
type world struct {
	mu     sync.Mutex
	recs   []Record // that were handed over, in this order; Pos is 0 as long as they are not acknowledged
	failed []bool
	need   Position
	erased Position // below it the call has returned
	begun  Position // below it records may be erased
}

func (w *world) copy() *world {
	w.mu.Lock()
	defer w.mu.Unlock()
	return &world{recs: slices.Clone(w.recs), failed: slices.Clone(w.failed), need: w.need, erased: w.erased, begun: w.begun}
}

// sample is the i-th record of a workload: its first row says which one it is.
func sample(r *rand.Rand, i int) Record {
	rec := Record{Kind: uint8(1 + i%5), Stream: uint32(i % 3), First: uint64(i * 10), Count: 10, Time: int64(i + 1), Meta: []byte(fmt.Sprint("meta ", i))}
	switch r.IntN(4) {
	case 0:
		rec.Data = rowsOf(r, r.IntN(60))
	case 1:
		rec.Data = make([]byte, r.IntN(9000)) // does not get smaller
		for k := range rec.Data {
			rec.Data[k] = byte(r.Uint32())
		}
	default:
		rec.Data = rowsOf(r, r.IntN(3))
	}
	return rec
}

// blank is what the workload erases.
func blank(rec *Record) (bool, error) {
	if rec.First%40 != 0 || len(rec.Data) == 0 || rec.Data[0] == 'x' {
		return false, nil
	}
	for i := range rec.Data {
		rec.Data[i] = 'x'
	}
	return true, nil
}

// work runs a workload: appends with several records under way, retention,
// erasure, closing and opening again. Every error is answered by trying again.
func (w *world) work(t testing.TB, o Options, seed uint64, n int) {
	r := rand.New(rand.NewPCG(seed, 1))
	j := w.open(t, o)
	for len(w.recs) < n {
		switch r.IntN(12) {
		case 0:
			w.maintain(t, j, r)
		case 1:
			j.Close()
			j = w.open(t, o)
		default:
			w.append(t, j, r, 1+r.IntN(4))
		}
	}
	j.Close()
}

func (w *world) open(t testing.TB, o Options) *Journal {
	for range 10 {
		j, err := Open(o)
		if err == nil {
			j.queue.every = 0
			w.mu.Lock()
			need := w.need
			w.mu.Unlock()
			if need > 0 {
				j.Need(need)
			}
			return j
		}
		if !errors.Is(err, errInjected) {
			t.Fatalf("open: %v", err)
		}
	}
	t.Fatal("open fails for ever")
	return nil
}

// append hands several records over at once, and then again those that failed,
// until all are in the journal.
func (w *world) append(t testing.TB, j *Journal, r *rand.Rand, n int) {
	var todo []Record
	for range n {
		todo = append(todo, sample(r, len(w.recs)+len(todo)))
	}
	for tries := 0; len(todo) > 0; tries++ {
		if tries > 1000 {
			t.Fatal("the journal stays stalled")
		}
		var tickets []*Ticket
		first := len(w.recs)
		for _, rec := range todo {
			w.mu.Lock()
			w.recs, w.failed = append(w.recs, rec), append(w.failed, false)
			w.mu.Unlock()
			ticket, err := j.Append(rec)
			if err != nil && !errors.Is(err, ErrStalled) {
				t.Fatalf("append: %v", err)
			}
			tickets = append(tickets, ticket)
		}
		for i, ticket := range tickets {
			var p Position
			err := ErrStalled
			if ticket != nil {
				p, err = ticket.Result()
			}
			w.mu.Lock()
			w.recs[first+i].Pos, w.failed[first+i] = p, err != nil
			w.mu.Unlock()
		}
		todo = todo[:0:0]
		for i := first; i < len(w.recs); i++ {
			if w.failed[i] {
				rec := w.recs[i]
				todo = append(todo, rec)
			}
		}
	}
}

func (w *world) maintain(t testing.TB, j *Journal, r *rand.Rand) {
	end := j.End()
	w.mu.Lock()
	w.need = max(w.need, 1+Position(r.Uint64N(uint64(end))))
	w.begun = w.need
	w.mu.Unlock()
	j.Need(w.need)
	for range 10 {
		_, err := j.Erase(blank)
		if err == nil {
			w.mu.Lock()
			w.erased = w.need
			w.mu.Unlock()
			break
		}
		if !errors.Is(err, errInjected) {
			t.Fatalf("erase: %v", err)
		}
	}
	for range 10 {
		_, err := j.Clean()
		if err == nil {
			break
		}
		if !errors.Is(err, errInjected) {
			t.Fatalf("clean: %v", err)
		}
	}
}

// check opens a journal of which w is all that is known, and compares.
func (w *world) check(o Options) error {
	j, err := Open(o)
	if err != nil {
		return err
	}
	defer j.Close()
	if n := max(w.need, 1); j.First() > n {
		return fmt.Errorf("recovery needs record %d, the first one is %d", n, j.First())
	}
	got, err := tryAll(j, j.First())
	if err != nil {
		return err
	}
	if err := w.compare(j, got); err != nil {
		return err
	}
	for i := range got {
		r := &got[len(got)-1-i]
		f, err := j.Find(r.Stream, r.First+uint64(i%10))
		if err != nil || f.Pos != r.Pos || !bytes.Equal(f.Data, r.Data) {
			return fmt.Errorf("row %d of record %d: found record %d, %v", r.First, r.Pos, f.Pos, err)
		}
	}
	var damage error
	if err := j.Verify(func(file string, off int64, why string) { damage = &CorruptError{file, off, why} }); err != nil {
		return err
	}
	return damage
}

// compare holds what was read against what was handed over: every acknowledged
// record at its place, and behind them some of those that were under way.
func (w *world) compare(j *Journal, got []Record) error {
	at := 0 // in recs
	last := -1
	for i := range w.recs {
		if w.recs[i].Pos != 0 {
			last = i
		}
	}
	for i := range got {
		g := &got[i]
		for at < len(w.recs) && (w.recs[at].First != g.First || at < last && w.recs[at].Pos == 0) {
			if p := w.recs[at].Pos; p >= j.First() {
				return fmt.Errorf("record %d was acknowledged and is not there; in its place row %d", p, g.First)
			}
			at++
		}
		if at == len(w.recs) {
			return fmt.Errorf("record %d (row %d) is out of order, there twice, or was never appended", g.Pos, g.First)
		}
		want := w.recs[at]
		at++
		if want.Pos != 0 && want.Pos != g.Pos || g.Pos != j.First()+Position(i) {
			return fmt.Errorf("record %d stands at position %d", want.Pos, g.Pos)
		}
		old := want
		changed := want
		changed.Data = slices.Clone(want.Data)
		blank(&changed)
		switch {
		case g.Pos < w.erased && !equal(g, &changed):
			return fmt.Errorf("record %d was erased and is still there", g.Pos)
		case !equal(g, &old) && !(g.Pos < w.begun && equal(g, &changed)):
			return fmt.Errorf("record %d is not what was appended", g.Pos)
		}
	}
	for ; at < len(w.recs); at++ {
		if p := w.recs[at].Pos; p != 0 {
			return fmt.Errorf("record %d was acknowledged and is not there; the journal ends at %d", p, j.End())
		}
	}
	return nil
}

func equal(a, b *Record) bool {
	return a.Kind == b.Kind && a.Stream == b.Stream && a.First == b.First && a.Count == b.Count && a.Time == b.Time &&
		bytes.Equal(a.Meta, b.Meta) && bytes.Equal(a.Data, b.Data)
}

// small makes segments roll and retention work within a few dozen records.
func small(fs vfs.FS) Options {
	return Options{FS: fs, Dir: "journal", Segment: 24 << 10, KeepBytes: 120 << 10}
}

// TestCrash makes every file operation of a workload a crash point: what was
// not synced is lost or not, block by block and name by name. The journal must
// open, hold what was acknowledged, and go on.
func TestCrash(t *testing.T) {
	points, torn := 0, 0
	for seed := range uint64(6) {
		mem := vfs.NewCrashableMem()
		w := &world{}
		r := rand.New(rand.NewPCG(seed, 2))
		w.onOps(mem, func(fs vfs.FS) { w.work(t, small(fs), seed, 60) }, func(op errorfs.Op) error {
			points++
			seen := w.copy()
			clone := mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: []int{0, 100, r.IntN(101)}[points%3], RNG: r})
			o := small(clone)
			o.KeepBytes = 0
			if err := seen.check(o); err != nil {
				t.Errorf("seed %d, crash point %d (%v %s): %v", seed, points, op.Kind, op.Path, err)
			}
			// It goes on: with the next crash, too.
			if points%7 == 0 {
				torn += seen.goOn(t, clone, r, fmt.Sprintf("seed %d, crash point %d", seed, points))
			}
			return nil
		})
		if t.Failed() {
			return
		}
	}
	t.Logf("%d crash points, %d more behind a recovery", points, torn)
	if points < 1000 || torn < 100 {
		t.Errorf("the workload has too few file operations")
	}
}

// onOps runs f on a file system that calls hook before every operation.
func (w *world) onOps(fs vfs.FS, f func(vfs.FS), hook func(errorfs.Op) error) {
	f(errorfs.Wrap(fs, errorfs.InjectorFunc(hook)))
}

// goOn recovers from a crash, with a crash at every operation of the recovery
// and of what follows, and appends.
func (w *world) goOn(t testing.TB, fs *vfs.MemFS, r *rand.Rand, what string) (points int) {
	next := w.copy()
	hook := func(op errorfs.Op) error {
		points++
		clone := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: r.IntN(101), RNG: r})
		o := small(clone)
		o.KeepBytes = 0
		if err := next.copy().check(o); err != nil {
			t.Errorf("%s, and again at operation %d of the recovery (%v %s): %v", what, points, op.Kind, op.Path, err)
		}
		return nil
	}
	next.onOps(fs, func(fs vfs.FS) {
		j := next.open(t, small(fs))
		got, err := tryAll(j, 1)
		if err == ErrGone {
			got, err = tryAll(j, j.First())
		}
		if err != nil {
			t.Errorf("%s: %v", what, err)
			return
		}
		// What was under way when it crashed is in the journal or is not: now that is known.
		next.mu.Lock()
		for _, g := range got {
			for i := range next.recs {
				if next.recs[i].First == g.First && !next.failed[i] {
					next.recs[i].Pos = g.Pos
				}
			}
		}
		for i := range next.recs {
			next.failed[i] = next.recs[i].Pos == 0
		}
		next.mu.Unlock()
		next.append(t, j, r, 3)
		j.Close()
	}, hook)
	return points
}

var errInjected = errors.New("injected")
