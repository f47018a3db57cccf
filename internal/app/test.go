package app

import (
	"fmt"

	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/rules/replay"
)

type testCmd struct {
	Output string   `enum:"text,json" default:"text" help:"How to print results: text or json."`
	Rules  []string `arg:"" help:"Rule files, or folders of them."`
}

func (testCmd) Help() string {
	return "Runs the tests of the files with the machines that run in production. Exits with 1 if a test fails.\n\nExample:\n  weir test rules/library"
}

// testResult is the JSON form of a result.
type testResult struct {
	Test     string   `json:"test"`
	Rule     string   `json:"rule"`
	File     string   `json:"file"`
	Line     int      `json:"line"`
	Passed   bool     `json:"passed"`
	Problems []string `json:"problems,omitempty"`
	Why      []string `json:"why,omitempty"`
}

func (c testCmd) Run(s Streams) error {
	prog, err := load(s, c.Rules)
	if err != nil {
		return err
	}
	if len(prog.Tests) == 0 {
		fmt.Fprintln(s.Err, `no tests in these files; a test is written: test "name" for rule { given … expect … }`)
		return nil
	}
	var results []testResult
	failed := 0
	for _, t := range prog.Tests {
		r, err := c.one(prog, t)
		if err != nil {
			return err
		}
		if !r.Passed {
			failed++
			if c.Output == "text" {
				printFailure(s, r)
			}
		}
		results = append(results, r)
	}
	if c.Output == "json" {
		if err := writeJSON(s.Out, results); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(s.Out, "%d passed, %d failed\n", len(results)-failed, failed)
	}
	if failed > 0 {
		return exitError(exitFindings)
	}
	return nil
}

func (c testCmd) one(prog *dsl.Program, t *dsl.TestIR) (testResult, error) {
	res, err := replay.Run(prog, t)
	if err != nil {
		return testResult{}, err
	}
	line, _ := t.File.Position(t.Span.Start)
	out := testResult{Test: t.Name, Rule: t.Rule.Name, File: t.File.Name, Line: line, Passed: res.Passed(), Problems: res.Problems}
	if !res.Passed() {
		out.Why, err = replay.Why(prog, res)
	}
	return out, err
}

func printFailure(s Streams, r testResult) {
	fmt.Fprintf(s.Out, "test failed: %q for %s        %s:%d\n", r.Test, r.Rule, r.File, r.Line)
	for _, p := range r.Problems {
		fmt.Fprintf(s.Out, "   %s\n", p)
	}
	for _, w := range r.Why {
		fmt.Fprintf(s.Out, "   %s\n", w)
	}
	fmt.Fprintln(s.Out)
}
