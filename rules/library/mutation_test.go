package library

import (
	"bytes"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/rules/replay"
)

// sound lists the thresholds that no test can tell from their neighbours, with
// the reason: rule, number as written, and its place among the rule's numbers.
var sound = map[string]string{
	"rule spend_anomaly 0 #1": "a card without a z-score has too few payments for the rule anyway",
}

// TestThresholds changes every number of every rule, and every param and
// feature that rules read, by the least step up and down; some test of a rule
// that reads it must fail.
func TestThresholds(t *testing.T) {
	prog := compile(t, Files, ruleFiles(t)...)
	mutants, survivors := 0, 0
	for _, name := range ruleFiles(t) {
		text, err := fs.ReadFile(Files, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range numbers(t, name, text) {
			for _, repl := range n.steps() {
				mutants++
				mutated := bytes.Join([][]byte{text[:n.span.Start], []byte(repl), text[n.span.End:]}, nil)
				if caught(t, prog, name, n, mutated) || sound[n.String()] != "" {
					continue
				}
				survivors++
				t.Errorf("%s: %s: no test fails with %s in the place of %s", name, n, repl, n.text)
			}
		}
	}
	if mutants < 150 {
		t.Errorf("only %d mutants: the numbers of the rules were not found", mutants)
	}
	t.Logf("%d mutants, %d not caught", mutants, survivors)
}

func ruleFiles(t *testing.T) []string {
	t.Helper()
	var names []string
	err := fs.WalkDir(Files, ".", func(p string, d fs.DirEntry, err error) error {
		if strings.HasSuffix(p, ".cep") {
			names = append(names, p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func compile(t *testing.T, fsys fs.FS, names ...string) *dsl.Program {
	t.Helper()
	prog, ds, err := dsl.Load(fsys, names...)
	if err != nil {
		t.Fatal(err)
	}
	if ds.HasErrors() {
		t.Fatal(ds.Text())
	}
	return prog
}

// number is a numeric literal of a rule, param or feature.
type number struct {
	decl  string // "rule card_testing", "param max_test_amount", "feature spend"
	place int    // among the numbers of the declaration
	lit   *dsl.Lit
	text  string
	span  dsl.Span
}

func (n number) String() string { return fmt.Sprintf("%s %s #%d", n.decl, n.text, n.place) }

// steps are the literal's neighbours: the least change that the language of
// thresholds knows, a second, a cent, a hundredth, one.
func (n number) steps() []string {
	switch n.lit.Kind {
	case dsl.LitInt:
		return []string{fmt.Sprint(n.lit.Int - 1), fmt.Sprint(n.lit.Int + 1)}
	case dsl.LitNumber:
		return []string{fmt.Sprintf("%.4f", n.lit.Float*0.99), fmt.Sprintf("%.4f", n.lit.Float*1.01)}
	case dsl.LitPercent:
		return []string{fmt.Sprintf("%g%%", 100*n.lit.Float-1), fmt.Sprintf("%g%%", 100*n.lit.Float+1)}
	case dsl.LitMoney:
		return []string{cents(n.lit.Int-10_000, n.lit.Currency), cents(n.lit.Int+10_000, n.lit.Currency)}
	case dsl.LitDuration:
		s := n.lit.Int / 1e9
		return []string{fmt.Sprintf("%ds", s-1), fmt.Sprintf("%ds", s+1)}
	}
	return nil
}

func cents(millionths int64, currency string) string {
	sign := ""
	if millionths < 0 {
		sign, millionths = "0.00 "+currency+" - ", -millionths
	}
	return fmt.Sprintf("%s%d.%02d %s", sign, millionths/1_000_000, millionths/10_000%100, currency)
}

// numbers finds the literals of the rules, params, consts and features of a
// file. Texts, meta and labels hold none that decide anything.
func numbers(t *testing.T, name string, text []byte) (all []number) {
	t.Helper()
	file, ds := dsl.Parse(name, text)
	if ds.HasErrors() {
		t.Fatal(ds.Text())
	}
	for _, d := range file.Decls {
		decl := ""
		switch d := d.(type) {
		case *dsl.RuleDecl:
			decl = "rule " + d.Name.Name
		case *dsl.ParamDecl:
			decl = "param " + d.Name.Name
		case *dsl.FeatureDecl:
			decl = "feature " + d.Name.Name
		case *dsl.ConstDecl:
			decl = "const " + d.Name.Name
		default:
			continue
		}
		lits := dsl.Literals(file.Source, d.DeclSpan())
		if strings.HasPrefix(decl, "param ") {
			lits = lits[:1] // the default; min and max bound what a user may set
		}
		for i, lit := range lits {
			all = append(all, number{decl: decl, place: i, lit: lit, text: lit.Text, span: lit.Span})
		}
	}
	return all
}

// caught says whether a test fails, or the rules do not compile, with a file's
// text replaced.
func caught(t *testing.T, prog *dsl.Program, name string, n number, text []byte) bool {
	t.Helper()
	overlay := fstest.MapFS{}
	for _, f := range ruleFiles(t) {
		data, err := fs.ReadFile(Files, f)
		if err != nil {
			t.Fatal(err)
		}
		overlay[f] = &fstest.MapFile{Data: data}
	}
	overlay[name] = &fstest.MapFile{Data: text}
	files := ruleFiles(t)
	rule, own := strings.CutPrefix(n.decl, "rule ")
	if own {
		files = []string{name}
	}
	mutant, ds, err := dsl.Load(overlay, files...)
	if err != nil {
		t.Fatal(err)
	}
	if ds.HasErrors() {
		return true
	}
	for _, test := range mutant.Tests {
		if own && test.Rule.Name != rule {
			continue
		}
		res, err := replay.Run(mutant, test)
		if err != nil {
			t.Fatal(err)
		}
		if !res.Passed() {
			return true
		}
	}
	return false
}

// TestLibrary runs the library's own tests.
func TestLibrary(t *testing.T) {
	prog := compile(t, Files, ruleFiles(t)...)
	tested := map[string]bool{}
	for _, test := range prog.Tests {
		tested[test.Rule.Name] = true
		res, err := replay.Run(prog, test)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range res.Problems {
			t.Errorf("%q for %s: %s", test.Name, test.Rule.Name, p)
		}
	}
	for _, r := range prog.Rules {
		if !tested[r.Name] {
			t.Errorf("rule %s has no test", r.Name)
		}
	}
}
