package expr

import (
	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// Template compiles a message or label. What it returns appends the text; a
// value that is missing or cannot be computed prints as a dash (–).
func (c *Compiler) Template(t dsl.Template) (func(*Frame, []byte) []byte, error) {
	type part struct {
		text   string
		value  func(*Frame, *cep.Value)
		format cep.Format
	}
	parts := make([]part, len(t))
	for i, p := range t {
		parts[i] = part{text: p.Text}
		if p.Expr == nil {
			continue
		}
		format, ok := cep.ParseFormat(p.Format)
		if !ok && p.Format != "" {
			return nil, &compileError{p.Expr, "no format is called " + p.Format}
		}
		parts[i].format = format
		v, err := c.Value(p.Expr)
		if err != nil {
			return nil, err
		}
		parts[i].value = v
	}
	return func(f *Frame, dst []byte) []byte {
		for _, p := range parts {
			dst = append(dst, p.text...)
			if p.value != nil {
				var v cep.Value
				p.value(f, &v)
				dst = v.AppendFormat(dst, p.format)
			}
		}
		return dst
	}, nil
}
