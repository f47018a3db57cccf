package emit

import (
	"fmt"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/expr"
)

// value evaluates an expression into an alert's value.
type value func(*expr.Frame, *cep.Value)

// Block is a compiled alert block. It is immutable; shards share it.
type Block struct {
	ir       *dsl.AlertIR
	rule     *dsl.RuleIR
	severity value // nil: medium
	score    value // nil: none
	message  template
	labels   []template // parallel to ir.Labels
	fields   []value    // parallel to ir.Fields
	to       []string
}

// Compile compiles a rule's alert block. The compiler knows the layout of the
// rule's bound events and the type of the current event, if there is one.
func Compile(c *expr.Compiler, r *dsl.RuleIR, ir *dsl.AlertIR) (*Block, error) {
	b := &Block{ir: ir, rule: r}
	var err error
	if b.severity, err = optional(c, ir.Severity); err != nil {
		return nil, fmt.Errorf("severity: %w", err)
	}
	if b.score, err = optional(c, ir.Score); err != nil {
		return nil, fmt.Errorf("score: %w", err)
	}
	if b.message, err = compileTemplate(c, ir.Message); err != nil {
		return nil, fmt.Errorf("message: %w", err)
	}
	for _, l := range ir.Labels {
		t, err := compileTemplate(c, l.Text)
		if err != nil {
			return nil, fmt.Errorf("label %s: %w", l.Name, err)
		}
		b.labels = append(b.labels, t)
	}
	for _, f := range ir.Fields {
		v, err := c.Value(f.Expr)
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", f.Name, err)
		}
		b.fields = append(b.fields, v)
	}
	for _, s := range ir.To {
		b.to = append(b.to, s.Name)
	}
	return b, nil
}

func optional(c *expr.Compiler, e *dsl.Expr) (value, error) {
	if e == nil {
		return nil, nil
	}
	return c.Value(e)
}

// IR is the block that was compiled.
func (b *Block) IR() *dsl.AlertIR { return b.ir }

// Field evaluates one alert field.
func (b *Block) Field(f *expr.Frame, i int) (v cep.Value) {
	b.fields[i](f, &v)
	return v
}

// Alert evaluates the block for the match that the frame stands at. The caller
// fills in what is not the block's: id, times, kind, suppression and events.
func (b *Block) Alert(f *expr.Frame) *cep.Alert {
	a := &cep.Alert{
		Rule:     b.rule.Name,
		Version:  b.rule.Version,
		Status:   string(b.rule.Status),
		Severity: b.evalSeverity(f),
		Key:      make([]cep.NamedValue, len(b.rule.Key)),
		Revision: 1,
		To:       b.to,
	}
	for i, p := range b.rule.Key {
		a.Key[i] = cep.NamedValue{Name: p.Name, Value: f.Key[i]}
	}
	a.Score, a.HasScore = b.evalScore(f)
	var text []byte
	text = b.message.append(text, f)
	a.Message = string(text)
	for i, l := range b.ir.Labels {
		text = b.labels[i].append(text[:0], f)
		a.Labels = append(a.Labels, cep.Label{Name: l.Name, Text: string(text)})
	}
	for i := range b.fields {
		a.Fields = append(a.Fields, cep.NamedValue{Name: b.ir.Fields[i].Name, Value: b.Field(f, i)})
	}
	return a
}

// evalSeverity falls back to the default where the expression has no value.
func (b *Block) evalSeverity(f *expr.Frame) cep.Severity {
	if b.severity == nil {
		return cep.Medium
	}
	var v cep.Value
	if b.severity(f, &v); v.Missing {
		return cep.Medium
	}
	return cep.Severity(v.Word)
}

func (b *Block) evalScore(f *expr.Frame) (score float64, ok bool) {
	if b.score == nil {
		return 0, false
	}
	var v cep.Value
	if b.score(f, &v); v.Missing {
		return 0, false
	}
	if v.Type.Kind == cep.KindInt {
		return float64(int64(v.Word)), true
	}
	return cep.Number(v.Word), true
}
