package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/weir-cep/weir/internal/checkpoint"
)

// diskOutput is an output in a file system that may forget what was not synced.
type diskOutput struct {
	fs   vfs.FS
	name string
	f    vfs.File
	n    int // of the output's bytes, that the file has
}

// begin makes the file hold so much of what it had.
func (d *diskOutput) begin(t testing.TB, fs vfs.FS, n int) (text []byte) {
	d.fs = fs
	if n > 0 {
		text = readAll(t, fs, d.name)
		if len(text) < n {
			t.Fatalf("%s has %d bytes after a crash, and a checkpoint counts on %d", d.name, len(text), n)
		}
		text = text[:n:n]
	}
	var err error
	if d.f, err = fs.Create(d.name, vfs.WriteCategoryUnspecified); err != nil {
		t.Fatal(err)
	}
	d.n = 0
	d.flush(t, text)
	if err := d.sync(); err != nil {
		t.Fatal(err)
	}
	return text
}

func (d *diskOutput) flush(t testing.TB, out []byte) {
	if _, err := d.f.Write(bytes.Clone(out[d.n:])); err != nil {
		t.Fatal(err)
	}
	d.n = len(out)
}

func (d *diskOutput) sync() error {
	dir, err := d.fs.OpenDir("")
	if err != nil {
		return err
	}
	return errors.Join(d.f.Sync(), dir.Sync(), dir.Close())
}

func readAll(t testing.TB, fs vfs.FS, path string) []byte {
	t.Helper()
	f, err := fs.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// randomJob is a job over random files, and what it gives in one go.
func randomJob(t *testing.T, seed uint64) (r *rand.Rand, j, base *brokenJob) {
	t.Helper()
	prog := compile(t, richRules)
	dir := t.TempDir()
	r = rand.New(rand.NewPCG(seed, 2))
	files := mixedFiles(t, r, prog, dir, 100+r.IntN(300))
	cfg := RunConfig{Workers: 1, TempDir: dir, chunk: 100 + r.IntN(700)}
	cfg.Shards, cfg.Limits.Evidence = 1+r.IntN(3), 1
	base = &brokenJob{prog: prog, cfg: cfg, files: files[:1+r.IntN(3)]}
	if err := base.once(t, context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	return r, &brokenJob{prog: prog, cfg: cfg, files: base.files}, base
}

// A machine that loses power forgets what was not synced. Whatever of it is
// left, the job goes on, and a checkpoint counts on nothing that can be gone.
func TestRunStateCrashes(t *testing.T) {
	resumed := 0
	for seed := range uint64(*jobs) / 2 {
		r, j, base := randomJob(t, seed)
		mem := vfs.NewCrashableMem()
		j.disk = []*diskOutput{{name: "out"}, {name: "dead"}, {name: "late"}}
		for {
			var after *vfs.MemFS
			j.fs = mem
			err := j.once(t, context.Background(), func(bool) (bool, error) {
				if j.breaks < 20 && r.IntN(12) == 0 {
					after = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: r.IntN(101), RNG: r})
					return false, errBroken
				}
				return r.IntN(3) == 0, nil
			})
			if err == nil {
				break
			}
			if !errors.Is(err, errBroken) {
				t.Fatalf("seed %d: %v", seed, err)
			}
			j.breaks++
			mem = after
		}
		if j.same(t, base); t.Failed() {
			t.Fatalf("seed %d", seed)
		}
		resumed += len(j.resumed)
	}
	if resumed == 0 {
		t.Error("nothing was ever taken up")
	}
	t.Logf("taken up %d times", resumed)
}

// A file operation of the state that fails costs a checkpoint or ends the run,
// which can be taken up then; it never changes what comes out.
func TestRunStateFailures(t *testing.T) {
	ended, warned := 0, 0
	for seed := range uint64(*jobs) * 2 {
		r, j, base := randomJob(t, seed)
		mem := vfs.NewMem()
		var ops, at atomic.Int64
		at.Store(1 << 40)
		j.fs = errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if op.Kind.ReadOrWrite() == errorfs.OpIsRead || op.Kind == errorfs.OpFileClose || ops.Add(1) != at.Load() {
				return nil
			}
			return fmt.Errorf("injected into %s", op.Path)
		}))
		lost := 0
		step := func(bool) (bool, error) {
			if len(j.warned) > lost && r.IntN(6) == 0 { // what comes behind a lost checkpoint counts
				lost = len(j.warned)
				return false, errBroken
			}
			return r.IntN(3) == 0, nil
		}
		at.Store(1 + r.Int64N(400))
		for tries := 0; ; tries++ {
			err := j.once(t, context.Background(), step)
			if err == nil {
				break
			}
			if broken := errors.Is(err, errBroken); broken {
				j.breaks++
			} else if ended++; tries > 8 || !strings.Contains(err.Error(), "injected") {
				t.Fatalf("seed %d: %v", seed, err)
			}
			at.Store(ops.Load() + 1 + r.Int64N(400))
		}
		warned += len(j.warned)
		for _, err := range j.warned {
			if !strings.Contains(err.Error(), "injected") {
				t.Errorf("seed %d: %v", seed, err)
			}
		}
		j.warned = nil
		if j.same(t, base); t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	if ended == 0 || warned == 0 {
		t.Errorf("%d runs ended, %d checkpoints were lost", ended, warned)
	}
	t.Logf("%d runs ended, %d checkpoints were lost", ended, warned)
}

// listFiles lists the files below a folder.
func listFiles(t testing.TB, fs vfs.FS, dir string) (list []string) {
	names, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		path := fs.PathJoin(dir, name)
		info, err := fs.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.IsDir() {
			list = append(list, listFiles(t, fs, path)...)
		} else {
			list = append(list, path)
		}
	}
	return list
}

// cloneWith copies the files of a folder, one of them with another content.
func cloneWith(t testing.TB, fs vfs.FS, dir, other string, text []byte) *vfs.MemFS {
	to := vfs.NewMem()
	for _, path := range listFiles(t, fs, dir) {
		if err := to.MkdirAll(to.PathDir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		f, err := to.Create(path, vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		content := text
		if path != other {
			content = readAll(t, fs, path)
		}
		if _, err := f.Write(bytes.Clone(content)); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// A flipped bit anywhere in the state is found, or it changes nothing.
func TestRunStateDamage(t *testing.T) {
	found, harmless, back := 0, 0, 0
	for seed := range uint64(*jobs) / 10 {
		r, j, base := randomJob(t, seed)
		saves := 2 + r.IntN(3)
		err := j.once(t, context.Background(), func(writing bool) (bool, error) {
			if j.saves >= saves && r.IntN(4) == 0 {
				return false, errBroken
			}
			return r.IntN(2) == 0, nil
		})
		if !errors.Is(err, errBroken) {
			t.Fatalf("seed %d has too few steps: %v", seed, err)
		}
		state := j.fs
		for _, path := range listFiles(t, state, "job") {
			text := readAll(t, state, path)
			if len(text) == 0 {
				continue
			}
			for range 3 {
				bad := bytes.Clone(text)
				bad[r.IntN(len(bad))] ^= 1 << r.IntN(8)
				again := *j
				again.fs, again.resumed, again.warned = cloneWith(t, state, "job", path, bad), nil, nil
				err := again.once(t, context.Background(), func(bool) (bool, error) { return r.IntN(25) == 0, nil })
				var damage *checkpoint.CorruptError
				var version *checkpoint.VersionError
				switch {
				case errors.As(err, &damage), errors.As(err, &version):
					found++
					continue
				case err != nil:
					t.Fatalf("seed %d, %s: %v", seed, path, err)
				case len(again.warned) > 0:
					back++
				default:
					harmless++
				}
				again.warned = nil
				if again.same(t, base); t.Failed() {
					t.Fatalf("seed %d, %s", seed, path)
				}
			}
		}
	}
	if harmless == 0 || back == 0 {
		t.Error("one of these never was:")
	}
	t.Logf("%d found and the end of it, %d times back to the checkpoint before, %d harmless", found, back, harmless)
}
