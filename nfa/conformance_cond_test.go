package nfa

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// condParser turns a condition of a recorded FlinkCEP case into an expression
// of the rule language: "name == 'a' and sum(mid.price) + price < 5.0".
type condParser struct {
	rule    *dsl.RuleIR
	schema  *cep.Schema
	stages  map[string]int // binding by stage name
	tokens  []string
	current int         // binding of the step whose condition it is
	guards  []*dsl.Expr // what must be present for the comparison at hand
}

// errNoSpelling says why a case can't be written as a rule.
type errNoSpelling string

func (e errNoSpelling) Error() string { return string(e) }

func noSpelling(format string, args ...any) { panic(errNoSpelling(fmt.Sprintf(format, args...))) }

func (p *condParser) parse(text string) *dsl.Expr {
	p.tokens = condTokens(text)
	e := p.or()
	if len(p.tokens) > 0 {
		panic("conformance: left over in " + text)
	}
	return e
}

func condTokens(s string) (out []string) {
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == ' ':
			i++
		case c == '\'':
			j := strings.IndexByte(s[i+1:], '\'') + i + 2
			out = append(out, s[i:j])
			i = j
		case strings.HasPrefix(s[i:], "==") || strings.HasPrefix(s[i:], "<=") || strings.HasPrefix(s[i:], ">="):
			out = append(out, s[i:i+2])
			i += 2
		case strings.IndexByte("()<>+*,", c) >= 0:
			out = append(out, s[i:i+1])
			i++
		default:
			j := i
			for j < len(s) && strings.IndexByte(" ()<>=+*,'", s[j]) < 0 {
				j++
			}
			out = append(out, s[i:j])
			i = j
		}
	}
	return out
}

func (p *condParser) peek() string {
	if len(p.tokens) == 0 {
		return ""
	}
	return p.tokens[0]
}

func (p *condParser) next() string {
	t := p.peek()
	p.tokens = p.tokens[1:]
	return t
}

func (p *condParser) eat(t string) bool {
	if p.peek() != t {
		return false
	}
	p.next()
	return true
}

func (p *condParser) must(t string) {
	if !p.eat(t) {
		panic("conformance: expected " + t)
	}
}

func (p *condParser) or() *dsl.Expr {
	args := []*dsl.Expr{p.and()}
	for p.eat("or") {
		args = append(args, p.and())
	}
	if len(args) == 1 {
		return args[0]
	}
	return opOf(dsl.OpOr, args...)
}

func (p *condParser) and() *dsl.Expr {
	args := []*dsl.Expr{p.comparison()}
	for p.eat("and") {
		args = append(args, p.comparison())
	}
	if len(args) == 1 {
		return args[0]
	}
	return opOf(dsl.OpAnd, args...)
}

var comparisons = map[string]dsl.Op{"==": dsl.OpEq, "<": dsl.OpLt, ">": dsl.OpGt, "<=": dsl.OpLe, ">=": dsl.OpGe}

func (p *condParser) comparison() *dsl.Expr {
	if p.eat("not") {
		return opOf(dsl.OpNot, p.comparison())
	}
	p.guards = nil
	l := p.sum()
	op, ok := comparisons[p.peek()]
	if !ok {
		return l
	}
	p.next()
	r := p.sum()
	if l.Type.Kind == cep.KindNumber && r.Type.Kind == cep.KindInt {
		r = toNumber(r)
	} else if l.Type.Kind == cep.KindInt && r.Type.Kind == cep.KindNumber {
		l = toNumber(l)
	}
	e := opOf(op, l, r)
	if guards := p.guards; len(guards) > 0 {
		return opOf(dsl.OpAnd, append(guards, e)...)
	}
	return e
}

// toNumber is what the checker puts around an int where a number is wanted.
func toNumber(e *dsl.Expr) *dsl.Expr {
	return &dsl.Expr{Op: dsl.OpToNumber, Type: typeOf(cep.KindNumber), Args: []*dsl.Expr{e}}
}

func (p *condParser) sum() *dsl.Expr {
	l := p.product()
	for p.eat("+") {
		r := p.product()
		if l.Type.Kind != r.Type.Kind {
			l, r = number(l), number(r)
		}
		l = calcOf(dsl.OpAdd, l, r)
	}
	return l
}

func number(e *dsl.Expr) *dsl.Expr {
	if e.Type.Kind == cep.KindInt {
		return toNumber(e)
	}
	return e
}

func (p *condParser) product() *dsl.Expr {
	l := p.primary()
	for p.eat("*") {
		l = calcOf(dsl.OpMul, number(l), number(p.primary()))
	}
	return l
}

func (p *condParser) primary() *dsl.Expr {
	t := p.next()
	switch {
	case t == "(":
		e := p.or()
		p.must(")")
		return e
	case t == "true" || t == "false":
		b := typeOf(cep.KindBool)
		v := cep.Value{Type: b}
		if t == "true" {
			v.Word = 1
		}
		return &dsl.Expr{Op: dsl.OpConst, Type: b, Const: v}
	case t[0] == '\'':
		return constText(t[1 : len(t)-1])
	}
	if f, err := strconv.ParseFloat(t, 64); err == nil {
		if !strings.Contains(t, ".") {
			return constInt(int64(f))
		}
		return constNumber(f)
	}
	if p.eat("(") {
		return p.call(t)
	}
	if p.schema.Field(t) < 0 {
		noSpelling("a condition reads %s", t)
	}
	e := fieldOf(p.schema, t)
	if e.Type.Optional {
		p.guards = append(p.guards, opOf(dsl.OpIsPresent, e))
	}
	return e
}

// call reads the rest of f(…) behind its parenthesis.
func (p *condParser) call(f string) *dsl.Expr {
	arg := p.next()
	if p.eat(",") {
		lit := constText(strings.Trim(p.next(), "'"))
		p.must(")")
		return opOf(map[string]dsl.Op{"contains": dsl.OpContains, "startsWith": dsl.OpStarts}[f], fieldOf(p.schema, arg), lit)
	}
	p.must(")")
	stage, field, _ := strings.Cut(arg, ".")
	b, ok := p.stages[stage]
	if !ok {
		noSpelling("a condition reads stage %q, which the pattern has not", stage)
	}
	single := !p.rule.Bindings[b].Repeated
	if b > p.current || b == p.current && single { // nothing bound yet
		switch f {
		case "count":
			return constInt(0)
		case "sum":
			return constNumber(0)
		}
		noSpelling("a condition reads the first event of a stage that has none yet")
	}
	switch {
	case f == "count" && single && !p.rule.Bindings[b].Optional:
		return constInt(1)
	case f == "count":
		return boundCountOf(p.rule, b)
	case f == "sum" && !single:
		return boundAggOf(p.rule, dsl.AggSum, b, field)
	}
	which := dsl.Only
	if !single {
		which = map[string]dsl.Which{"first": dsl.First, "last": dsl.Last}[f]
	}
	e := boundOf(p.rule, b, which, field)
	if f == "sum" {
		if p.rule.Bindings[b].Optional {
			return elseOf(e, constNumber(0))
		}
		return e
	}
	present := *e
	present.Type = present.Type.OrMissing()
	p.guards = append(p.guards, opOf(dsl.OpIsPresent, &present))
	return e
}
