package alerts

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"path"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/weir-cep/weir/cep"
)

// script is what a runtime does to its log in these tests: it brings alerts and
// dead letters, takes checkpoints, moves a reader and removes what is old. Done
// again from a checkpoint it does the same. Beside, people act on alerts and
// silence some, which nothing repeats.
type script struct {
	alerts uint64 // in all
	keep   int64
	mark   atomic.Pointer[checkpoint] // the last one that is durable
	acted  atomic.Uint64              // number of the last action that was acknowledged
}

type checkpoint struct{ seq, dead uint64 }

func crashScript() *script { return &script{alerts: 160, keep: 60} }

func (s *script) options(fs vfs.FS) Options {
	return Options{FS: fs, Dir: "data/alerts", Keep: s.keep, KeepBehind: 1000, KeepDead: 20, CleanEvery: -1, pause: time.Microsecond, grace: time.Millisecond}
}

// run does the script from a checkpoint to its end. live is false while it is
// only done again: then nothing is read, removed or marked.
func (s *script) run(l *Log, from checkpoint, live func() bool) error {
	seq, dead := from.seq, from.dead
	for step := seq / 5; seq < s.alerts; step++ {
		n := min(s.alerts, (step+1)*5)
		for ; seq < n; seq++ {
			if err := l.Commit(seq+1, []*cep.Alert{testAlert(seq + 1)}); err != nil {
				return err
			}
		}
		for ; dead < seq/2; dead++ {
			if err := l.Dead(deadRecord(uint32(dead%2), dead)); err != nil {
				return err
			}
		}
		if !live() {
			continue
		}
		if step%2 == 1 {
			if err := l.SetCursor("reader", Cursor{Seq: seq - 3}); err != nil {
				return err
			}
		}
		if step%4 == 1 {
			if err := s.act(l, seq); err != nil {
				return err
			}
		}
		if step%7 == 5 {
			if err := l.db.Flush(); err != nil {
				return err
			}
		}
		if step%5 == 4 {
			if _, err := l.Clean(); err != nil {
				return err
			}
		}
		if step%3 == 2 {
			if err := l.Sync(); err != nil {
				return err
			}
			s.mark.Store(&checkpoint{seq, dead})
		}
	}
	return nil
}

// act is what somebody does to the newest alerts.
func (s *script) act(l *Log, seq uint64) error {
	list, err := l.Act([]uint64{seq - 1, seq}, Change{Comment: ptr(fmt.Sprint("seen ", seq))}, "jd")
	if err != nil {
		return err
	}
	s.acted.Store(list[1].N)
	end := time.Now().Add(time.Hour).UnixNano()
	if _, err = l.Silence(Silence{Rule: fmt.Sprint("rule_", seq%3), Key: "c1", Reason: "tried", By: "jd", Ends: end}); err != nil {
		return err
	}
	s.acted.Store(list[1].N + 1)
	return nil
}

func always() bool { return true }

// check fails unless the log is what the script ends with.
func (s *script) check(t *testing.T, l *Log, what string) {
	t.Helper()
	if _, err := l.Clean(); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	checkLog(t, l, s.alerts-uint64(s.keep)+1, s.alerts)
	want := []Total{{"cards", "number", s.alerts / 2}}
	if got := l.DeadTotals(); !reflect.DeepEqual(got, want) {
		t.Fatalf("%s: dead letters %v, want %v", what, got, want)
	}
	if ids, events := count(t, l, keyID), count(t, l, keyEvent); ids != uint64(s.keep) || events != uint64(s.keep)/2 {
		t.Fatalf("%s: %d ids and %d events are kept for %d alerts", what, ids, events, s.keep)
	}
	for n := s.alerts - uint64(s.keep); n <= s.alerts; n++ {
		e, err := l.Find(testAlert(n).ID)
		if n == s.alerts-uint64(s.keep) {
			if err != ErrNone {
				t.Fatalf("%s: alert %d was removed but is found: %v", what, n, err)
			}
		} else if err != nil || e.Seq != n {
			t.Fatalf("%s: alert %d is found as %d: %v", what, n, e.Seq, err)
		}
	}
}

// crash is a copy of a file system as it may be found after a crash.
type crash struct {
	fs    *vfs.MemFS
	mark  checkpoint
	acted uint64
	what  string
}

// recover opens what a crash left, does again what the runtime would, and
// checks the log.
func (s *script) recover(t *testing.T, c crash) {
	t.Helper()
	l, err := Open(s.options(c.fs))
	if err != nil {
		t.Fatalf("%s: %v", c.what, err)
	}
	defer l.Close()
	head := l.Head()
	if head < c.mark.seq {
		t.Fatalf("%s: the log ends with %d, it was durable up to %d", c.what, head, c.mark.seq)
	}
	cur, err := l.Cursor("reader")
	must(t, err)
	if cur.Seq > head {
		t.Fatalf("%s: the cursor %d is behind the end %d", c.what, cur.Seq, head)
	}
	if n := l.LastAction(); n < c.acted {
		t.Fatalf("%s: action %d was acknowledged, the last one is %d", c.what, c.acted, n)
	}
	must(t, l.verifyTrail())
	must(t, l.Replay(c.mark.seq))
	if err := s.run(l, c.mark, func() bool { return false }); err != nil {
		t.Fatalf("%s: %v", c.what, err)
	}
	if r, m := l.Replayed(); m != 0 || r != head-c.mark.seq {
		t.Fatalf("%s: %d reproduced and %d missing of %d", c.what, r, m, head-c.mark.seq)
	}
	s.check(t, l, c.what)
}

// kindOf says what a file of the database is.
func kindOf(name string) string {
	name = path.Base(name)
	if kind, _, ok := strings.Cut(name, "-"); ok {
		return kind
	}
	if kind := path.Ext(name); kind != "" && !strings.HasPrefix(name, "marker") {
		return kind
	}
	kind, _, _ := strings.Cut(name, ".0")
	return kind
}

// TestCrashAtEveryFileOperation crashes before each operation on a file that
// the script causes, once losing all that was not synced and once a random part
// of it.
func TestCrashAtEveryFileOperation(t *testing.T) {
	s := crashScript()
	mem := vfs.NewCrashableMem()
	var mu sync.Mutex
	var crashes []crash
	rng := rand.New(rand.NewPCG(3, 4))
	s.mark.Store(&checkpoint{})
	kinds := map[string]int{}
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		mark, acted := *s.mark.Load(), s.acted.Load()
		what := fmt.Sprintf("operation %d, on %s", len(crashes)/2, op.Path)
		kinds[kindOf(op.Path)]++
		crashes = append(crashes, crash{mem.CrashClone(vfs.CrashCloneCfg{}), mark, acted, what},
			crash{mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rng}), mark, acted, what + ", half of it lost"})
		return nil
	}))
	l, err := Open(s.options(fs))
	must(t, err)
	must(t, s.run(l, checkpoint{}, always))
	s.check(t, l, "uncrashed")
	must(t, l.Close())
	for _, c := range crashes {
		s.recover(t, c)
	}
	t.Logf("%d crashes at %d operations: %v", len(crashes), len(crashes)/2, kinds)
	if len(crashes) < 300 {
		t.Fatal("the script causes too few operations to mean anything")
	}
}

var seeds = flag.Uint64("alerts.seeds", 20, "random lives of TestCrashesInARow")

// TestCrashesInARow lets one log live through several crashes, each at a random
// operation, also while it recovers from the one before.
func TestCrashesInARow(t *testing.T) {
	crashed := 0
	for seed := range *seeds {
		rng := rand.New(rand.NewPCG(seed, 7))
		s := crashScript()
		s.mark.Store(&checkpoint{})
		mem := vfs.NewCrashableMem()
		for life := 0; ; life++ {
			mark := *s.mark.Load()
			at := int64(1 + rng.IntN(60))
			if life == 6 {
				at = -1
			}
			next, err := s.live(mem, mark, at, rng)
			if err != nil {
				t.Fatalf("seed %d, life %d: %v", seed, life, err)
			}
			if next == nil {
				break
			}
			mem = next
			crashed++
		}
		l, err := Open(s.options(mem))
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		s.check(t, l, fmt.Sprint("seed ", seed))
		must(t, l.verifyTrail())
		must(t, l.Close())
	}
	t.Logf("%d crashes in %d lives", crashed, *seeds)
}

// live opens the log as the crash before left it, recovers and does the script
// until the file operation with that number, if there are so many. It returns
// what is left then.
func (s *script) live(mem *vfs.MemFS, mark checkpoint, at int64, rng *rand.Rand) (left *vfs.MemFS, err error) {
	var mu sync.Mutex
	n := int64(0)
	marked := mark
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		if n++; n == at {
			marked = *s.mark.Load()
			left = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng})
		}
		return nil
	}))
	gone := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return left != nil
	}
	defer func() {
		if left != nil {
			s.mark.Store(&marked) // what came behind the crash never was
		}
	}()
	l, err := Open(s.options(fs))
	if err != nil {
		return nil, err
	}
	defer l.Close()
	head := l.Head()
	if err := l.Replay(mark.seq); err != nil {
		return nil, err
	}
	// Up to the log's end it is a replay; behind, it goes on alive.
	replaying := true
	var lost uint64
	err = s.run(l, mark, func() bool {
		if replaying && l.Head() > head {
			replaying = false
			_, lost = l.Replayed()
		}
		return !replaying && !gone()
	})
	if replaying {
		_, lost = l.Replayed()
	}
	if err == nil && lost != 0 {
		err = fmt.Errorf("%d are missing", lost)
	}
	return left, err
}
