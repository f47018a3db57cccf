package alerts

import (
	"errors"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/weir-cep/weir/cep"
)

var errDisk = errors.New("no space left on device")

// patiently does the script as a runtime does: what is refused because the disk
// stalls is asked for again.
func (s *script) patiently(t *testing.T, l *Log) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; runtime.Gosched() {
		head := l.Head()
		dead := uint64(0)
		for _, n := range l.DeadTotals() {
			dead += n.Count
		}
		err := s.run(l, checkpoint{head, dead}, always)
		if err == nil {
			return
		}
		if !errors.Is(err, ErrStalled) || time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// TestEveryWriteFailsOnce lets each operation that writes fail, one in each
// run. The log goes on by itself and nothing is missing.
func TestEveryWriteFailsOnce(t *testing.T) {
	failed := 0
	for k := int64(1); ; k++ {
		s := &script{alerts: 80, keep: 30}
		var n atomic.Int64
		what := ""
		mem := vfs.NewMem()
		fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && op.Kind != errorfs.OpRemove && n.Add(1) == k {
				what = op.Path
				return errDisk
			}
			return nil
		}))
		l, err := Open(s.options(fs))
		if err != nil { // it failed while the log was opened: the next try is a new start
			if !errors.Is(err, errDisk) {
				t.Fatalf("operation %d (%s): %v", k, what, err)
			}
			l, err = Open(s.options(fs))
		}
		must(t, err)
		s.patiently(t, l)
		s.check(t, l, what)
		must(t, l.Close())
		l, err = Open(s.options(mem))
		must(t, err)
		s.check(t, l, what)
		must(t, l.Close())
		if n.Load() < k {
			break
		}
		failed++
	}
	t.Logf("%d operations failed, one in each run", failed)
	if failed < 80 {
		t.Fatal("too few to mean anything")
	}
}

// full is a disk that takes no writes while it is full.
func full(mem *vfs.MemFS, is *atomic.Bool) vfs.FS {
	return errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if is.Load() && op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			return errDisk
		}
		return nil
	}))
}

func TestFullDisk(t *testing.T) {
	var isFull atomic.Bool
	mem := vfs.NewMem()
	s := crashScript()
	l, err := Open(s.options(full(mem, &isFull)))
	must(t, err)
	must(t, l.Commit(1, testAlerts(1, 10)))
	must(t, l.Sync())
	isFull.Store(true)
	synced := make(chan error, 1)
	must(t, l.Commit(2, testAlerts(11, 20))) // it is not known yet
	go func() { synced <- l.Sync() }()
	deadline := time.Now().Add(30 * time.Second)
	for {
		since, why := l.Stalled()
		if why != "" && !since.IsZero() {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the stall does not show")
		}
		runtime.Gosched()
	}
	if err := l.Commit(3, testAlerts(21, 30)); !errors.Is(err, ErrStalled) || !strings.Contains(err.Error(), "no space left on device") {
		t.Fatalf("error %v", err)
	}
	for _, err := range []error{l.Sync(), l.Dead(cep.DeadRecord{}), l.SetCursor("a", Cursor{}), l.Replay(0)} {
		if !errors.Is(err, ErrStalled) {
			t.Fatalf("error %v", err)
		}
	}
	checkLog(t, l, 1, 20) // reading goes on
	isFull.Store(false)
	must(t, <-synced)
	s.patiently(t, l)
	s.check(t, l, "after")
	must(t, l.Close())
}

func TestCloseDoesNotWaitForAFullDisk(t *testing.T) {
	var isFull atomic.Bool
	mem := vfs.NewCrashableMem()
	s := crashScript()
	l, err := Open(s.options(full(mem, &isFull)))
	must(t, err)
	must(t, l.Commit(1, testAlerts(1, 10)))
	must(t, l.Sync())
	must(t, l.Commit(1, testAlerts(11, 12)))
	isFull.Store(true)
	if err := l.Close(); !errors.Is(err, ErrStalled) {
		t.Fatalf("error %v", err)
	}
	if _, err := l.After(0, 10, Filter{}); !errors.Is(err, ErrClosed) {
		t.Fatalf("error %v", err)
	}
	l, err = Open(s.options(mem.CrashClone(vfs.CrashCloneCfg{})))
	must(t, err)
	checkLog(t, l, 1, 10)
	must(t, l.Close())
	isFull.Store(false) // lets the goroutine end that still closes
}
