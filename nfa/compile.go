package nfa

import (
	"fmt"
	"time"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/expr"
)

// compiler builds a Prog. Equal predicates and equal tests get one number.
type compiler struct {
	*Prog
	x     expr.Compiler
	preds map[string]int
	tests map[string]int
	err   error
}

// Compile turns a rule with a pattern into a program. zone is the rule file's
// time zone.
func Compile(r *dsl.RuleIR, zone *time.Location) (*Prog, error) {
	if r.Pattern == nil {
		return nil, fmt.Errorf("compile %s: the rule has no pattern", r.Name)
	}
	if s := r.Pattern.Steps; len(s) > 0 && s[0].Kind == dsl.StepNo {
		return nil, fmt.Errorf("compile %s: a pattern can't begin with no", r.Name)
	}
	c := &compiler{Prog: &Prog{Rule: r}, preds: map[string]int{}, tests: map[string]int{}}
	for _, b := range r.Bindings {
		c.Layout.Captures = append(c.Layout.Captures, expr.NewCapture(b.Schema, b.Captures))
	}
	c.x = expr.Compiler{Layout: c.Layout, Zone: zone}
	if r.Pattern.Where != nil {
		c.Where = c.cond(nil, r.Pattern.Where)
	}
	for i := range r.Cancel {
		c.Quits = append(c.Quits, c.absence(&r.Cancel[i]))
		c.quitBits |= c.bitOf(c.Quits[i])
	}
	if r.Policy == dsl.MatchEach {
		c.forking()
	} else {
		c.determined()
	}
	if c.err != nil {
		return nil, fmt.Errorf("compile %s: %w", r.Name, c.err)
	}
	c.indexTypes()
	return c.Prog, nil
}

// cond compiles a condition with events of the schema current, nil for none.
func (c *compiler) cond(schema *cep.Schema, e *dsl.Expr) expr.Cond {
	cond, err := c.x.On(schema).Cond(e)
	if err != nil {
		c.fail("%w", err)
	}
	return cond
}

func (c *compiler) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

// test numbers the condition of a step: the terms that read the event alone
// become a predicate, the others are asked of each run.
func (c *compiler) test(route int, where *dsl.Expr) int {
	var unary, own []*dsl.Expr
	for _, t := range terms(where) {
		if readsRun(c.Rule, t) {
			own = append(own, t)
		} else {
			unary = append(unary, t)
		}
	}
	pred := c.pred(route, and(unary))
	residual := and(own)
	text := ""
	if residual != nil {
		text = residual.String()
	}
	key := fmt.Sprintf("%d %s", pred, text)
	if n, ok := c.tests[key]; ok {
		return n
	}
	t := Test{Pred: pred, Text: text, Where: where, Schema: c.schema(route)}
	if residual != nil {
		t.Cond = c.cond(c.schema(route), residual)
	}
	c.Tests = append(c.Tests, t)
	c.tests[key] = len(c.Tests) - 1
	return len(c.Tests) - 1
}

func (c *compiler) pred(route int, e *dsl.Expr) int {
	text := ""
	if e != nil {
		text = e.String()
	}
	key := fmt.Sprintf("%d %s", route, text)
	if n, ok := c.preds[key]; ok {
		return n
	}
	p := Pred{Route: route, Text: text}
	if e != nil {
		p.Cond = c.cond(c.schema(route), e)
		c.split(&p, len(c.Preds), e)
	}
	c.Preds = append(c.Preds, p)
	c.preds[key] = len(c.Preds) - 1
	return len(c.Preds) - 1
}

func (c *compiler) absence(a *dsl.Absence) int { return c.test(a.Route, a.Where) }

func (c *compiler) schema(route int) *cep.Schema { return c.Rule.Routes[route].Schema }

// indexTypes lists the predicates by event type.
func (c *compiler) indexTypes() {
	for i, d := range c.Preds {
		schema := c.schema(d.Route)
		n := 0
		for n < len(c.types) && c.types[n].schema != schema {
			n++
		}
		if n == len(c.types) {
			c.types = append(c.types, typePreds{schema: schema})
		}
		c.types[n].preds = append(c.types[n].preds, i)
	}
	c.spill = len(c.Preds) > 64
}

// noLabel names an absence.
func (c *compiler) noLabel(a *dsl.Absence) string {
	s := "no " + c.schema(a.Route).Name
	if a.Strict {
		s = "immediately " + s
	}
	return s
}
