package engine_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestLinks: a program that embeds the engine links no connector and no server.
func TestLinks(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, dep := range strings.Fields(string(out)) {
		for _, bad := range []string{"kafka", "redis", "gorilla", "weir/server", "weir/alerts", "net/http/pprof"} {
			if strings.Contains(dep, bad) {
				t.Errorf("%s is linked", dep)
			}
		}
	}
}

// TestEmbeddingPage: the page shows the example that runs as a test.
func TestEmbeddingPage(t *testing.T) {
	page, err := os.ReadFile("../docs/embedding.md")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, program, ok := strings.Cut(string(text), "import (")
	if !ok || !strings.Contains(string(page), "import ("+strings.TrimRight(program, "\n")) {
		t.Error("docs/embedding.md does not show engine/example_test.go as it is")
	}
}
