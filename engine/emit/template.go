package emit

import (
	"fmt"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/expr"
)

// template is a compiled message or label.
type template []part

// part is literal text, or a value with its format.
type part struct {
	text   string
	value  value // nil: text
	format cep.Format
}

func compileTemplate(c *expr.Compiler, ir dsl.Template) (template, error) {
	t := make(template, len(ir))
	for i, p := range ir {
		if p.Expr == nil {
			t[i].text = p.Text
			continue
		}
		if p.Format != "" {
			f, ok := cep.ParseFormat(p.Format)
			if !ok {
				return nil, fmt.Errorf("%q is not a format", p.Format)
			}
			t[i].format = f
		}
		v, err := c.Value(p.Expr)
		if err != nil {
			return nil, err
		}
		t[i].value = v
	}
	return t, nil
}

func (t template) append(dst []byte, f *expr.Frame) []byte {
	for i := range t {
		p := &t[i]
		if p.value == nil {
			dst = append(dst, p.text...)
			continue
		}
		var v cep.Value
		p.value(f, &v)
		dst = v.AppendFormat(dst, p.format)
	}
	return dst
}
