package decode

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/weir-cep/weir/cep"
	"pgregory.net/rapid"
)

// trickle reads a few bytes at a time.
type trickle struct {
	text []byte
	n    int
}

func (r *trickle) Read(p []byte) (int, error) {
	if len(r.text) == 0 {
		return 0, io.EOF
	}
	k := copy(p, r.text[:min(len(r.text), r.n)])
	r.text = r.text[k:]
	return k, nil
}

// TestChunksDoNotMatter cuts good and bad input at every size and compares the
// rows, dead letters and offsets with those of the whole.
func TestChunksDoNotMatter(t *testing.T) {
	s := schema("E", field("a", cep.KindString), optional("b", cep.Type{Kind: cep.KindInt}))
	piece := map[Format]*rapid.Generator[string]{
		JSON: rapid.SampledFrom([]string{`{"a":"x"}`, `{"a":"\u0041\n","b":1}`, "\n", "\n", "\n", "\r\n", `{"a":1`, "}", " ", `{"a":"` + strings.Repeat("y", 70) + `"}`}),
		CSV:  rapid.SampledFrom([]string{"x,1", ",", "\n", "\n", "\n", "\r\n", `"`, `"a""b",2`, "\"c\nd\",3", "e\"f", strings.Repeat("z", 40)}),
	}
	rapid.Check(t, func(t *rapid.T) {
		cfg := Config{Format: rapid.SampledFrom([]Format{JSON, CSV}).Draw(t, "format"), Single: s, MaxEvent: rapid.IntRange(20, 100).Draw(t, "max")}
		if cfg.Format == CSV {
			cfg.Header = []string{"a", "b"}
		}
		body := strings.Join(rapid.SliceOfN(piece[cfg.Format], 0, 40).Draw(t, "pieces"), "")
		text := body
		if cfg.Format == CSV {
			text = "a,b\n" + body
		}
		if rapid.Bool().Draw(t, "mark") {
			text = "\xef\xbb\xbf" + text
		}
		d, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		want := fate(t, d, cfg, text, len(text)+1000, len(text)+1)
		got := fate(t, d, cfg, text, rapid.IntRange(1, 120).Draw(t, "size"), rapid.IntRange(1, 50).Draw(t, "read"))
		if got != want {
			t.Fatalf("in pieces\n%s\nin one\n%s", got, want)
		}
	})
}

// fate decodes text in chunks of a size, read n bytes at a time.
func fate(t *rapid.T, d *Decoder, cfg Config, text string, size, n int) string {
	c := NewChunks(&trickle{[]byte(text), n}, cfg)
	c.size = size
	if h, err := c.Header(); err != nil || fmt.Sprint(h) != fmt.Sprint(cfg.Header) {
		t.Fatalf("header %q, %v", h, err)
	}
	var rows, dead strings.Builder
	var b cep.Batch
	var res Result
	var position uint64
	var buf []byte
	for {
		chunk, err := c.Next(buf)
		if err == io.EOF {
			return rows.String() + dead.String()
		}
		if err != nil {
			t.Fatalf("%v", err)
		}
		buf = chunk.Data
		if got := text[chunk.Offset : int(chunk.Offset)+len(chunk.Data)]; got != string(chunk.Data) {
			t.Fatalf("chunk at %d is %q, there stands %q", chunk.Offset, chunk.Data, got)
		}
		d.Decode(chunk.Data, &b, &res)
		b.Rebase(0, 0, position)
		rows.WriteString(show(&b, &Result{}))
		for i := range res.Dead {
			fmt.Fprintf(&dead, "%s\n", res.Dead[i].AppendJSON(nil, "s", position))
		}
		position += res.Records
	}
}

func TestChunksOfLargeInput(t *testing.T) {
	text := bytes.Join(chunks(3*ChunkSize, mixed), nil)
	d, err := New(Config{Schemas: []*cep.Schema{authSchema(), loginSchema(), readingSchema()}, Zone: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	c := NewChunks(bytes.NewReader(text), Config{})
	var b cep.Batch
	var res Result
	rows, n := 0, 0
	for {
		chunk, err := c.Next(nil)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		d.Clone().Decode(chunk.Data, &b, &res)
		rows += len(b.Rows)
		n++
		if len(res.Dead)+int(res.Skipped) > 0 || len(chunk.Data) > ChunkSize {
			t.Fatalf("chunk %d: %d bytes, %v", n, len(chunk.Data), res.Dead)
		}
	}
	if want := bytes.Count(text, []byte("\n")); rows != want || n < 3 {
		t.Errorf("%d rows in %d chunks, want %d", rows, n, want)
	}
}

// Reading goes on alike from the beginning of any chunk, also behind a line that
// was too long.
func TestSkipToAnyChunk(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := Config{Format: rapid.SampledFrom([]Format{JSON, CSV}).Draw(t, "format"), MaxEvent: rapid.IntRange(20, 60).Draw(t, "max"), Chunk: rapid.IntRange(1, 200).Draw(t, "chunk")}
		lines := rapid.SliceOfN(rapid.SampledFrom([]string{"a,b", "", `"c` + "\n" + `d",e`, strings.Repeat("x", 61), strings.Repeat("y", 300), `{"a":1}`}), 1, 30).Draw(t, "lines")
		text := "a,b\n" + strings.Join(lines, "\n")
		n := rapid.IntRange(1, 50).Draw(t, "read")
		all := func(from int64) (list []Chunk) {
			c := NewChunks(&trickle{[]byte(text), n}, cfg)
			if from >= 0 {
				if err := c.SkipTo(from); err != nil {
					t.Fatal(err)
				}
			}
			for {
				chunk, err := c.Next(nil)
				if err == io.EOF {
					return list
				}
				if err != nil {
					t.Fatal(err)
				}
				list = append(list, chunk)
			}
		}
		want := all(-1)
		for i, from := range want {
			if got := all(from.Offset); fmt.Sprint(got) != fmt.Sprint(want[i:]) {
				t.Fatalf("from %d on\n%v\nwant\n%v", from.Offset, got, want[i:])
			}
		}
	})
}

func TestSkipToWhereNothingIs(t *testing.T) {
	c := NewChunks(strings.NewReader("one\ntwo\n"), Config{})
	if err := c.SkipTo(9); err != io.ErrUnexpectedEOF {
		t.Errorf("behind the end: %v", err)
	}
	c = NewChunks(strings.NewReader("a,b\n1,2\n"), Config{Format: CSV})
	if err := c.SkipTo(2); err == nil {
		t.Error("it went back into the header")
	}
}
