package nfa

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// The archives in testdata/dumps hold a rule, what it compiles to, what explain
// says and the two graphs.
func TestDumps(t *testing.T) {
	files, _ := filepath.Glob("testdata/dumps/*.txtar")
	if len(files) == 0 {
		t.Fatal("no dumps")
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txtar"), func(t *testing.T) {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			a := txtar.Parse(data)
			p := compileText(t, scriptDecls+string(a.Files[0].Data))
			e := p.Explain(Limits{})
			got := []txtar.File{
				a.Files[0],
				{Name: "program", Data: []byte(p.String())},
				{Name: "explain", Data: fmt.Appendf(nil, "%s\n%s\n%d bytes: %s\n%s order\n", e.Class, e.Cost, e.State.Bytes, e.State.Text, e.Order)},
				{Name: "dot", Data: []byte(e.Graph.Dot())},
				{Name: "mermaid", Data: []byte(e.Graph.Mermaid())},
			}
			want := string(data)
			text := string(txtar.Format(&txtar.Archive{Comment: a.Comment, Files: got}))
			if text == want {
				return
			}
			if *rewrite {
				if err := os.WriteFile(f, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			t.Errorf("%s differs; run with -rewrite and read the difference\n%s", f, text)
		})
	}
}
