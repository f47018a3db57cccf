package file

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/weir-cep/weir/engine/source/sourcetest"
)

// hasty are times that let a test go on quickly.
var hasty = times{fast: time.Millisecond, slow: 5 * time.Millisecond, lull: 30 * time.Millisecond,
	partial: 60 * time.Millisecond, gone: 60 * time.Millisecond, scan: 10 * time.Millisecond}

// open opens a source over files in dir.
func open(t testing.TB, dir, options string) *source {
	t.Helper()
	s := sourcetest.Open(t, Open, filepath.Join(dir, "rules.cep"), "file { "+options+" }").(*source)
	s.times = hasty
	return s
}

func write(t testing.TB, path string, text ...string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(strings.Join(text, "")), 0o644); err != nil {
		t.Fatal(err)
	}
}

// add appends to a file.
func add(t testing.TB, path string, text ...string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(strings.Join(text, "")); err != nil {
		t.Fatal(err)
	}
}

func rename(t testing.TB, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// event is the n-th event, long enough that few of them make a fingerprint.
func event(n int) string {
	return fmt.Sprintf(`{"type":"E","at":"2026-01-31T10:00:00Z","k":"event %d","pad":"%s"}`, n, strings.Repeat("x", 100))
}

func events(from, to int) string {
	var b strings.Builder
	for n := from; n < to; n++ {
		b.WriteString(event(n) + "\n")
	}
	return b.String()
}

func texts(from, to int) (list []string) {
	for n := from; n < to; n++ {
		list = append(list, event(n))
	}
	return list
}

// expect waits for exactly these records in a partition.
func expect(t testing.TB, in *sourcetest.Intake, part string, want []string) {
	t.Helper()
	in.Wait(t, fmt.Sprintf("%d records of %s", len(want), part), func() bool { return len(in.Part(part).Records) >= len(want) })
	check(t, in.Part(part), want)
}

func check(t testing.TB, p sourcetest.Snapshot, want []string) {
	t.Helper()
	got := p.Texts()
	if slices.Equal(got, want) {
		return
	}
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			at := func(l []string) string {
				if i < len(l) {
					return l[i]
				}
				return "nothing"
			}
			t.Fatalf("%s: %d records, want %d; record %d is\n%s\nwant\n%s", p.Name, len(got), len(want), i, at(got), at(want))
		}
	}
}

func run(t testing.TB, s *source, in *sourcetest.Intake) *sourcetest.Running {
	t.Helper()
	return sourcetest.Start(t, s, in)
}

// finished waits for a source that ends by itself.
func finished(t testing.TB, r *sourcetest.Running) {
	t.Helper()
	select {
	case <-r.Done():
	case <-time.After(sourcetest.Patience):
		t.Fatalf("the source did not end: %v", r.Err())
	}
}

func TestReadToTheEnd(t *testing.T) {
	dir := t.TempDir()
	const n = 8_000 // several chunks
	write(t, filepath.Join(dir, "e.ndjson"), "\xef\xbb\xbf", events(0, n), event(n))
	in := sourcetest.New()
	r := run(t, open(t, dir, `path: "e.ndjson"`), in)
	finished(t, r)
	p := in.Part("e.ndjson")
	check(t, p, texts(0, n+1))
	if !p.Ended || p.Lag != 0 || p.Chunks < 5 || r.Err() != nil {
		t.Errorf("ended %v, lag %d, %d chunks, error %v", p.Ended, p.Lag, p.Chunks, r.Err())
	}
	// Once more: all is there.
	finished(t, run(t, open(t, dir, `path: "e.ndjson"`), in))
	check(t, in.Part("e.ndjson"), texts(0, n+1))
}

// packings are the ways to pack a text.
var packings = map[string]func(string) []byte{
	"": func(s string) []byte { return []byte(s) },
	".gz": func(s string) []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write([]byte(s))
		z.Close()
		return b.Bytes()
	},
	".zst": func(s string) []byte {
		z, _ := zstd.NewWriter(nil)
		return z.EncodeAll([]byte(s), nil)
	},
}

// A crash in the middle loses what was on its way; the next run reads on.
func TestResume(t *testing.T) {
	var csv strings.Builder
	var csvWant []string
	for n := range 10_000 {
		row := fmt.Sprintf("%d,\"event %d, with \"\"quotes\"\"\",%s", n, n, strings.Repeat("y", 90))
		csv.WriteString(row + "\r\n")
		csvWant = append(csvWant, row)
	}
	resumed := 0
	for ending, pack := range packings {
		for _, c := range []struct {
			name, text string
			want       []string
		}{{"e.ndjson", events(0, 8000), texts(0, 8000)}, {"e.csv", "\r\nat,k,pad\r\n" + csv.String(), csvWant}} {
			t.Run(c.name+ending, func(t *testing.T) {
				dir := t.TempDir()
				name := c.name + ending
				write(t, filepath.Join(dir, name), string(pack(c.text)))
				in := sourcetest.New()
				in.Waiting = 1
				crashes := 0
				for ; !in.Part(name).Ended && crashes < 50; crashes++ {
					before := len(in.Part(name).Records)
					r := run(t, open(t, dir, fmt.Sprintf("path: %q", name)), in)
					in.Wait(t, "a chunk more", func() bool { return len(in.Part(name).Records) > before || in.Part(name).Ended })
					in.Crash()
					r.Stop(t)
					in.Restart()
				}
				check(t, in.Part(name), c.want)
				resumed += crashes - 1 // how often depends on how far it reads meanwhile
				if h := in.Part(name).Headers; strings.HasPrefix(name, "e.csv") && (len(h) != 1 || !slices.Equal(h[0], []string{"at", "k", "pad"})) {
					t.Errorf("headers %q", h)
				}
			})
		}
	}
	if resumed == 0 {
		t.Error("no file was taken up in its middle")
	}
}

func TestFollow(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "e.ndjson")
	write(t, path)
	in := sourcetest.New()
	r := run(t, open(t, dir, `path: "e.ndjson", follow: true`), in)
	for n := range 20 {
		add(t, path, event(n)[:40])
		add(t, path, event(n)[40:], "\n", event(n + 1)[:7])
		expect(t, in, "e.ndjson", texts(0, n+1)) // the incomplete line waits
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, info.Size()-7); err != nil { // and may be taken back
			t.Fatal(err)
		}
	}
	if in.Part("e.ndjson").Ended || r.Err() != nil {
		t.Errorf("ended; %v", r.Err())
	}
}

func TestRotateByRename(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "e.ndjson")
	write(t, path, events(0, 10))
	in := sourcetest.New()
	r := run(t, open(t, dir, `path: "e.ndjson", follow: true`), in)
	expect(t, in, "e.ndjson", texts(0, 10))
	n := 10
	for k := range 5 {
		rename(t, path, fmt.Sprintf("%s.%d", path, k+1))
		// The writer still has the old file for a moment, and ends it badly.
		add(t, fmt.Sprintf("%s.%d", path, k+1), events(n, n+3), event(n+3))
		write(t, path, events(n+4, n+10))
		n += 10
		expect(t, in, "e.ndjson", texts(0, n))
	}
	if r.Err() != nil {
		t.Error(r.Err())
	}
}

// What was rotated while nobody read is read first, whatever it was packed to.
func TestRotatedMeanwhile(t *testing.T) {
	for _, name := range []string{"e.ndjson", "log"} {
		for ending, pack := range packings {
			t.Run(name+ending, func(t *testing.T) {
				dir := t.TempDir()
				path := filepath.Join(dir, name)
				write(t, path, events(0, 20))
				in := sourcetest.New()
				options := fmt.Sprintf("path: %q, follow: true", name)
				r := run(t, open(t, dir, options), in)
				expect(t, in, name, texts(0, 20))
				r.Stop(t)
				now := time.Now()
				age := func(path string, seconds int) {
					at := now.Add(-time.Duration(seconds) * time.Second)
					if err := os.Chtimes(path, at, at); err != nil {
						t.Fatal(err)
					}
				}
				write(t, path+".9", events(900, 910)) // of long ago, read or not
				age(path+".9", 1000)
				write(t, path+".old", events(900, 910))
				write(t, path+".2"+ending, string(pack(events(0, 30))))
				age(path+".2"+ending, 20)
				write(t, path+".1"+ending, string(pack(events(30, 40))))
				age(path+".1"+ending, 10)
				write(t, path, events(40, 45))
				run(t, open(t, dir, options), in)
				expect(t, in, name, texts(0, 45))
				add(t, path, events(45, 50))
				expect(t, in, name, texts(0, 50))
			})
		}
	}
}

func TestRotateByCopy(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "e.ndjson")
	write(t, path, events(0, 10))
	in := sourcetest.New()
	run(t, open(t, dir, `path: "e.ndjson", follow: true`), in)
	expect(t, in, "e.ndjson", texts(0, 10))
	n := 10
	for k := range 4 {
		// Lines that nobody has read at the path are in the copy.
		all, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		write(t, fmt.Sprintf("%s.%d", path, k+1), string(all), events(n, n+5))
		if err := os.Truncate(path, 0); err != nil {
			t.Fatal(err)
		}
		add(t, path, events(n+5, n+40)) // more than there was before
		n += 40
		expect(t, in, "e.ndjson", texts(0, n))
	}
}

// A file that is cut off and begun anew without a copy is read anew, also if it
// is as long as before.
func TestTruncate(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "e.ndjson")
	write(t, path, events(0, 10))
	in := sourcetest.New()
	run(t, open(t, dir, `path: "e.ndjson", follow: true`), in)
	expect(t, in, "e.ndjson", texts(0, 10))
	write(t, path, events(10, 20))
	expect(t, in, "e.ndjson", texts(0, 20))
	write(t, path, events(20, 50))
	expect(t, in, "e.ndjson", texts(0, 50))
	write(t, path, events(50, 51))
	expect(t, in, "e.ndjson", texts(0, 51))
}

func TestVanished(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "e.ndjson")
	in := sourcetest.New()
	r := run(t, open(t, dir, `path: "e.ndjson", follow: true`), in)
	told := func(times int) func() bool {
		return func() bool { return r.Err() != nil && strings.Count(r.Err().Error(), path) >= times }
	}
	in.Wait(t, "an error that names the path", told(1))
	write(t, path, events(0, 10), event(10)[:30])
	expect(t, in, "e.ndjson", texts(0, 10))
	add(t, path, event(10)[30:]) // without its end
	before := strings.Count(r.Err().Error(), path)
	in.Wait(t, "no error any more", func() bool { return strings.Count(r.Err().Error(), path) == before })
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	in.Wait(t, "an error again", told(before+1))
	expect(t, in, "e.ndjson", texts(0, 11)) // read to its end
	write(t, path, events(11, 13))
	expect(t, in, "e.ndjson", texts(0, 13))
}

func TestAnotherFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "e.ndjson")
	write(t, path, events(0, 10))
	in := sourcetest.New()
	finished(t, run(t, open(t, dir, `path: "e.ndjson"`), in))
	write(t, path, events(10, 30))
	r := run(t, open(t, dir, `path: "e.ndjson"`), in)
	in.Wait(t, "an error", func() bool { return r.Err() != nil })
	if want := "it is not the file that was read up to byte"; !strings.Contains(r.Err().Error(), want) || !strings.Contains(r.Err().Error(), path) {
		t.Errorf("error %v", r.Err())
	}
	// The same text elsewhere is the same file, and may have grown.
	write(t, path+".new", events(0, 12))
	rename(t, path+".new", path)
	finished(t, r)
	check(t, in.Part("e.ndjson"), texts(0, 12))

	// Its beginning alone does not make it the same.
	write(t, path, events(0, 10), events(50, 70))
	r = run(t, open(t, dir, `path: "e.ndjson"`), in)
	in.Wait(t, "an error", func() bool { return r.Err() != nil })
	check(t, in.Part("e.ndjson"), texts(0, 12))
}

// A source that fails while chunks are on their way takes its partition up when
// they have arrived, not before.
func TestTakenUpAgain(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "e.ndjson")
	write(t, path, events(0, 10))
	in := sourcetest.New()
	in.Hold()
	r := run(t, open(t, dir, `path: "e.ndjson", follow: true`), in)
	in.Wait(t, "a chunk on its way", func() bool { return in.Part("e.ndjson").Waiting == 1 })
	rename(t, path, path+"~")
	in.Wait(t, "an error", func() bool { return r.Err() != nil })
	again := time.Now().Add(200 * time.Millisecond)
	in.Wait(t, "the next try", func() bool { return time.Now().After(again) })
	rename(t, path+"~", path)
	add(t, path, events(10, 20))
	in.Release()
	expect(t, in, "e.ndjson", texts(0, 20))
	if strings.Contains(r.Err().Error(), "would enter twice") {
		t.Error(r.Err())
	}
}

func TestCutOffArchive(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "e.ndjson.gz")
	whole := packings[".gz"](events(0, 9_000))
	write(t, path, string(whole[:len(whole)/2]))
	in := sourcetest.New()
	r := run(t, open(t, dir, `path: "e.ndjson.gz"`), in)
	in.Wait(t, "an error", func() bool { return r.Err() != nil })
	if err := r.Err(); !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "still being written") {
		t.Errorf("error %v", err)
	}
	if n := in.Count(); n == 0 {
		t.Error("what is whole was not read")
	}
	write(t, path, string(whole))
	finished(t, r)
	check(t, in.Part("e.ndjson.gz"), texts(0, 9_000))
}

func TestStalledJournal(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "e.ndjson"), events(0, 9_000))
	in := sourcetest.New()
	in.Hold()
	r := run(t, open(t, dir, `path: "e.ndjson"`), in)
	in.Wait(t, "chunks on their way", func() bool { return in.Part("e.ndjson").Waiting == 4 })
	in.Stall()
	in.Wait(t, "an error", func() bool { return r.Err() != nil })
	in.Release()
	in.Resume()
	finished(t, r)
	check(t, in.Part("e.ndjson"), texts(0, 9_000))
}

func TestLongRecord(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, `path: "e.ndjson"`)
	s.cfg.MaxEvent = 1000
	long := strings.Repeat("z", 300_000)
	write(t, filepath.Join(dir, "e.ndjson"), events(0, 3), long, "\n", events(3, 5), long)
	in := sourcetest.New()
	finished(t, run(t, s, in))
	want := append(texts(0, 3), long[:1001])
	want = append(append(want, texts(3, 5)...), long[:1001])
	check(t, in.Part("e.ndjson"), want)
}

func TestEmptyFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "e.ndjson"))
	in := sourcetest.New()
	finished(t, run(t, open(t, dir, `path: "e.ndjson"`), in))
	if p := in.Part("e.ndjson"); !p.Ended || len(p.Records) > 0 {
		t.Errorf("%+v", p)
	}
	write(t, filepath.Join(dir, "e.csv"))
	r := run(t, open(t, dir, `path: "e.csv"`), in)
	in.Wait(t, "an error", func() bool { return r.Err() != nil })
	if want := "no header line"; !strings.Contains(r.Err().Error(), want) {
		t.Errorf("error %v", r.Err())
	}
}
