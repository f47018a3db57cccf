package dsl

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// expected finds the comments that say what is wrong on a line:
// # ERROR E103 `part of the message`, # WARN W203 `…`, several on one line.
var expected = regexp.MustCompile("(ERROR|WARN) ([EW]\\d{3}) `([^`]*)`")

// TestCheckScripts compiles the rule files of testdata/check and compares what
// is found with the comments in them, line by line. That a rule has no test
// (W209) counts only where a file says so.
func TestCheckScripts(t *testing.T) {
	fsys := os.DirFS("testdata")
	names, err := fs.Glob(fsys, "check/*.cep")
	if err != nil || len(names) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(path.Base(name), ".cep"), func(t *testing.T) {
			text, err := fs.ReadFile(fsys, name)
			if err != nil {
				t.Fatal(err)
			}
			compareFindings(t, fsys, name, text)
		})
	}
}

// compareFindings checks one file against its comments.
func compareFindings(t *testing.T, fsys fs.FS, name string, text []byte) {
	f, ds := Parse(name, text)
	_, more := Check(fsys, f)
	ds = append(ds, more...)
	type want struct {
		code, message string
		found         bool
	}
	wants := map[int][]*want{}
	for i, line := range strings.Split(string(text), "\n") {
		_, comment, _ := strings.Cut(line, "# ")
		for _, m := range expected.FindAllStringSubmatch(comment, -1) {
			wants[i+1] = append(wants[i+1], &want{code: m[2], message: m[3]})
		}
	}
	for _, d := range ds {
		if d.Source != f.Source {
			t.Errorf("in another file:\n%s", d.Text())
			continue
		}
		line, _ := d.Source.Position(d.Span.Start)
		ok := d.Code == "W209" && !slices.ContainsFunc(wants[line], func(w *want) bool { return w.code == "W209" })
		for _, w := range wants[line] {
			if !w.found && w.code == d.Code && strings.Contains(d.Message, w.message) {
				w.found, ok = true, true
				break
			}
		}
		if !ok {
			t.Errorf("not expected:\n%s", d.Text())
		}
	}
	for line, ws := range wants {
		for _, w := range ws {
			if !w.found {
				t.Errorf("%s:%d: %s %q was not reported", name, line, w.code, w.message)
			}
		}
	}
}
