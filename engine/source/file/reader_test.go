package file

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"
)

func chunks(t testing.TB, r *Reader) (all []string) {
	var buf []byte
	for {
		c, err := r.Next(buf)
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(c))
		buf = c
	}
}

// Chunks put together are the text, and each but the last ends with a record.
func TestChunks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOf(rapid.StringMatching(`[a-z]{0,9}("[a-z\n]{0,9}"")?`)).Draw(t, "lines")
		for i, l := range lines { // close what the pattern leaves open
			if strings.Count(l, `"`)%2 == 1 {
				lines[i] = l + `"`
			}
		}
		text := strings.Join(lines, "\n")
		if rapid.Bool().Draw(t, "end") {
			text += "\n"
		}
		size := rapid.IntRange(1, 40).Draw(t, "chunk")
		for _, framing := range []Framing{Lines, CSV} {
			r, err := New("test", strings.NewReader(text), framing, size)
			if err != nil {
				t.Fatal(err)
			}
			var all []string
			var buf []byte
			for {
				c, err := r.Next(buf)
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, string(c))
				buf = c
			}
			if got := strings.Join(all, ""); got != text {
				t.Fatalf("framing %d, chunk %d: got %q, want %q", framing, size, got, text)
			}
			for i, c := range all {
				if i < len(all)-1 && !strings.HasSuffix(c, "\n") {
					t.Fatalf("chunk %d of %q is not whole: %q", i, text, c)
				}
				if framing == CSV && strings.Count(c, `"`)%2 != 0 {
					t.Fatalf("chunk %d of %q ends inside quotes: %q", i, text, c)
				}
			}
		}
	})
}

func TestPacked(t *testing.T) {
	text := strings.Repeat("{\"a\":1}\n", 5000)
	var gz, zs bytes.Buffer
	g := gzip.NewWriter(&gz)
	g.Write([]byte(text))
	g.Close()
	z, _ := zstd.NewWriter(&zs)
	z.Write([]byte(text))
	z.Close()
	for name, data := range map[string][]byte{"plain": []byte(text), "gzip": gz.Bytes(), "zstd": zs.Bytes()} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := Open(path, Lines, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(chunks(t, r), ""); got != text {
			t.Errorf("%s: read %d bytes, want %d", name, len(got), len(text))
		}
		if read, size := r.Progress(); read != int64(len(data)) || size != read {
			t.Errorf("%s: progress %d of %d, want all of %d", name, read, size, len(data))
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestErrors(t *testing.T) {
	if _, err := Open(filepath.Join(t.TempDir(), "missing"), Lines, 0); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	if _, err := Open(t.TempDir(), Lines, 0); err == nil {
		t.Error("a folder opened")
	}
	r, err := New("cut", bytes.NewReader([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0, 1}), Lines, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(nil); err == nil || err == io.EOF {
		t.Errorf("a damaged gzip file read with error %v", err)
	}
	r, err = New("long", io.LimitReader(endless{}, MaxRecord*2), Lines, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(nil); !errors.Is(err, ErrRecord) {
		t.Errorf("endless record: %v", err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}
