package decode

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
)

func packed(t *testing.T, c Compression, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	switch c {
	case Plain:
		return []byte(text)
	case Gzip:
		w = gzip.NewWriter(&b)
	case Zstd:
		z, err := zstd.NewWriter(&b)
		if err != nil {
			t.Fatal(err)
		}
		w = z
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestOpen(t *testing.T) {
	text := strings.Repeat(`{"type":"A"}`+"\n", 20_000)
	for _, c := range []Compression{Plain, Gzip, Zstd} {
		data := packed(t, c, text)
		if c == Gzip { // two members
			data = append(packed(t, c, text[:13]), packed(t, c, text[13:])...)
		}
		path := filepath.Join(t.TempDir(), "events.ndjson") // the name says nothing of the packing
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		in, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(in)
		if err != nil || string(got) != text || in.Compression != c {
			t.Errorf("%s: %d bytes, read as %s, %v", c, len(got), in.Compression, err)
		}
		if read, size := in.Progress(); read != int64(len(data)) || size != read {
			t.Errorf("%s: progress %d of %d, the file has %d", c, read, size, len(data))
		}
		if (in.File() != nil) != (c == Plain) {
			t.Errorf("%s: can be read again: %v", c, in.File() != nil)
		}
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "directory") {
		t.Errorf("a directory: %v", err)
	}
	empty := filepath.Join(dir, "empty")
	cut := filepath.Join(dir, "cut.gz")
	whole := packed(t, Gzip, strings.Repeat("abc", 1000))
	for path, data := range map[string][]byte{empty: nil, cut: whole[:len(whole)-6]} {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	in, err := Open(empty)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if _, err := NewChunks(in, Config{}).Next(nil); err != io.EOF {
		t.Errorf("an empty file: %v", err)
	}
	if _, err := NewChunks(strings.NewReader("\n\n"), Config{Format: CSV}).Next(nil); err != ErrNoHeader {
		t.Errorf("CSV without a header: %v", err)
	}
	in, err = Open(cut)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if _, err := io.ReadAll(in); !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), "cut.gz") {
		t.Errorf("a file cut off: %v", err)
	}
}

func TestHeader(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"a,b\n1,2\n", "a|b"},
		{"\xef\xbb\xbf\r\n\"a \"\"x\"\"\",\" b\nc\",\r\n1,2", "a \"x\"| b\nc|"},
		{"only", "only"},
		{"\"open,b\n", "error: the header line has a quote that is not closed"},
		{"a\"b,c\n", "error: the header line has a quote inside a cell that does not begin with one at byte 2"},
		{"\xff,c\n", "error: the header line is not UTF-8"},
	} {
		h, err := NewChunks(strings.NewReader(c.text), Config{Format: CSV}).Header()
		got := strings.Join(h, "|")
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != c.want {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
}

func TestFormatOf(t *testing.T) {
	for path, want := range map[string]Format{"a.csv": CSV, "x/a.CSV.gz": CSV, "a.tsv.zst": CSV, "a.ndjson": JSON, "csv": JSON, "-": JSON, "a.csv.json": JSON} {
		if got := FormatOf(path); got != want {
			t.Errorf("FormatOf(%s) = %d", path, got)
		}
	}
}

// Skipping gives what reading and throwing away gives, however an input is
// packed.
func TestSkip(t *testing.T) {
	text := strings.Repeat("0123456789abcdef", 20_000)
	for _, c := range []Compression{Plain, Gzip, Zstd} {
		path := filepath.Join(t.TempDir(), "events")
		if err := os.WriteFile(path, packed(t, c, text), 0o644); err != nil {
			t.Fatal(err)
		}
		in, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		at := 0
		for _, n := range []int{3, 0, 1, 70_000, 17, 200_000} {
			if err := in.Skip(int64(n)); err != nil {
				t.Fatal(err)
			}
			at += n
			got := make([]byte, 5)
			if _, err := io.ReadFull(in, got); err != nil || string(got) != text[at:at+5] {
				t.Fatalf("%s at %d: %q, %v", c, at, got, err)
			}
			at += 5
		}
		read, size := in.Progress()
		if read > size || c == Plain && read < int64(at) {
			t.Errorf("%s: %d of %d bytes", c, read, size)
		}
		if in.Packed() == nil {
			t.Errorf("%s: a file can be read again", c)
		}
		if err := in.Skip(1 << 20); err == nil {
			_, err = in.Read(make([]byte, 1))
			if err != io.EOF {
				t.Errorf("%s: behind the end: %v", c, err)
			}
		}
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	}
}
