package engine

import (
	"fmt"
	"slices"

	"github.com/weir-cep/weir/cep"
)

// Rows that wait were decoded and prepared for the plan of their time. A plan
// that takes its place is told what the types of their batches are in its own
// program, and has the batches prepared again when their first rows are
// released: so a deployment does not pay for all rows at once. Only where it
// looks at more than the batch has, the batch is decoded again, at once.

// rebinding is what becomes of the batches of which rows wait.
type rebinding struct {
	plan *plan
	next map[*prepared]*prepared // that take another's place
	same map[*prepared][]*cep.Schema
}

// planRebind finds out what becomes of the batches of which rows wait, and
// decodes those again for which it is needed. It changes nothing.
func (e *Engine) planRebind(p *plan, redecode func(*cep.Batch) (*cep.Batch, error)) (*rebinding, error) {
	b := &binder{plan: p, need: Need(p.prog), read: map[string]*cep.Schema{}}
	for _, s := range Reads(p.prog) {
		b.read[s.Name] = s
	}
	for _, s := range p.prog.Schemas {
		if s.Derived {
			b.read[s.Name] = s
		}
	}
	r := &rebinding{plan: p, next: map[*prepared]*prepared{}, same: map[*prepared][]*cep.Schema{}}
	for i := range e.held.list {
		h := &e.held.list[i]
		if h.batch == nil {
			continue
		}
		types, fits := b.types(h.batch.batch, h.part == nil)
		switch {
		case fits && !slices.Contains(types, nil):
			r.same[h.batch] = types
		case h.part == nil:
			r.next[h.batch] = b.remake(h.batch, types)
		case fits:
			r.next[h.batch] = &prepared{batch: without(h.batch.batch, types)}
		case redecode == nil:
			return nil, fmt.Errorf("engine: rows that wait for the watermark lack what the rules read of %s, and nobody can read them again", b.lacking)
		default:
			again, err := redecode(h.batch.batch)
			if err != nil {
				return nil, fmt.Errorf("engine: read rows that wait for the watermark again: %w", err)
			}
			r.next[h.batch] = &prepared{batch: again}
		}
	}
	return r, nil
}

// apply puts it into effect; the plan is the engine's.
func (r *rebinding) apply(e *Engine) {
	e.rebind(func(p *prepared) *prepared {
		if q := r.next[p]; q != nil {
			if p.stale {
				p.stale = false
				e.stale--
			}
			p = q
		}
		for i, s := range r.same[p] {
			p.batch.Tables[i].Schema = s
		}
		p.number = p.number[:0]
		for i := range p.batch.Tables {
			p.number = append(p.number, r.plan.numberOf(p.batch.Tables[i].Schema))
		}
		e.outdate(p)
		return p
	})
}

// outdate says that a batch, if any, is to be prepared again before its rows
// are worked off.
func (e *Engine) outdate(p *prepared) {
	if p != nil && !p.stale {
		p.stale = true
		e.stale++
	}
}

// refresh prepares again what of the rows' batches is outdated. What preparing
// counts was counted when they came.
func (e *Engine) refresh(rows []item) {
	last := noBatch
	for i := range rows {
		if rows[i].batch == last {
			continue
		}
		last = rows[i].batch
		if p := e.held.list[last].batch; p.stale {
			e.prep.fill(p)
			p.stale, p.fails, p.keys = false, p.fails[:0], p.keys[:0]
			e.stale--
		}
	}
}

// binder finds the types of batches in another program.
type binder struct {
	plan    *plan
	read    map[string]*cep.Schema // types that rows can be of
	need    [][]bool               // by type number and field
	lacking string                 // a type of which a batch has too little
}

// types returns what the types of a batch's tables are in the program, nil for
// those that it does not read. fits says that the tables are as the program
// wants them; alerts as events have all their fields.
func (b *binder) types(batch *cep.Batch, derived bool) (types []*cep.Schema, fits bool) {
	fits = true
	for i := range batch.Tables {
		t := &batch.Tables[i]
		s := b.read[t.Schema.Name]
		if s != nil && s.Derived != derived {
			s = nil
		}
		if types = append(types, s); s == nil {
			continue
		}
		if s != t.Schema && !sameSchema(s, t.Schema) || !derived && t.Rows > 0 && !b.covers(t, s) {
			fits, b.lacking = false, s.Name
		}
	}
	return types, fits
}

// covers says that a table has the columns that are read of a type.
func (b *binder) covers(t *cep.Table, s *cep.Schema) bool {
	for f, needed := range b.need[b.plan.number[s]] {
		if needed && len(t.Cols[f].Words) == 0 {
			return false
		}
	}
	return true
}

// sameSchema says that rows of an old type are rows of another program's.
func sameSchema(now, old *cep.Schema) bool {
	return now.Name == old.Name && now.Time == old.Time && now.ID == old.ID && now.Derived == old.Derived &&
		slices.EqualFunc(now.Fields, old.Fields, func(x, y cep.Field) bool {
			return x.Name == y.Name && x.Path == y.Path && x.Format == y.Format && sameType(x.Type, y.Type)
		})
}

// sameType says that values of an old type are values of another program's. An
// enum may have got further words.
func sameType(now, old cep.Type) bool {
	if now.Kind != old.Kind || now.Optional != old.Optional || now.Currency != old.Currency {
		return false
	}
	switch now.Kind {
	case cep.KindEnum:
		return sameEnums([]*cep.Enum{old.Enum}, []*cep.Enum{now.Enum})
	case cep.KindList:
		return sameType(*now.Elem, *old.Elem)
	}
	return true
}

// without is a batch without the rows of tables whose type is nil.
func without(b *cep.Batch, types []*cep.Schema) *cep.Batch {
	out := *b
	out.Tables, out.Rows, out.Raw = slices.Clone(b.Tables), nil, nil
	for i, s := range types {
		if s != nil {
			out.Tables[i].Schema = s
		}
	}
	for i := range b.Rows {
		if types[b.Rows[i].Table] == nil {
			continue
		}
		out.Rows = append(out.Rows, b.Rows[i])
		if b.Raw != nil {
			out.Raw = append(out.Raw, b.Raw[i])
		}
	}
	return &out
}

// remake makes alerts as events into events of types that have changed: fields
// keep their values by name. An alert that now lacks a required field is gone,
// as is one of a type that is.
func (b *binder) remake(p *prepared, types []*cep.Schema) *prepared {
	tables := slices.Clone(p.batch.Tables)
	types = slices.Clone(types)
	for i := range tables {
		if types[i] != nil && !retype(&tables[i], types[i]) {
			types[i] = nil
		}
	}
	q := &prepared{batch: without(p.batch, types)}
	for i := range tables {
		if types[i] != nil {
			q.batch.Tables[i] = tables[i]
		}
	}
	for i := range p.batch.Rows {
		if types[p.batch.Rows[i].Table] != nil {
			q.shadow, q.cause = append(q.shadow, p.shadow[i]), append(q.cause, p.cause[i])
		}
	}
	q.batch.Tables = compactTables(q.batch, types)
	return q
}

// compactTables leaves out the tables whose type is nil.
func compactTables(b *cep.Batch, types []*cep.Schema) (tables []cep.Table) {
	at := make([]uint32, len(types))
	for i := range types {
		at[i] = uint32(len(tables))
		if types[i] != nil {
			tables = append(tables, b.Tables[i])
		}
	}
	for i := range b.Rows {
		b.Rows[i].Table = at[b.Rows[i].Table]
	}
	return tables
}

// retype makes a table one of another type; false: it lacks something.
func retype(t *cep.Table, s *cep.Schema) bool {
	cols := make([]cep.Column, len(s.Fields))
	for i := range s.Fields {
		f := &s.Fields[i]
		j := t.Schema.Field(f.Name)
		switch {
		case j >= 0 && sameValues(t.Schema.Fields[j].Type, f.Type):
			cols[i] = t.Cols[j]
		case f.Type.Optional:
			cols[i] = cep.Column{Words: make([]cep.Word, t.Rows), Present: make([]uint64, (t.Rows+63)/64)}
		default:
			return false
		}
	}
	t.Schema, t.Cols = s, cols
	return true
}

// sameValues says that values of a type are values of another, which may be
// optional where the first is not.
func sameValues(from, to cep.Type) bool {
	from.Optional = from.Optional || to.Optional
	return sameType(to, from)
}
