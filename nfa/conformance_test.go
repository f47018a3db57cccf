package nfa

import (
	"bytes"
	"compress/gzip"
	flags "flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/weir-cep/weir/dsl"
)

// The recorded cases of FlinkCEP and of an EQL engine. Each becomes rule text,
// goes through the parser and the checker, and runs on the machines; the
// machines must give the reference's matches exactly, and both the recorded
// answer, unless testdata/conformance/differences.txt lists the case.

const casesDir = "testdata/conformance"

var casesFlag = flags.String("nfa.cases", "", "a folder of further cases, in the formats of testdata/conformance, to compare and report")

// readCases reads a file of cases, gzipped or not.
func readCases(name string) ([]byte, error) {
	text, err := os.ReadFile(name)
	if err != nil || !strings.HasSuffix(name, ".gz") {
		return text, err
	}
	z, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// readDifferences reads the deliberate differences: "id<tab>reason" a line.
func readDifferences(t *testing.T) map[string]string {
	text, err := os.ReadFile(filepath.Join(casesDir, "differences.txt"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		id, why, ok := strings.Cut(line, "\t")
		if !ok {
			t.Fatalf("differences.txt: no reason in %q", line)
		}
		out[id] = why
	}
	return out
}

// score counts how cases came out.
type score struct {
	cases, equal, matches, timeouts int
	unspelled                       map[string]int // by reason
	differ                          []string       // ids
	without                         []string       // id, tab, reason of those without a spelling
}

func (s *score) String() string {
	var why []string
	for w, n := range s.unspelled {
		why = append(why, fmt.Sprintf("%d %s", n, w))
	}
	sort.Strings(why)
	return fmt.Sprintf("%d cases, %d equal with %d matches, %d differ; not spelled: %s", s.cases, s.equal, s.matches, len(s.differ), strings.Join(why, ", "))
}

// verdict is the outcome of one case.
type verdict struct {
	want, got []string
	rule      string
	events    string
}

func (v *verdict) String() string {
	return fmt.Sprintf("%s  events:%s\n  recorded: %q\n  weir:     %q", v.rule, v.events, v.want, v.got)
}

// flinkVerdict runs one case; the error is a disagreement within Weir.
func flinkVerdict(b *workbench, c *flinkCase, r *dsl.RuleIR) (*verdict, error) {
	v := &verdict{want: flinkAnswer(c), rule: ruleText(r)}
	es := flinkStream(c, r.Routes[0].Schema)
	for i, e := range es {
		v.events += fmt.Sprintf(" %d:%s@%d", i, c.Events[i].Name, e.at/ms)
	}
	var want []refMatch
	ref := newReference(r, func(m refMatch) { want = append(want, m) })
	for _, d := range c.drives(es) {
		if d.e == nil {
			ref.advance(d.at)
		} else {
			ref.event(d.e)
		}
	}
	for _, m := range want {
		v.got = append(v.got, stagesOf(c, r, m))
	}
	sort.Strings(v.got)
	checked, err := checkedRule(tickText("Tick") + v.rule)
	if err != nil {
		return v, err
	}
	prog, err := Compile(checked, time.UTC)
	if err != nil {
		return v, err
	}
	for _, mk := range []makeMachine{generalMachine, bestMachine} {
		got := runDrives(b, prog, mk, c.drives(retype(r, checked, es)))
		if len(got.faults) > 0 || !sameMatches(want, got.matches) {
			return v, fmt.Errorf("the machine differs from the reference:%s\n  machine:%s\n  faults %q", matchesText(want), matchesText(got.matches), got.faults)
		}
	}
	return v, nil
}

// runDrives feeds events and clock as the case says.
func runDrives(b *workbench, p *Prog, mk makeMachine, ds []drive) *answer {
	var es []*refEvent
	for _, d := range ds {
		if d.e != nil {
			es = append(es, d.e)
		}
	}
	slices.SortFunc(es, func(a, b *refEvent) int { return a.seq - b.seq })
	r := newRunner(b, p, mk(p, b.mem, b.syms, wideOpen), es)
	for _, d := range ds {
		if d.e == nil {
			r.advance(d.at)
		} else {
			r.event(d.e)
		}
	}
	return r.finish()
}

// runFlink scores a list of cases; report is called for those that differ.
func runFlink(t *testing.T, cases []*flinkCase, report func(c *flinkCase, v *verdict)) *score {
	s := &score{unspelled: map[string]int{}}
	b := newWorkbench()
	tick := tickSchema("Tick")
	for _, c := range cases {
		s.cases++
		if !c.asked() {
			s.unspelled["Flink fails"]++
			s.without = append(s.without, c.ID+"\tFlink fails")
			continue
		}
		r, why := spelled(c, tick)
		if r == nil {
			s.unspelled[why]++
			s.without = append(s.without, c.ID+"\t"+why)
			continue
		}
		v, err := flinkVerdict(b, c, r)
		if err != nil {
			t.Errorf("%s: %v\n%v", c.ID, err, v)
			continue
		}
		if !slices.Equal(v.want, v.got) {
			s.differ = append(s.differ, c.ID)
			report(c, v)
			continue
		}
		s.equal++
		s.matches += len(v.want)
	}
	return s
}

// TestFlink: every recorded case is equal or listed, and no listed one is equal.
func TestFlink(t *testing.T) {
	listed := readDifferences(t)
	without := []string{"# Recorded FlinkCEP cases that have no spelling in the rule language: the case's id, a tab, why."}
	defer func() { checkUnspelled(t, without) }()
	for _, name := range []string{"suite", "random", "docs", "sql_docs"} {
		t.Run(name, func(t *testing.T) {
			text, err := readCases(filepath.Join(casesDir, "flink-"+name+".jsonl.gz"))
			if err != nil {
				t.Fatal(err)
			}
			cases, err := readFlink(text)
			if err != nil {
				t.Fatal(err)
			}
			s := runFlink(t, cases, func(c *flinkCase, v *verdict) {
				if listed[c.ID] == "" {
					t.Errorf("%s differs: %s\n%v", c.ID, c.Note, v)
				}
			})
			for _, c := range cases {
				if listed[c.ID] != "" && !slices.Contains(s.differ, c.ID) {
					t.Errorf("%s is listed as different, but is equal", c.ID)
				}
			}
			t.Log(s)
			without = append(without, s.without...)
		})
	}
}

// checkUnspelled holds the list of cases without a spelling to the file of
// them; -rewrite writes it.
func checkUnspelled(t *testing.T, lines []string) {
	path := filepath.Join(casesDir, "unspelled.txt")
	text := strings.Join(lines, "\n") + "\n"
	if *rewrite {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != text {
		t.Errorf("%s lists other cases; go test ./nfa -run TestFlink -rewrite", path)
	}
}

// TestMoreCases compares the cases of a folder and reports the differences: it
// fails only where the machines and the reference disagree.
func TestMoreCases(t *testing.T) {
	if *casesFlag == "" {
		return
	}
	files, err := filepath.Glob(filepath.Join(*casesFlag, "*.jsonl*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases in %s: %v", *casesFlag, err)
	}
	for _, f := range files {
		text, err := readCases(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(strings.SplitN(string(text), "\n", 2)[0], "\"sequence\"") {
			cases, err := readEQL(text)
			if err != nil {
				t.Fatalf("%s: %v", f, err)
			}
			equal, matches := 0, 0
			for _, c := range cases {
				v, err := eqlVerdict(newWorkbench(), c)
				switch {
				case err != nil:
					t.Errorf("%s: %v", c.ID, err)
				case !slices.Equal(v.want, v.got):
					t.Logf("%s differs\n%v", c.ID, v)
				default:
					equal++
					matches += len(v.want)
				}
			}
			t.Logf("%s: %d cases, %d equal with %d matches", f, len(cases), equal, matches)
			continue
		}
		cases, err := readFlink(text)
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		s := runFlink(t, cases, func(c *flinkCase, v *verdict) { t.Logf("%s differs: %s\n%v", c.ID, c.Note, v) })
		t.Logf("%s: %v", f, s)
	}
}
