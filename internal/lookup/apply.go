package lookup

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/expr"
)

// Own is what the program itself gives: params at their defaults, inline lists;
// outside lists and tables are empty.
func Own(prog *dsl.Program, version uint64) (*expr.Lookups, error) {
	return NewParser(prog).Own(version)
}

// Own is Own for the parser's program.
func (p *Parser) Own(version uint64) (*expr.Lookups, error) {
	l := &expr.Lookups{Version: version}
	for _, ir := range p.prog.Params {
		l.Params = append(l.Params, expr.NewParam(ir.Default))
	}
	for _, ir := range p.prog.Lists {
		list, err := p.newList(ir, ir.Values)
		if err != nil {
			return nil, err
		}
		l.Lists = append(l.Lists, list)
	}
	for _, ir := range p.prog.Tables {
		l.Tables = append(l.Tables, expr.NewTable(ir.Key, ir.Cols))
	}
	return l, nil
}

// Apply makes the next snapshot: base with the texts, by Text.Key, in the place
// of what those lists and tables held. base is a snapshot of the same program;
// nil stands for what the program itself gives. A text whose list or table the
// program does not have, or gives itself, is passed over. An error means that
// no snapshot was made; base is never changed. The new version is base's plus
// one, 1 without a base.
func Apply(prog *dsl.Program, base *expr.Lookups, texts map[string]Text) (*expr.Lookups, error) {
	return NewParser(prog).Apply(base, texts)
}

// Apply is Apply with the parser's memory.
func (p *Parser) Apply(base *expr.Lookups, texts map[string]Text) (*expr.Lookups, error) {
	if base == nil {
		var err error
		if base, err = p.Own(0); err != nil {
			return nil, err
		}
	}
	if len(base.Params) != len(p.prog.Params) || len(base.Lists) != len(p.prog.Lists) || len(base.Tables) != len(p.prog.Tables) {
		return nil, fmt.Errorf("lists and tables of another program: %d, %d and %d params, lists and tables for %d, %d and %d",
			len(base.Params), len(base.Lists), len(base.Tables), len(p.prog.Params), len(p.prog.Lists), len(p.prog.Tables))
	}
	next := &expr.Lookups{Version: base.Version + 1, Params: base.Params, Lists: slices.Clone(base.Lists), Tables: slices.Clone(base.Tables)}
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(texts)) {
		t := texts[key]
		if t.From == fromEdits {
			continue // with the list
		}
		at, ok := p.place(t)
		if !ok || texts[key+editsMark].Name != "" {
			continue
		}
		v, err := p.Parse(t)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if t.Table {
			next.Tables[at] = v.Table
		} else {
			next.Lists[at] = v.List
		}
	}
	for _, key := range slices.Sorted(maps.Keys(texts)) {
		t := texts[key]
		ir, ok := p.lists[keyOf(t.Rules, t.Name)]
		if t.From != fromEdits || !ok {
			continue
		}
		list, err := p.edited(ir, texts, t)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		next.Lists[ir.Index] = list
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return next, nil
}

// place is the index of a text's list or table.
func (p *Parser) place(t Text) (int, bool) {
	if t.Table {
		ir, ok := p.tables[t.Key()]
		if !ok || ir.From == "" {
			return 0, false
		}
		return ir.Index, true
	}
	ir, ok := p.lists[t.Key()]
	if !ok || ir.From == "" {
		return 0, false
	}
	return ir.Index, true
}
