package evidence

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/internal/decode"
)

func testSchema() *cep.Schema {
	return &cep.Schema{Name: "E", ID: -1, Time: -1, Fields: []cep.Field{
		{Name: "n", Type: cep.Type{Kind: cep.KindInt}}, {Name: "s", Type: cep.Type{Kind: cep.KindString}}}}
}

// input makes events of varying length with bad and empty lines between them,
// and what each accepted one must come back as.
func input(format decode.Format, events int) (text string, want map[int]string) {
	var b strings.Builder
	want = map[int]string{}
	position := 0
	if format == decode.CSV {
		b.WriteString("n,s\n")
	}
	for i := range events {
		long := strings.Repeat("x", i*37%700)
		switch {
		case i%11 == 3:
			b.WriteString("\n")
		case i%7 == 2:
			b.WriteString("bad\n")
			position++
		case i%500 == 1:
			b.WriteString(strings.Repeat("too long ", 1000) + "\n")
			position++
		}
		if format == decode.CSV {
			fmt.Fprintf(&b, "%d,\"line\n\"\"two\"\" %s\"\n", i, long)
			want[position] = fmt.Sprintf(`{"n":"%d","s":"line\n\"two\" %s"}`, i, long)
		} else {
			line := fmt.Sprintf(`{"n":%d,"s":"\u0041%s"}`, i, long)
			b.WriteString(" " + line + " \r\n")
			want[position] = line
		}
		position++
	}
	return b.String(), want
}

// keep decodes all of r and adds it to the store's source 3, partition 1.
func keep(t *testing.T, l func(decode.Config) *Log, r io.Reader, cfg decode.Config) (rows int) {
	t.Helper()
	c := decode.NewChunks(r, cfg)
	cfg = c.Config()
	var err error
	if cfg.Header, err = c.Header(); err != nil {
		t.Fatal(err)
	}
	d, err := decode.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	log := l(cfg)
	var b cep.Batch
	var res decode.Result
	var position uint64
	for {
		chunk, err := c.Next(nil)
		if err == io.EOF {
			return rows
		}
		if err != nil {
			t.Fatal(err)
		}
		d.Decode(chunk.Data, &b, &res)
		b.Rebase(3, 1, position)
		position += res.Records
		rows += len(b.Rows)
		if err := log.Add(&b, chunk); err != nil {
			t.Fatal(err)
		}
	}
}

func TestEveryEventComesBack(t *testing.T) {
	for _, format := range []decode.Format{decode.JSON, decode.CSV} {
		text, want := input(format, 1500)
		path := filepath.Join(t.TempDir(), "events")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, plain := range []bool{true, false} {
			for _, most := range []int{maxEntries, 12} {
				in, err := decode.Open(path)
				if err != nil {
					t.Fatal(err)
				}
				s := New(Options{Dir: t.TempDir()})
				var log *Log
				rows := keep(t, func(cfg decode.Config) *Log {
					i := Input{Config: cfg}
					if plain {
						i.File = in.File()
					}
					log = s.Open(3, 1, i)
					log.most = most
					return log
				}, in, decode.Config{Format: format, Single: testSchema(), MaxEvent: 4000})
				if rows != len(want) {
					t.Fatalf("%d rows, want %d", rows, len(want))
				}
				if most == 12 && (len(log.index) > 24 || log.stride == firstStride) {
					t.Errorf("the index has %d entries, stride %d", len(log.index), log.stride)
				}
				for position, text := range want {
					got, err := s.Raw(cep.MakeRef(3, 1, uint64(position)))
					if err != nil || string(got) != text || !json.Valid(got) {
						t.Fatalf("format %d plain %v, event %d: %.80s, %v; want %.80s", format, plain, position, got, err, text)
					}
				}
				for _, ref := range []cep.Ref{cep.MakeRef(3, 0, 0), cep.MakeRef(3, 1, 1<<40)} {
					if _, err := s.Raw(ref); !errors.Is(err, ErrGone) {
						t.Errorf("%x: %v", ref, err)
					}
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
				if _, err := s.Raw(cep.MakeRef(3, 1, 0)); !errors.Is(err, ErrGone) {
					t.Errorf("after Close: %v", err)
				}
				if err := in.Close(); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

func TestSpoolGivesUpTheOldest(t *testing.T) {
	dir := t.TempDir()
	s := New(Options{Dir: dir, MaxSpool: 600 << 10})
	text, want := input(decode.JSON, 3000)
	var log *Log
	keep(t, func(cfg decode.Config) *Log {
		log = s.Open(3, 1, Input{Config: cfg})
		log.spool.size = 1 // a segment per chunk
		return log
	}, strings.NewReader(text), decode.Config{Single: testSchema()})
	gone, there := 0, 0
	for position, text := range want {
		got, err := s.Raw(cep.MakeRef(3, 1, uint64(position)))
		switch {
		case errors.Is(err, ErrGone):
			gone++
		case err != nil || string(got) != text:
			t.Fatalf("event %d: %.80s, %v", position, got, err)
		default:
			there++
		}
	}
	if gone == 0 || there == 0 || len(log.spool.segments) > 3 {
		t.Errorf("%d events are gone, %d are there in %d segments", gone, there, len(log.spool.segments))
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
		t.Errorf("temporary files have names: %v, %v", files, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestSpoolThatFails(t *testing.T) {
	s := New(Options{Dir: filepath.Join(t.TempDir(), "none")})
	log := s.Open(0, 0, Input{})
	b := &cep.Batch{Rows: []cep.Row{{}}, Raw: []uint64{0}}
	if err := log.Add(b, decode.Chunk{Data: []byte("{}")}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("first: %v", err)
	}
	if err := log.Add(b, decode.Chunk{Data: []byte("{}")}); err != nil {
		t.Errorf("it is told twice: %v", err)
	}
	if _, err := s.Raw(0); !errors.Is(err, ErrGone) {
		t.Errorf("raw: %v", err)
	}
}

func TestFileThatWasCutOff(t *testing.T) {
	text, _ := input(decode.JSON, 2000)
	s := New(Options{})
	keep(t, func(cfg decode.Config) *Log {
		return s.Open(3, 1, Input{File: bytes.NewReader([]byte(text[:1000])), Config: cfg})
	}, strings.NewReader(text), decode.Config{Single: testSchema()})
	if got, err := s.Raw(cep.MakeRef(3, 1, 0)); err != nil || len(got) == 0 {
		t.Errorf("what is still there: %v", err)
	}
	if got, err := s.Raw(cep.MakeRef(3, 1, 2000)); !errors.Is(err, ErrGone) {
		t.Errorf("what is not: %s, %v", got, err)
	}
}

// TestReadersBesideTheWriter asks for events as soon as they are added.
func TestReadersBesideTheWriter(t *testing.T) {
	text, want := input(decode.JSON, 3000)
	s := New(Options{Dir: t.TempDir()})
	refs := make(chan uint64, 64)
	var wg sync.WaitGroup
	for range 3 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for p := range refs {
				if got, err := s.Raw(cep.MakeRef(3, 1, p)); err != nil || string(got) != want[int(p)] {
					t.Errorf("event %d: %.80s, %v", p, got, err)
				}
			}
		}()
	}
	cfg := decode.Config{Single: testSchema()}
	c := decode.NewChunks(strings.NewReader(text), cfg)
	d, err := decode.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	log := s.Open(3, 1, Input{Config: c.Config()})
	var b cep.Batch
	var res decode.Result
	position := uint64(0)
	for {
		chunk, err := c.Next(nil)
		if err == io.EOF {
			break
		}
		d.Decode(chunk.Data, &b, &res)
		b.Rebase(3, 1, position)
		position += res.Records
		if err := log.Add(&b, chunk); err != nil {
			t.Fatal(err)
		}
		for i := range b.Rows {
			refs <- b.Rows[i].Ref.Position()
		}
	}
	close(refs)
	wg.Wait()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
