package app

import (
	"fmt"

	"github.com/weir-cep/weir/dsl"
)

// diagnose is what check and lint share.
type diagnose struct {
	Output string   `enum:"text,json" default:"text" help:"How to print findings: text or json."`
	Rules  []string `arg:"" help:"Rule files, or folders of them."`
}

type checkCmd struct{ diagnose }

func (checkCmd) Help() string {
	return "Exits with 2 if a rule does not compile.\n\nExample:\n  weir check rules/library"
}

func (c checkCmd) Run(s Streams) error {
	prog, ds, err := dsl.Load(dsl.Files, c.Rules...)
	if err != nil {
		return err
	}
	return c.finish(s, prog, only(ds, dsl.LevelError))
}

type lintCmd struct{ diagnose }

func (lintCmd) Help() string {
	return "Exits with 2 if a rule does not compile, with 1 if there are warnings. A comment \"# allow W203\"\non or above a rule silences a warning.\n\nExample:\n  weir lint rules/library"
}

func (c lintCmd) Run(s Streams) error {
	prog, ds, err := dsl.Load(dsl.Files, c.Rules...)
	if err != nil {
		return err
	}
	return c.finish(s, prog, ds)
}

// finish prints the findings and chooses the exit code.
func (c diagnose) finish(s Streams, prog *dsl.Program, ds dsl.Diagnostics) error {
	if c.Output == "json" {
		if ds == nil {
			ds = dsl.Diagnostics{}
		}
		if err := writeJSON(s.Out, ds); err != nil {
			return err
		}
	} else {
		fmt.Fprint(s.Out, ds.Text())
		if len(ds) > 0 {
			fmt.Fprintf(s.Err, "\n%s\n", summary(ds))
		} else {
			fmt.Fprintf(s.Err, "ok: %s, %s\n", plural(len(prog.Rules), "rule"), plural(len(prog.Tests), "test"))
		}
	}
	switch {
	case ds.HasErrors():
		return exitError(exitRules)
	case len(ds) > 0:
		return exitError(exitFindings)
	}
	return nil
}
