package app

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// block is a fenced block of a page: ```cep file=NAME [append], ```csv
// file=NAME, or ```console with commands and what they print.
type block struct {
	kind, file string
	append     bool
	line       int
	text       string
}

var fence = regexp.MustCompile("^```(\\w+)(?: file=(\\S+))?( append)?\\s*$")

func blocks(t *testing.T, page string) (all []block) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	for i := 0; i < len(lines); i++ {
		m := fence.FindStringSubmatch(lines[i])
		if m == nil {
			continue
		}
		b := block{kind: m[1], file: m[2], append: m[3] != "", line: i + 1}
		for i++; i < len(lines) && lines[i] != "```"; i++ {
			b.text += lines[i] + "\n"
		}
		all = append(all, b)
	}
	return all
}

// TestDocs runs the examples of the pages: files are written, commands run,
// and what they print is compared. An "…" stands for anything.
func TestDocs(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	pages = append(pages, "../../README.md")
	ran := 0
	for i, page := range pages {
		abs, err := filepath.Abs(page)
		if err != nil {
			t.Fatal(err)
		}
		pages[i] = abs
	}
	root := filepath.Dir(filepath.Dir(pages[0]))
	for _, page := range pages {
		t.Run(filepath.Base(page), func(t *testing.T) {
			dir := t.TempDir()
			if err := os.Symlink(filepath.Join(root, "rules"), filepath.Join(dir, "rules")); err != nil {
				t.Fatal(err)
			}
			t.Chdir(dir)
			for _, b := range blocks(t, page) {
				switch {
				case b.file != "":
					writeBlock(t, b)
				case b.kind == "console":
					ran += runConsole(t, page, b)
				}
			}
		})
	}
	if ran < 5 {
		t.Errorf("only %d commands were found in the pages", ran)
	}
}

func writeBlock(t *testing.T, b block) {
	t.Helper()
	var before []byte
	if b.append {
		var err error
		if before, err = os.ReadFile(b.file); err != nil {
			t.Fatal(err)
		}
		before = append(before, '\n')
	}
	if err := os.WriteFile(b.file, append(before, b.text...), 0o644); err != nil {
		t.Fatal(err)
	}
}

// runConsole runs the "$ weir …" lines of a block and compares standard output.
func runConsole(t *testing.T, page string, b block) (ran int) {
	t.Helper()
	for _, part := range strings.Split("\n"+b.text, "\n$ ")[1:] {
		command, want, _ := strings.Cut(part, "\n")
		args, ok := strings.CutPrefix(command, "weir ")
		if !ok {
			continue
		}
		ran++
		var out, errs bytes.Buffer
		Main(strings.Fields(args), Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
		if !like(out.String(), want) {
			t.Errorf("%s:%d: weir %s printed\n%s\nnot\n%s\nstandard error: %s", filepath.Base(page), b.line, args, out.String(), want, errs.String())
		}
	}
	return ran
}

// like compares a text with a pattern in which … stands for any text.
func like(got, pattern string) bool {
	pieces := strings.Split(strings.TrimRight(pattern, "\n"), "…")
	for i := range pieces {
		pieces[i] = regexp.QuoteMeta(pieces[i])
	}
	return regexp.MustCompile(`(?s)\A` + strings.Join(pieces, ".*") + `\z`).MatchString(strings.TrimRight(got, "\n"))
}
