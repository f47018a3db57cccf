package dsl

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// TestPages keeps the generated pages of the documentation in step with the
// tables that they are made of. -rewrite writes them.
func TestPages(t *testing.T) {
	for path, text := range map[string]string{
		"../docs/functions.md": functionsPage(),
		"../docs/codes.md":     codesPage(),
	} {
		if *rewrite {
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		have, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(have, []byte(text)) {
			t.Errorf("%s is not what the table gives; go test ./dsl -run TestPages -rewrite", path)
		}
	}
}

// The page on webhooks has a row for every option.
func TestPageOfWebhooks(t *testing.T) {
	text, err := os.ReadFile("../docs/webhooks.md")
	if err != nil {
		t.Fatal(err)
	}
	for name := range sinkKinds["webhook"] {
		if !strings.Contains(string(text), "\n| `"+name+"` |") {
			t.Errorf("docs/webhooks.md lacks the option %s", name)
		}
	}
}

func functionsPage() string {
	var b strings.Builder
	b.WriteString("# Functions\n\nMade from the catalogue in `dsl`, whose examples are run by a test. Aggregates (`count() over last 5m`) are\n")
	b.WriteString("described in [language.md](language.md).\n")
	for _, f := range Functions() {
		b.WriteString("\n## " + f.Name + "\n\n    " + f.Signature + "\n\n" + sentence(f.Doc) + " Missing argument: " + f.Missing + ".\n\n")
		for _, e := range f.Examples {
			b.WriteString("    " + e.Expr + "   # " + e.Value + "\n")
		}
	}
	return b.String()
}

// sentence gives a text a capital and a full stop.
func sentence(s string) string {
	s = strings.ToUpper(s[:1]) + s[1:]
	if !strings.HasSuffix(s, ".") {
		s += "."
	}
	return s
}

func codesPage() string {
	var b strings.Builder
	b.WriteString("# Codes of errors and warnings\n\nMade from the table in `dsl`; a test compiles every example. `weir explain E105` prints one page with its message.\n")
	for _, c := range Codes {
		b.WriteString("\n## " + c.ID + ": " + c.Title + "\n\n" + c.Text + "\n\n```text\n" + strings.TrimSpace(c.Wrong) + "\n```\n\nMeant:\n\n```text\n" + strings.TrimSpace(c.Right) + "\n```\n")
	}
	return b.String()
}
