package journal

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
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
// erasure, closing and opening again, now and then the end of the process. Every
// error is answered by trying again.
func (w *world) work(o Options, seed uint64, n int) error {
	r := rand.New(rand.NewPCG(seed, 1))
	p, j, err := w.start(o)
	for len(w.recs) < n && err == nil {
		switch r.IntN(10) {
		case 0:
			err = w.maintain(j, r)
		case 1:
			j.Close()
			p, j, err = w.start(o)
		case 2:
			p.left.Store(int64(1 + r.IntN(4)))
			if err = w.append(j, r, 4); err == nil || errors.Is(err, errKilled) {
				p.left.Store(-1)
				j.Close()
				if p, j, err = w.start(o); err == nil {
					err = w.resolve(j)
				}
			}
		default:
			err = w.append(j, r, 1+r.IntN(4))
		}
	}
	if err == nil {
		j.Close()
	}
	return err
}

// process is what can be killed: its file operations come to nothing then, but
// what they did before stays in the page cache.
type process struct {
	left atomic.Int64 // operations until then; 0: it lives on, negative: it is dead
}

var errKilled = errors.New("killed")

func (p *process) op(errorfs.Op) error {
	switch left := p.left.Load(); {
	case left < 0:
		return errKilled
	case left == 1:
		p.left.Store(-1)
	case left > 1:
		p.left.Store(left - 1)
	}
	return nil
}

// start opens the journal in a process of its own.
func (w *world) start(o Options) (*process, *Journal, error) {
	p := &process{}
	o.FS = errorfs.Wrap(o.FS, errorfs.InjectorFunc(p.op))
	j, err := w.open(o)
	return p, j, err
}

func (w *world) open(o Options) (*Journal, error) {
	return again(10, func() (*Journal, error) {
		j, err := Open(o)
		if err != nil {
			return nil, err
		}
		j.queue.every = 0
		if w.need > 0 {
			j.Need(w.need)
		}
		return j, nil
	})
}

// again tries until the error is not an injected one.
func again[T any](times int, f func() (T, error)) (t T, err error) {
	for range times {
		if t, err = f(); !errors.Is(err, errInjected) {
			return t, err
		}
	}
	return t, fmt.Errorf("failed %d times: %w", times, err)
}

// append hands several records over at once, and then again those that failed,
// until all are in the journal.
func (w *world) append(j *Journal, r *rand.Rand, n int) error {
	var todo []Record
	for range n {
		todo = append(todo, sample(r, len(w.recs)+len(todo)))
	}
	for tries := 0; len(todo) > 0; tries++ {
		if tries > 1000 {
			return errors.New("the journal stays stalled")
		}
		first := len(w.recs)
		tickets := make([]*Ticket, len(todo))
		for i, rec := range todo {
			w.mu.Lock()
			w.recs, w.failed = append(w.recs, rec), append(w.failed, false)
			w.mu.Unlock()
			var err error
			if tickets[i], err = j.Append(rec); err != nil && !errors.Is(err, ErrStalled) {
				return err
			}
		}
		var dead error
		for i, ticket := range tickets {
			var p Position
			err := ErrStalled
			if ticket != nil {
				p, err = ticket.Result()
			}
			if errors.Is(err, errKilled) {
				dead = err // who knows
				continue
			}
			w.mu.Lock()
			w.recs[first+i].Pos, w.failed[first+i] = p, err != nil
			w.mu.Unlock()
		}
		if dead != nil {
			return dead
		}
		todo = todo[:0:0]
		for i := first; i < len(w.recs); i++ {
			if w.failed[i] {
				todo = append(todo, w.recs[i])
			}
		}
	}
	return nil
}

// resolve finds out what became of records that were under way when a process
// ended. What is read now must stay.
func (w *world) resolve(j *Journal) error {
	got, err := tryAll(j, j.First())
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, g := range got {
		for i := range w.recs {
			if w.recs[i].First == g.First && !w.failed[i] {
				w.recs[i].Pos = g.Pos
			}
		}
	}
	for i := range w.recs {
		w.failed[i] = w.recs[i].Pos == 0
	}
	return nil
}

func (w *world) maintain(j *Journal, r *rand.Rand) error {
	w.mu.Lock()
	w.need = max(w.need, 1+Position(r.Uint64N(uint64(j.End()))))
	w.begun = w.need
	w.mu.Unlock()
	j.Need(w.need)
	if _, err := again(10, func() (Erased, error) { return j.Erase(blank) }); err != nil {
		return err
	}
	w.mu.Lock()
	w.erased = w.need
	w.mu.Unlock()
	_, err := again(10, j.Clean)
	return err
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
	return Options{FS: fs, Dir: "journal", Segment: 24 << 10, KeepBytes: 40 << 10}
}

var crashSeeds = flag.Uint64("journal.seeds", 2, "workloads of the crash test")

// TestCrash makes every file operation of a workload a crash point: what was
// not synced is lost or not, block by block and name by name. The journal must
// open, hold what was acknowledged, and go on.
func TestCrash(t *testing.T) {
	points, deeper := 0, 0
	for seed := range *crashSeeds {
		mem := vfs.NewCrashableMem()
		w := &world{}
		r := rand.New(rand.NewPCG(seed, 2))
		var mu sync.Mutex
		hook := func(op errorfs.Op) error {
			mu.Lock()
			defer mu.Unlock()
			points++
			seen := w.copy()
			clone := mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: []int{0, 100, r.IntN(101)}[points%3], RNG: r})
			err := seen.check(whole(clone))
			if err == nil && points%19 == 0 { // it goes on: with the next crash, too
				var n int
				n, err = seen.goOn(clone, r)
				deeper += n
			}
			if err != nil {
				t.Errorf("seed %d, crash point %d (operation %d on %s): %v", seed, points, op.Kind, op.Path, err)
			}
			return nil
		}
		if err := w.work(small(errorfs.Wrap(mem, errorfs.InjectorFunc(hook))), seed, 100); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
		if t.Failed() {
			return
		}
	}
	t.Logf("%d crash points, %d more behind a recovery", points, deeper)
	if points < int(*crashSeeds)*150 || deeper < int(*crashSeeds)*60 {
		t.Errorf("the workload has too few file operations")
	}
}

// goOn recovers from a crash, with a crash at every operation of the recovery
// and of what follows, and appends.
func (w *world) goOn(fs *vfs.MemFS, r *rand.Rand) (points int, err error) {
	next := w.copy()
	var mu sync.Mutex
	hook := func(op errorfs.Op) error {
		mu.Lock()
		defer mu.Unlock()
		points++
		clone := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: r.IntN(101), RNG: r})
		if e := next.copy().check(whole(clone)); e != nil && err == nil {
			err = fmt.Errorf("again at operation %d of the recovery (%d on %s): %w", points, op.Kind, op.Path, e)
		}
		return nil
	}
	j, e := next.open(small(errorfs.Wrap(fs, errorfs.InjectorFunc(hook))))
	if e == nil {
		if e = next.resolve(j); e == nil {
			e = next.append(j, rand.New(rand.NewPCG(1, 1)), 3)
		}
		j.Close()
	}
	mu.Lock()
	defer mu.Unlock()
	return points, errors.Join(err, e)
}

// whole keeps everything that is there.
func whole(fs vfs.FS) Options {
	o := small(fs)
	o.KeepBytes = 0
	return o
}

var errInjected = errors.New("injected")
