package sink

import (
	"bytes"
	"context"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/weir-cep/weir/alerts"
)

// lineText is what the file holds of alerts.
func lineText(list []uint64) []byte {
	var b []byte
	for _, n := range list {
		a := testAlert(n)
		a.Seq = n
		b = append(a.AppendJSON(b), '\n')
	}
	return b
}

func fileSpec(path string) []Spec {
	return []Spec{spec("cases", "file", path)}
}

func fileLanes(t *testing.T, l *alerts.Log) *Lanes {
	s := NewLanes(l, Kinds{"file": File}, slog.New(slog.DiscardHandler))
	s.wait = func(ctx context.Context, d time.Duration) error { return pause(ctx, time.Millisecond) }
	t.Cleanup(func() { closeNow(s) })
	return s
}

func holds(path string, want []byte) func() bool {
	return func() bool {
		b, err := os.ReadFile(path)
		return err == nil && bytes.Equal(b, want)
	}
}

func TestFileGoesOnWhereItWas(t *testing.T) {
	path := filepath.Join(t.TempDir(), "alerts.ndjson")
	must(t, os.WriteFile(path, []byte("before"), 0o644)) // a line that was not ended
	l := openLog(t, vfs.NewMem(), alerts.Options{})
	commit(t, l, 50)
	s := fileLanes(t, l)
	must(t, s.Set(fileSpec(path)))
	want := append([]byte("before\n"), lineText(addressed(50))...)
	eventually(t, "it is appended", holds(path, want))
	s.Close(t.Context())

	commit(t, l, 60)
	s = fileLanes(t, l)
	must(t, s.Set(fileSpec(path)))
	want = append([]byte("before\n"), lineText(addressed(60))...)
	eventually(t, "it goes on", holds(path, want))

	// Moved away while it runs: the next alerts begin it anew.
	must(t, os.Rename(path, path+".1"))
	commit(t, l, 70)
	eventually(t, "it begins anew", holds(path, lineText(addressed(70)[len(addressed(60)):])))
	if !holds(path+".1", want)() {
		t.Fatal("the old file changed")
	}

	// Cut while it runs (copytruncate).
	must(t, os.Truncate(path, 0))
	commit(t, l, 80)
	eventually(t, "it goes on at the end", holds(path, lineText(addressed(80)[len(addressed(70)):])))
}

func TestFileThatCannotBeWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "later")
	path := filepath.Join(dir, "alerts.ndjson")
	l := openLog(t, vfs.NewMem(), alerts.Options{})
	commit(t, l, 10)
	s := fileLanes(t, l)
	must(t, s.Set(fileSpec(path)))
	eventually(t, "it is said", func() bool { return strings.Contains(s.Stats()[0].Err, "no such file or directory") })
	must(t, os.Mkdir(dir, 0o755))
	eventually(t, "it goes on", holds(path, lineText(addressed(10))))
}

func TestFileCutsOffOnlyItsOwn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "alerts.ndjson")
	l := openLog(t, vfs.NewMem(), alerts.Options{})
	commit(t, l, 10)
	s := fileLanes(t, l)
	must(t, s.Set(fileSpec(path)))
	eventually(t, "it is written", holds(path, lineText(addressed(10))))
	s.Close(t.Context())
	for _, foreign := range []string{"a note\n", string(lineText([]uint64{7})), "{\n"} {
		must(t, os.WriteFile(path, append(lineText(addressed(10)), foreign...), 0o644))
		s = fileLanes(t, l)
		must(t, s.Set(fileSpec(path)))
		eventually(t, "it is said", func() bool { return strings.Contains(s.Stats()[0].Err, "did not write: move the file away") })
		closeNow(s)
	}
}

func TestOneFileForTwoSinks(t *testing.T) {
	l := openLog(t, vfs.NewMem(), alerts.Options{})
	specs := append(fileSpec("/tmp/x/a.ndjson"), fileSpec("/tmp/x/../x/a.ndjson")...)
	specs[1].IR.Name = "other"
	err := fileLanes(t, l).Set(specs)
	if err == nil || !strings.Contains(err.Error(), "sinks cases and other both write /tmp/x/a.ndjson") {
		t.Fatalf("error %v", err)
	}
}

// moment is what a crash at some point leaves behind.
type moment struct {
	log     *vfs.MemFS
	text    []byte
	durable int // bytes of text
}

// witness takes a moment before and after each step of a file sink.
type witness struct {
	*file
	log *vfs.MemFS

	mu      sync.Mutex
	moments []moment
}

func (w *witness) take() {
	text, err := os.ReadFile(w.path)
	if err != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.moments = append(w.moments, moment{w.log.CrashClone(vfs.CrashCloneCfg{}), text, int(w.length)})
}

func (w *witness) Resume(c alerts.Cursor) error {
	defer w.take()
	return w.file.Resume(c)
}

func (w *witness) Send(ctx context.Context, items []Item) error {
	w.take()
	defer w.take()
	return w.file.Send(ctx, items)
}

func (w *witness) Settle() ([]byte, error) {
	defer w.take()
	return w.file.Settle()
}

// TestFileHoldsEveryAlertOnce crashes a file sink between any two of its steps.
// The log loses what was not synced; the file loses any part of what was not.
func TestFileHoldsEveryAlertOnce(t *testing.T) {
	const all = 100
	path := filepath.Join(t.TempDir(), "alerts.ndjson")
	fs := vfs.NewCrashableMem()
	l := openLog(t, fs, alerts.Options{})
	var w *witness
	s := NewLanes(l, Kinds{"file": func(s Spec) (Sender, error) {
		f, err := File(s)
		if err != nil {
			return nil, err
		}
		w = &witness{file: f.(*file), log: fs}
		return w, nil
	}}, slog.New(slog.DiscardHandler))
	must(t, s.Set(fileSpec(path)))
	rng := rand.New(rand.NewPCG(1, 2))
	for n := uint64(0); n < all; {
		n = min(all, n+1+rng.Uint64N(7))
		commit(t, l, n)
		eventually(t, "it is written", holds(path, lineText(addressed(n))))
		if rng.IntN(3) == 0 {
			must(t, l.Sync())
		}
	}
	closeNow(s)
	if len(w.moments) < 50 {
		t.Fatalf("only %d moments", len(w.moments))
	}
	crashes := 0
	for i, m := range w.moments {
		for _, keep := range []int{m.durable, (m.durable + len(m.text)) / 2, len(m.text) - 1, len(m.text)} {
			if keep < m.durable || keep > len(m.text) {
				continue
			}
			path := filepath.Join(t.TempDir(), "alerts.ndjson")
			must(t, os.WriteFile(path, m.text[:keep], 0o644))
			l := openLog(t, m.log.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rng}), alerts.Options{})
			state, err := l.Cursor("cases")
			must(t, err)
			moved(t, l, state, path)
			commit(t, l, all) // the replay
			s := fileLanes(t, l)
			must(t, s.Set(fileSpec(path)))
			s.Close(t.Context())
			if got, _ := os.ReadFile(path); !bytes.Equal(got, lineText(addressed(all))) {
				t.Fatalf("moment %d, %d of %d bytes left, cursor %d: the file holds\n%s", i, keep, len(m.text), state.Seq, got)
			}
			must(t, l.Close())
			crashes++
		}
	}
	t.Logf("%d crashes", crashes)
}

// moved makes the state of a file sink that of another path.
func moved(t *testing.T, l *alerts.Log, c alerts.Cursor, path string) {
	if len(c.State) == 0 {
		return
	}
	c.State = append(c.State[:9:9], path...)
	must(t, l.SetCursor("cases", c))
}
