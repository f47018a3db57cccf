package evidence

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/internal/decode"
)

// blocks is a store of the blocks of an index.
type blocks map[int][]byte

func (b blocks) take(s Saved) {
	for n, text := range s.Blocks {
		b[n] = text
	}
}

func (b blocks) get(n int) ([]byte, error) { return b[n], nil }

// adder adds chunks to a log, as a run does.
type adder struct {
	t        *testing.T
	chunks   *decode.Chunks
	d        *decode.Decoder
	position uint64
	end      int64 // of the chunk added last
}

func newAdder(t *testing.T, text string) *adder {
	cfg := decode.Config{Single: testSchema(), Chunk: 8 << 10}
	c := decode.NewChunks(strings.NewReader(text), cfg)
	d, err := decode.New(c.Config())
	if err != nil {
		t.Fatal(err)
	}
	return &adder{t: t, chunks: c, d: d}
}

// add adds a chunk, or skims over it; false: there is none.
func (a *adder) add(l *Log, skim bool) bool {
	a.t.Helper()
	chunk, err := a.chunks.Next(nil)
	if err == io.EOF {
		return false
	}
	if err != nil {
		a.t.Fatal(err)
	}
	a.end = chunk.Offset + int64(len(chunk.Data))
	if skim {
		n, err := l.Skim(chunk, a.position)
		if err != nil {
			a.t.Fatal(err)
		}
		a.position += n
		return true
	}
	var b cep.Batch
	var res decode.Result
	a.d.Decode(chunk.Data, &b, &res)
	b.Rebase(3, 1, a.position)
	a.position += res.Records
	if err := l.Add(&b, chunk); err != nil {
		a.t.Fatal(err)
	}
	return true
}

// check asks for all events below a position, of which those below gone may be.
func check(t *testing.T, s *Store, want map[int]string, below uint64) (gone int) {
	t.Helper()
	for position, text := range want {
		if uint64(position) >= below {
			continue
		}
		got, err := s.Raw(cep.MakeRef(3, 1, uint64(position)))
		if errors.Is(err, ErrGone) {
			gone++
			continue
		}
		if err != nil || string(got) != text {
			t.Fatalf("event %d: %.80s, %v; want %.80s", position, got, err, text)
		}
	}
	return gone
}

// A log that was saved goes on in another process, whatever was written behind
// the save, and gives what one gives that was never left. Files of the system
// forget what was not synced.
func TestSavedAndRestored(t *testing.T) {
	text, want := input(decode.JSON, 3000)
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 1))
		plain := seed%2 == 0
		mem := vfs.NewCrashableMem()
		if err := mem.MkdirAll("kept", 0o755); err != nil {
			t.Fatal(err)
		}
		if d, err := mem.OpenDir(""); err != nil || d.Sync() != nil {
			t.Fatal(err)
		}
		open := func() (*Store, *Log) {
			s := New(Options{FS: mem, Kept: "kept"})
			in := Input{Config: newAdder(t, text).chunks.Config(), Kept: true}
			if plain {
				in.File = strings.NewReader(text)
			}
			l := s.Open(3, 1, in)
			l.most = 60 // so that the index gets thinner on the way
			if l.spool != nil {
				l.spool.size = 100 << 10
			}
			return s, l
		}
		s, l := open()
		a := newAdder(t, text)
		index, crashes := blocks{}, 0
		var last Saved
		var at adder // where the last save was
		saved, offset := false, int64(0)
		for n := 0; a.add(l, false); n++ {
			switch r.IntN(6) {
			case 0, 1:
				var sync func() error
				last, sync = l.Save(!saved)
				if err := sync(); err != nil {
					t.Fatal(err)
				}
				l.Settle()
				index.take(last)
				saved, at, offset = true, *a, a.end
			case 2:
				if !saved {
					continue
				}
				crashes++
				mem = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: r.IntN(101), RNG: r})
				s, l = open()
				if err := l.Restore(last, index.get); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				if err := s.Clean(); err != nil {
					t.Fatal(err)
				}
				check(t, s, want, at.position)
				a = newAdder(t, text)
				if err := a.chunks.SkipTo(offset); err != nil {
					t.Fatal(err)
				}
				a.position = at.position
			}
		}
		if gone := check(t, s, want, 1<<40); gone > 0 || crashes == 0 {
			t.Errorf("seed %d: %d events are gone, %d crashes", seed, gone, crashes)
		}
		files, err := mem.List("kept")
		if err != nil || !plain && len(files) < 3 || plain && len(files) > 0 {
			t.Errorf("files %v, %v", files, err)
		}
	}
}

// Skimming over chunks finds the events that adding them finds.
func TestSkimIsAdd(t *testing.T) {
	text, want := input(decode.JSON, 1500)
	s := New(Options{Dir: t.TempDir()})
	a := newAdder(t, text)
	l := s.Open(3, 1, Input{Config: a.chunks.Config()})
	for i := 0; a.add(l, i%3 > 0); i++ {
	}
	if gone := check(t, s, want, 1<<40); gone > 0 {
		t.Errorf("%d events are gone", gone)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// What is given up for newer text stays until a save without it is settled, so
// that the save before can be gone back to.
func TestKeptTextIsGivenUpBehindASave(t *testing.T) {
	text, want := input(decode.JSON, 3000)
	mem := vfs.NewMem()
	if err := mem.MkdirAll("kept", 0o755); err != nil {
		t.Fatal(err)
	}
	open := func() (*Store, *Log) {
		s := New(Options{FS: mem, Kept: "kept", MaxSpool: 300 << 10})
		l := s.Open(3, 1, Input{Config: newAdder(t, text).chunks.Config(), Kept: true})
		l.spool.size = 50 << 10
		return s, l
	}
	files := func() int {
		list, err := mem.List("kept")
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	_, l := open()
	a := newAdder(t, text)
	for range 20 {
		a.add(l, false)
	}
	index := blocks{}
	first, _ := l.Save(true)
	index.take(first)
	l.Settle()
	below := a.position
	for a.add(l, false) {
	}
	if n := len(l.spool.segments); n > 10 || files() <= n {
		t.Fatalf("%d files for %d segments: nothing was given up, or it is gone already", files(), n)
	}
	s, again := open()
	if err := again.Restore(first, index.get); err != nil {
		t.Fatal(err)
	}
	if gone := check(t, s, want, below); gone > 0 {
		t.Errorf("%d of %d events are gone", gone, below)
	}
	l.Save(false)
	l.Settle()
	if n := len(l.spool.segments); files() != n {
		t.Errorf("%d files for %d segments", files(), n)
	}
	if err := again.Restore(first, index.get); !errors.Is(err, ErrDamaged) {
		t.Errorf("restored what is gone: %v", err)
	}
}

// Kept text that is not what was saved is found.
func TestRestoreFindsDamage(t *testing.T) {
	text, _ := input(decode.JSON, 300)
	mem := vfs.NewMem()
	if err := mem.MkdirAll("kept", 0o755); err != nil {
		t.Fatal(err)
	}
	open := func() *Log {
		return New(Options{FS: mem, Kept: "kept"}).Open(3, 1, Input{Config: newAdder(t, text).chunks.Config(), Kept: true})
	}
	l := open()
	a := newAdder(t, text)
	for a.add(l, false) {
	}
	index := blocks{}
	saved, sync := l.Save(true)
	index.take(saved)
	if err := sync(); err != nil {
		t.Fatal(err)
	}
	if err := open().Restore(saved, index.get); err != nil {
		t.Fatal(err)
	}
	path := "kept/3-1-000001.events"
	f, err := mem.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	for what, content := range map[string][]byte{
		"a bit":  append(bytes.Clone(whole[:100]), append([]byte{whole[100] ^ 4}, whole[101:]...)...),
		"a byte": whole[:len(whole)-1],
		"all":    nil,
	} {
		f, err := mem.Create(path, vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(bytes.Clone(content)); err != nil {
			t.Fatal(err)
		}
		if err := open().Restore(saved, index.get); !errors.Is(err, ErrDamaged) || !strings.Contains(fmt.Sprint(err), path) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := mem.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := open().Restore(saved, index.get); !errors.Is(err, ErrDamaged) {
		t.Errorf("no file: %v", err)
	}
	index[0] = index[0][1:]
	if err := open().Restore(saved, index.get); !errors.Is(err, ErrDamaged) {
		t.Errorf("a short index: %v", err)
	}
}
