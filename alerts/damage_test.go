package alerts

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// damageLog makes a log of tables and an unfinished write-ahead log, and
// returns its files.
func damageLog(t *testing.T, s *script) (*vfs.MemFS, []string) {
	t.Helper()
	mem := vfs.NewMem()
	l, err := Open(s.options(mem))
	must(t, err)
	must(t, s.run(l, checkpoint{}, always))
	s.check(t, l, "undamaged")
	must(t, l.Close())
	names, err := mem.List("data/alerts")
	must(t, err)
	slices.Sort(names)
	return mem, names
}

// copyFS copies the files of a log.
func copyFS(t *testing.T, from *vfs.MemFS, names []string) *vfs.MemFS {
	t.Helper()
	to := vfs.NewMem()
	must(t, to.MkdirAll("data/alerts", 0o755))
	for _, name := range names {
		write(t, to, name, read(t, from, name))
	}
	return to
}

func read(t *testing.T, fs vfs.FS, name string) []byte {
	t.Helper()
	f, err := fs.Open("data/alerts/" + name)
	must(t, err)
	defer f.Close()
	b, err := io.ReadAll(f)
	must(t, err)
	return b
}

func write(t *testing.T, fs vfs.FS, name string, b []byte) {
	t.Helper()
	f, err := fs.Create("data/alerts/"+name, vfs.WriteCategoryUnspecified)
	must(t, err)
	_, err = f.Write(bytes.Clone(b))
	must(t, err)
	must(t, f.Close())
}

// use opens a log, reads all of it and does the script's end again. What it
// returns is why that is not possible.
func (s *script) use(fs vfs.FS) error {
	l, err := Open(s.options(fs))
	if err != nil {
		return err
	}
	defer l.Close()
	last := checkpoint{s.alerts, s.alerts / 2}
	if err := l.Replay(last.seq); err != nil {
		return err
	}
	if err := s.run(l, last, func() bool { return false }); err != nil {
		return err
	}
	if _, missing := l.Replayed(); missing != 0 {
		return fmt.Errorf("%d are missing", missing)
	}
	for seq := uint64(0); seq < l.Head(); {
		p, err := l.After(seq, 1000, Filter{})
		if err != nil {
			return err
		}
		for _, e := range p.Entries {
			if !bytes.Equal(e.JSON, wantText(e.Seq)) {
				panic(fmt.Sprintf("alert %d was read as %s", e.Seq, e.JSON))
			}
		}
		seq = p.Next
	}
	if l.Head() != s.alerts || l.First() != s.alerts-uint64(s.keep)+1 {
		panic(fmt.Sprintf("the log holds %d to %d", l.First(), l.Head()))
	}
	return nil
}

// TestFlippedBits flips bits in every file of a log. Verify names the file, and
// so does who uses the log and comes upon it; nobody ever reads something else
// than was written.
func TestFlippedBits(t *testing.T) {
	s := crashScript()
	mem, names := damageLog(t, s)
	rng := rand.New(rand.NewPCG(5, 6))
	for _, name := range names {
		b := read(t, mem, name)
		if len(b) == 0 {
			continue
		}
		found, unused := 0, 0
		for range 60 {
			fs := copyFS(t, mem, names)
			at, bit := rng.IntN(len(b)), byte(1)<<rng.IntN(8)
			bad := bytes.Clone(b)
			bad[at] ^= bit
			write(t, fs, name, bad)
			where := fmt.Sprintf("%s, byte %d of %d, bit %02x", name, at, len(b), bit)
			var reports []string
			if err := Verify(fs, "data/alerts", func(file, why string) { reports = append(reports, file+": "+why) }); err != nil {
				t.Fatalf("%s: verify: %v", where, err)
			}
			if len(reports) != 1 || !strings.HasPrefix(reports[0], "data/alerts/"+name+": ") {
				t.Errorf("%s: reported as %q", where, reports)
			}
			err := s.use(fs)
			var c *CorruptError
			switch {
			case err == nil:
				unused++ // nothing that is still needed is there
			case !errors.As(err, &c):
				t.Errorf("%s: %v", where, err)
			case path.Base(c.File) != name:
				t.Errorf("%s: named as %s: %v", where, c.File, err)
			default:
				found++
			}
		}
		t.Logf("%s (%d bytes): 60 reported, %d refused, %d not read", name, len(b), found, unused)
	}
}

// TestFlippedBitsInACopy does the same to the files of a copy that have no
// checksums of their own.
func TestFlippedBitsInACopy(t *testing.T) {
	mem := vfs.NewMem()
	l := open(t, Options{FS: mem, Dir: "data/log"})
	must(t, l.Commit(1, testAlerts(1, 50)))
	must(t, l.Copy("data/alerts"))
	must(t, l.Close())
	names, err := mem.List("data/alerts")
	must(t, err)
	rng := rand.New(rand.NewPCG(8, 9))
	checked := 0
	for _, name := range names {
		b := read(t, mem, name)
		for range min(20, len(b)) {
			bad := bytes.Clone(b)
			bad[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
			fs := copyFS(t, mem, names)
			write(t, fs, name, bad)
			found := ""
			must(t, Verify(fs, "data/alerts", func(file, why string) { found = file }))
			if path.Base(found) != name {
				t.Errorf("a flip in %s is reported as in %q", name, found)
			}
			checked++
		}
	}
	if checked < 60 {
		t.Fatalf("only %d flips in %v", checked, names)
	}
	must(t, Verify(mem, "data/alerts", func(file, why string) { t.Errorf("%s: %s", file, why) }))
}
