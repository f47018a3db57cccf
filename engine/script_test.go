package engine

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/decode"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the expected alerts in testdata")

// script is a file of testdata: rules, events and the alerts that must come.
// Several events files are partitions 0, 1, … of one source. The comment at
// its head may hold lines "drain" and "arrival".
type script struct {
	path    string
	archive *txtar.Archive
	prog    *dsl.Program
	events  []string
	want    string
	drain   Drain
	arrival bool
}

func readScript(t testing.TB, path string) *script {
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := &script{path: path, archive: txtar.Parse(data)}
	for _, line := range strings.Split(string(s.archive.Comment), "\n") {
		switch line {
		case "drain":
			s.drain = EveryDeadline
		case "arrival":
			s.arrival = true
		}
	}
	rules := ""
	for _, f := range s.archive.Files {
		switch {
		case strings.HasSuffix(f.Name, ".cep"):
			rules += string(f.Data)
		case strings.HasPrefix(f.Name, "events"):
			s.events = append(s.events, string(f.Data))
		case f.Name == "alerts":
			s.want = string(f.Data)
		}
	}
	s.prog = compile(t, rules)
	return s
}

// compile compiles one rule file.
func compile(t testing.TB, text string) *dsl.Program {
	file, diags := dsl.Parse("rules.cep", []byte(text))
	var prog *dsl.Program
	if !diags.HasErrors() {
		var more dsl.Diagnostics
		prog, more = dsl.Check(os.DirFS("."), file)
		diags = append(diags, more...)
	}
	if diags.HasErrors() {
		t.Fatalf("rules: %v", diags)
	}
	return prog
}

// decodeLines decodes lines of NDJSON as one batch of a partition.
func decodeLines(t testing.TB, prog *dsl.Program, lines []string, partition uint32, first uint64) *cep.Batch {
	b, dead := decodeSome(t, prog, lines, partition, first)
	if len(dead) > 0 {
		t.Fatalf("event rejected: %s: %s: %s", dead[0].Reason, dead[0].Detail, dead[0].Raw)
	}
	return b
}

// decodeSome is decodeLines for lines that may not all be events.
func decodeSome(t testing.TB, prog *dsl.Program, lines []string, partition uint32, first uint64) (*cep.Batch, []decode.DeadLetter) {
	schemas := Reads(prog)
	need := Need(prog)
	cfg := decode.Config{Schemas: schemas, Zone: prog.Zone}
	for _, s := range schemas {
		for i, other := range prog.Schemas {
			if s == other {
				cfg.Need = append(cfg.Need, need[i])
			}
		}
	}
	d, err := decode.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	b := &cep.Batch{}
	var res decode.Result
	d.Decode([]byte(strings.Join(lines, "\n")), b, &res)
	b.Rebase(0, partition, first)
	return b, res.Dead
}

func lines(text string) []string {
	var out []string
	for _, l := range strings.Split(text, "\n") {
		if l != "" && !strings.HasPrefix(l, "#") {
			out = append(out, l)
		}
	}
	return out
}

// run feeds the events in batches of so many rows, partition by partition in
// turns, and returns the alerts as lines.
func (s *script) run(t testing.TB, shards, rows int) string {
	var out []byte
	cfg := Config{Shards: shards, Arrival: s.arrival, Emit: func(alerts []*cep.Alert) error {
		for _, a := range alerts {
			out = append(a.AppendJSON(out), '\n')
		}
		return nil
	}}
	var parts [][]string
	for i, ev := range s.events {
		cfg.Inputs = append(cfg.Inputs, Input{Partition: uint32(i)})
		parts = append(parts, lines(ev))
	}
	e, err := New(s.prog, cfg)
	if err != nil {
		t.Fatal(err)
	}
	fed := make([]int, len(parts))
	for open := len(parts); open > 0; {
		for i, p := range parts {
			if fed[i] > len(p) {
				continue
			}
			n := min(rows, len(p)-fed[i])
			if n == 0 {
				fed[i]++
				open--
				if err := e.Finish(0, uint32(i)); err != nil {
					t.Fatal(err)
				}
				continue
			}
			if err := e.Feed(decodeLines(t, s.prog, p[fed[i]:fed[i]+n], uint32(i), uint64(fed[i]))); err != nil {
				t.Fatal(err)
			}
			fed[i] += n
		}
	}
	if err := e.End(s.drain); err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestScripts runs every script, and again with other numbers of shards and
// sizes of batches: not a byte may change.
func TestScripts(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			s := readScript(t, path)
			got := s.run(t, 1, 4096)
			if *rewrite {
				s.rewrite(t, got)
			} else if short(got) != s.want {
				t.Errorf("alerts differ\ngot:\n%swant:\n%s", short(got), s.want)
			}
			for _, shards := range []int{1, 2, 3, 7} {
				for _, rows := range []int{1, 7, 4096} {
					if again := s.run(t, shards, rows); again != got {
						t.Errorf("%d shards, batches of %d rows\ngot:\n%swant:\n%s", shards, rows, again, got)
					}
				}
			}
		})
	}
}

// short leaves the ids and versions out, which are hashes that say nothing to
// a reader.
func short(alerts string) string {
	var out bytes.Buffer
	for _, line := range strings.Split(strings.TrimSuffix(alerts, "\n"), "\n") {
		if line == "" {
			continue
		}
		_, rest, _ := strings.Cut(line, `,"rule"`)
		before, after, _ := strings.Cut(rest, `,"version":"`)
		_, after, _ = strings.Cut(after, `"`)
		fmt.Fprintf(&out, "{\"rule\"%s%s\n", before, after)
	}
	return out.String()
}

func (s *script) rewrite(t *testing.T, got string) {
	for i := range s.archive.Files {
		if s.archive.Files[i].Name == "alerts" {
			s.archive.Files[i].Data = []byte(short(got))
			if err := os.WriteFile(s.path, txtar.Format(s.archive), 0o644); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("%s has no file called alerts", s.path)
}
