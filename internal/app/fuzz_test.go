package app

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weir-cep/weir/engine"
)

// What is guessed from any file is a rule file that compiles and reads all that
// it was guessed from, or the file is refused.
func FuzzTry(f *testing.F) {
	for _, seed := range []string{
		"When;Card;Sum\n01.03.2026 10:00:00;c1;\"1.234,50\"\n01.03.2026 10:01:00;c1;2,50\n",
		`{"a":{"ts":1772359200},"id":"x1","n":1}` + "\n" + `{"a":{"ts":1772359190},"id":"x2","n":2.5}` + "\n",
		`{"type":"order.created","ts":1772359200,"l":["a"]}` + "\n" + `{"type":"2","ts":1772359200,"l":[{"a":1}]}` + "\n",
		"ts,note\n2026-03-01T10:00:00Z,\"two\nlines\"\n",
		"\xef\xbb\xbf[1]", "{\n", "a\tb\n1\t2\n", `{"":0,"as":"by","time":1772359200}`,
	} {
		f.Add([]byte(seed))
	}
	file := filepath.Join(f.TempDir(), "events")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := readSample(file)
		if err != nil {
			return
		}
		d, err := declaration(file, s, guesses(s))
		if err != nil {
			return
		}
		if _, err := engine.RuleText("guessed.cep", d.text).Compile(); err != nil {
			t.Fatalf("%v\n%s", err, d.text)
		}
		if s.broken > 0 || s.dropped > 0 || !s.whole {
			return
		}
		var out, errs bytes.Buffer
		if err := (tryCmd{File: file}).check(t.Context(), Streams{Out: &out, Err: &errs}, s, &d); err != nil {
			t.Fatalf("%v\n%s%s", err, d.text, errs.String())
		}
		if strings.Contains(out.String(), "rejected") {
			t.Errorf("what is guessed refuses what it is guessed from:\n%s%s", d.text, out.String())
		}
	})
}
