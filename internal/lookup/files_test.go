package lookup

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-cep/weir/dsl"
)

// openFile opens the fetcher of a file in a folder of its own.
func openFile(t *testing.T, name, content string, options ...dsl.Option) (f Fetcher, path string) {
	t.Helper()
	rules := write(t, map[string]string{name: content})
	f, err := Files(FetcherConfig{Name: "names", Rules: rules, From: "file", Elem: stringT, Options: append(options, opt("path", name))})
	if err != nil {
		t.Fatal(err)
	}
	return f, filepath.Join(filepath.Dir(rules), name)
}

// change writes a file and sets its time. In a bubble, where it is the year
// 2000, the file system's own time is far ahead.
func change(t *testing.T, path, content string, at time.Time) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

func TestFileFetch(t *testing.T) {
	f, path := openFile(t, "a.tsv", "a\tb\n", opt("delimiter", "\t"))
	got, err := f.Fetch(t.Context())
	if err != nil || string(got.Data) != "a\tb\n" || got.Format != "csv" || got.Delimiter != '\t' || got.Origin != path || got.From != "file" || got.Hash == 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

// A file that was just written to is read when that is over.
func TestFileSettles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, path := openFile(t, "a.txt", "")
		change(t, path, "half", time.Now())
		go func() {
			time.Sleep(settled - time.Millisecond)
			change(t, path, "whole", time.Now())
		}()
		if got, err := f.Fetch(t.Context()); err != nil || string(got.Data) != "whole" {
			t.Errorf("%q, %v", got.Data, err)
		}
		// One that is written to all the time is not read.
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		done := make(chan struct{})
		go func() {
			for ctx.Err() == nil {
				change(t, path, "half", time.Now())
				time.Sleep(settled * 3 / 10) // at other times than the reader wakes
			}
			close(done)
		}()
		synctest.Wait()
		if _, err := f.Fetch(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "rename it") {
			t.Error(err)
		}
		<-done
	})
}

func TestFileLook(t *testing.T) {
	f, path := openFile(t, "a.txt", "a")
	old := time.Now().Add(-time.Hour)
	look := func(want bool) {
		t.Helper()
		if got := f.(Looker).Look(); got != want {
			t.Errorf("changed: %v, want %v", got, want)
		}
		if _, err := f.Fetch(t.Context()); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Error(err)
		}
		if f.(Looker).Look() {
			t.Error("changed after it was read")
		}
	}
	change(t, path, "a", old)
	look(true)
	change(t, path, "ab", old)
	look(true) // size
	change(t, path, "cd", old.Add(time.Second))
	look(true) // time
	change(t, path+".new", "ef", old.Add(time.Second))
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	look(true) // another file
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	look(true)
	change(t, path, "ef", old)
	look(true)
}

func TestFileErrors(t *testing.T) {
	f, path := openFile(t, "a.txt", "a")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Fetch(t.Context()); !errors.Is(err, os.ErrNotExist) || strings.Contains(err.Error(), path) {
		t.Error(err)
	}
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Fetch(t.Context()); err == nil || err.Error() != "it is not a regular file" {
		t.Error(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	large, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := large.Truncate(MaxText + 1); err != nil { // a hole, no bytes on disk
		t.Fatal(err)
	}
	if err := large.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Fetch(t.Context()); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
	for _, options := range [][]dsl.Option{nil, {opt("path", "")}, {opt("path", "a"), opt("delimiter", "ab")}, {{Name: "path", EnvName: "WEIR_TEST_NO_SUCH_VARIABLE"}}} {
		if _, err := Files(FetcherConfig{Name: "names", Rules: "rules.cep", From: "file", Options: options}); err == nil || !strings.HasPrefix(err.Error(), "rules.cep: list names, option ") {
			t.Errorf("%v: %v", options, err)
		}
	}
}

// A list's file that is changed, spoilt, taken away and put back, looked at
// every second.
func TestFileIsFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rules := write(t, map[string]string{"n.txt": "1\n"})
		path := filepath.Join(filepath.Dir(rules), "n.txt")
		r, err := NewRefresher(RefresherConfig{Parser: NewParser(listOf(rules, intT, dsl.OpIn, "file", opt("path", "n.txt"))), Kinds: map[string]FetcherOpener{"file": Files}})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := r.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		j := &record{}
		end := run(t, r, j)
		const soon = 3 * time.Second
		pass(soon)
		j.want(t)
		change(t, path, "1\n2\n", time.Now())
		pass(soon)
		j.want(t, "1\n2\n")
		change(t, path, "1\n2\nthree\n", time.Now())
		pass(soon)
		j.want(t, "1\n2\n")
		if s := first(r); s.Failing != path+`:3: "three" is not int` || s.Rows != 2 || s.Errors != 1 {
			t.Errorf("%+v", s)
		}
		change(t, path, "1\n2\n", time.Now())
		pass(soon)
		if s := first(r); s.Failing != "" {
			t.Errorf("%+v", s)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		pass(soon)
		if s := first(r); s.Failing != path+": no such file or directory" || s.Rows != 2 {
			t.Errorf("%+v", s)
		}
		change(t, path, "3\n", time.Now())
		pass(soon)
		j.want(t, "1\n2\n", "3\n")
		// The same size and time, as if nothing had happened: found by the content.
		change(t, path, "4\n", time.Now().Add(-soon))
		pass(2 * time.Minute)
		j.want(t, "1\n2\n", "3\n", "4\n")
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}
