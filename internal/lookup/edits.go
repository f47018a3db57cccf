package lookup

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/expr"
)

// Edits are what people put into a list, and took out, beside what it holds by
// itself. They are applied to whatever it holds then.
type Edits struct {
	Add    []string `json:"add,omitempty"`
	Remove []string `json:"remove,omitempty"` // they win over Add
}

// EditsText is the text of a list's edits: it goes into the journal beside the
// list's own, and has its own key.
func EditsText(rules, name string, e Edits) Text {
	data, _ := json.Marshal(e) // of texts: it can't fail
	return Text{Name: name, Rules: rules, From: fromEdits, Origin: "the API", Format: "edits", Data: data}.Seal()
}

const (
	fromEdits = "edits"
	editsMark = "#edits"
)

// WithEdits completes texts that have changed: a list's own text with the edits
// that are known, and edits with the list's own text.
func WithEdits(changed, known map[string]Text) map[string]Text {
	out := maps.Clone(changed)
	for key := range changed {
		other := key + editsMark
		if own, ok := strings.CutSuffix(key, editsMark); ok {
			other = own
		}
		if t, ok := known[other]; ok && out[other].Name == "" {
			out[other] = t
		}
	}
	return out
}

// OnlyEdits are the edits among texts.
func OnlyEdits(texts map[string]Text) map[string]Text {
	out := map[string]Text{}
	for key, t := range texts {
		if t.From == fromEdits {
			out[key] = t
		}
	}
	return out
}

// Edits are what a text of edits says.
func (t Text) Edits() (e Edits) {
	_ = json.Unmarshal(t.Data, &e) // EditsText wrote it
	return e
}

// edited makes a list of its own values and its edits.
func (p *Parser) edited(ir *dsl.ListIR, texts map[string]Text, edits Text) (*expr.List, error) {
	var e Edits
	if err := json.Unmarshal(edits.Data, &e); err != nil {
		return nil, fmt.Errorf("the edits of list %s: %w", ir.Name, err)
	}
	values := ir.Values
	if own, ok := texts[keyOf(ir.File, ir.Name)]; ok && ir.From != "" {
		d := document{Text: own}
		values = nil
		if d.readable() {
			values = p.values(ir, &d)
		}
		if err := d.err(); err != nil {
			return nil, err
		}
	}
	r, nets := reader{p.prog.Zone}, p.used.nets[ir]
	gone := map[string]bool{}
	for _, text := range e.Remove {
		v, err := r.element(text, ir.Elem, nets)
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", ir.Name, err)
		}
		gone[string(v.AppendText(nil))] = true
	}
	var all []cep.Value
	for _, v := range values {
		if !gone[string(v.AppendText(nil))] {
			all = append(all, v)
		}
	}
	for _, text := range e.Add {
		v, err := r.element(text, ir.Elem, nets)
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", ir.Name, err)
		}
		if !gone[string(v.AppendText(nil))] {
			all = append(all, v)
		}
	}
	return p.newList(ir, all)
}

// CheckEdits says what in the edits of a list does not fit it.
func (p *Parser) CheckEdits(rules, name string, e Edits) error {
	ir, ok := p.lists[keyOf(rules, name)]
	if !ok {
		return fmt.Errorf("%s declares no list %s", rules, name)
	}
	_, err := p.edited(ir, nil, EditsText(rules, name, e))
	return err
}
