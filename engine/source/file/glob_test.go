package file

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weir-cep/weir/engine/source/sourcetest"
)

func TestGlob(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write(t, at("b.ndjson"), events(0, 10))
	write(t, at("a.ndjson"), events(100, 110))
	write(t, at("c.ndjson.gz"), string(packings[".gz"](events(200, 210))))
	os.Mkdir(at("d.ndjson"), 0o755)
	in := sourcetest.New()
	finished(t, run(t, open(t, dir, `path: "*.ndjson*"`), in))
	for i, p := range in.Parts() {
		if want := []string{"a.ndjson", "b.ndjson", "c.ndjson.gz"}[i]; p.Name != want || p.ID != i || !p.Ended {
			t.Errorf("partition %d: %s %d, ended %v", i, p.Name, p.ID, p.Ended)
		}
	}
	check(t, in.Part("a.ndjson"), texts(100, 110))
	check(t, in.Part("b.ndjson"), texts(0, 10))
	check(t, in.Part("c.ndjson.gz"), texts(200, 210))

	r := run(t, open(t, dir, `path: "nothing*"`), in)
	in.Wait(t, "an error", func() bool { return r.Err() != nil })
	if !strings.Contains(r.Err().Error(), at("nothing*")+": no file fits this pattern") {
		t.Error(r.Err())
	}
}

func TestGlobFollowed(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	in := sourcetest.New()
	s := open(t, dir, `path: "e*", follow: true`)
	r := run(t, s, in)
	write(t, at("e.log"), events(0, 10))
	expect(t, in, "e.log", texts(0, 10))
	write(t, at("e2.log"), events(50, 60))
	expect(t, in, "e2.log", texts(50, 60))

	// The new name of a file fits the pattern too.
	rename(t, at("e.log"), at("e.log.1"))
	write(t, at("e.log"), events(10, 20))
	expect(t, in, "e.log", texts(0, 20))
	r.Stop(t)
	r = run(t, open(t, dir, `path: "e*", follow: true`), in)
	add(t, at("e.log"), events(20, 30))
	expect(t, in, "e.log", texts(0, 30))

	// Taken away: its partition ends; put back: it goes on.
	if err := os.Remove(at("e2.log")); err != nil {
		t.Fatal(err)
	}
	in.Wait(t, "the end", func() bool { return in.Part("e2.log").Ended })
	write(t, at("e2.log"), events(60, 65))
	expect(t, in, "e2.log", append(texts(50, 60), texts(60, 65)...))
	if r.Err() != nil {
		t.Error(r.Err())
	}
	if n := len(in.Parts()); n != 2 {
		t.Errorf("%d partitions", n)
	}
}
