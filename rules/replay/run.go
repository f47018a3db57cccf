package replay

import (
	"fmt"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/engine"
	"github.com/weir-cep/weir/internal/expr"
)

// Result is the outcome of one test.
type Result struct {
	Test     *dsl.TestIR
	Problems []string     // empty: passed
	Alerts   []*cep.Alert // of the rule under test
}

// Passed says whether the alerts were exactly the expected ones.
func (r *Result) Passed() bool { return len(r.Problems) == 0 }

// Run runs one test of a program. The rule under test runs with every rule
// whose alerts it reads, with the production machines. The error is about the
// test's set-up; a failed expectation is in the result.
func Run(prog *dsl.Program, test *dsl.TestIR) (*Result, error) {
	return run(prog, test, nil)
}

func run(prog *dsl.Program, test *dsl.TestIR, trace *engine.Trace) (*Result, error) {
	sub := *prog
	sub.Rules = underTest(test)
	res := &Result{Test: test}
	lookups, fixed, err := fixes(&sub, test)
	if err != nil {
		return nil, err
	}
	e, err := engine.New(&sub, engine.Config{
		Lookups: lookups,
		Fixed:   fixed,
		Trace:   trace,
		Emit: func(alerts []*cep.Alert) error {
			for _, a := range alerts {
				if a.Rule == test.Rule.Name {
					res.Alerts = append(res.Alerts, a)
				}
			}
			return nil
		},
	})
	if err != nil {
		return nil, fmt.Errorf("test %q: %w", test.Name, err)
	}
	if err := e.Feed(batch(test)); err != nil {
		return nil, fmt.Errorf("test %q: %w", test.Name, err)
	}
	if err := e.EndAt(Start + test.End); err != nil {
		return nil, fmt.Errorf("test %q: %w", test.Name, err)
	}
	res.Problems = compare(test, res.Alerts)
	return res, nil
}

// underTest is the rule and every rule whose alerts it reads. A rule that is
// off is tested as if it were live.
func underTest(test *dsl.TestIR) []*dsl.RuleIR {
	var rules []*dsl.RuleIR
	for _, r := range test.Rules {
		live := *r
		live.Status = dsl.Live
		rules = append(rules, &live)
	}
	return rules
}

// fixes are the values that the test's "with" lines give.
func fixes(prog *dsl.Program, test *dsl.TestIR) (*expr.Lookups, []engine.FixedFeature, error) {
	l, err := engine.ProgramLookups(prog)
	if err != nil {
		return nil, nil, err
	}
	var fixed []engine.FixedFeature
	rows := map[*dsl.TableIR]bool{}
	for i := range test.With {
		w := &test.With[i]
		switch {
		case w.Param != nil:
			l.Params[w.Param.Index] = expr.NewParam(w.Value)
		case w.List != nil:
			list, err := engine.NewList(prog, w.List, w.Value.List)
			if err != nil {
				return nil, nil, fmt.Errorf("list %s: %w", w.List.Name, err)
			}
			l.Lists[w.List.Index] = list
		case w.Table != nil:
			if !rows[w.Table] {
				rows[w.Table] = true
				l.Tables[w.Table.Index] = expr.NewTable(w.Table.Key, w.Table.Cols)
			}
			l.Tables[w.Table.Index].Set(w.Key[0], w.Row)
		case w.Feature != nil:
			fixed = append(fixed, engine.FixedFeature{Feature: w.Feature, Item: w.Item, Key: w.Key, Value: w.Value})
		}
	}
	return l, fixed, nil
}
