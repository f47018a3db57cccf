package engine

import (
	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/internal/expr"
	"github.com/weir-cep/weir/internal/slab"
	"github.com/weir-cep/weir/internal/window"
)

// Feature implements expr.Features for the rule in progress: the item's value
// for the read's key, as of the frame's time.
func (sh *shard) Feature(f *expr.Frame, i int) (cep.Word, bool) {
	rd := &sh.rule.r.reads[i]
	ft := rd.feature
	slot := sh.key
	if !rd.own || len(ft.fixed) > 0 {
		key := sh.bytes
		if !rd.same {
			var ok bool
			key, ok = rd.keyer.AppendKey(sh.readKey[:0], f)
			if sh.readKey = key; !ok {
				return 0, false
			}
		}
		if len(ft.fixed) > 0 {
			if v, ok := ft.fixed[fixedKey{rd.item, string(key)}]; ok {
				return sh.fixedWord(v)
			}
		}
		if !rd.own {
			slot = sh.stage.spaces[ft.space].find(slab.Hash(key), key)
		}
	}
	fs := &sh.stage.features[ft.owner]
	var h slab.Handle
	if slot != 0 {
		h = slab.Handle(sh.stage.spaces[ft.space].get(slot, entryOwnerOf(ft.sid, ofState)))
	}
	// In arrival order the times of two keys have nothing to do with each
	// other: a look at another key's windows must not move them on, the more so
	// as only one of the shards that keep them would see it.
	return sh.item(f, fs, h, &ft.items[rd.item], sh.stage.w.arrival && !rd.same)
}

// item evaluates one item of a feature for a state, 0 if the key has none. peek
// says that it leaves the state at its own time.
func (sh *shard) item(f *expr.Frame, fs *featureState, h slab.Handle, it *featureItem, peek bool) (cep.Word, bool) {
	if it.agg >= 0 {
		return readSet(f, fs.set, h, it.agg, peek)
	}
	r := &sh.read
	outer, aggs := *r, f.Aggs
	*r = featureReader{f, fs.set, h, peek}
	f.Aggs = r
	w, ok := it.word(f)
	f.Aggs = aggs
	*r = outer
	if ok && it.symbol {
		sh.loans = append(sh.loans, slab.Symbol(w))
	}
	return w, ok
}

// featureReader gives a feature's item its aggregates.
type featureReader struct {
	f    *expr.Frame
	set  *window.Set
	h    slab.Handle
	peek bool
}

// Agg implements expr.Aggregates.
func (r *featureReader) Agg(i int) (cep.Word, bool) { return readSet(r.f, r.set, r.h, i, r.peek) }

func readSet(f *expr.Frame, set *window.Set, h slab.Handle, i int, peek bool) (w cep.Word, ok bool) {
	if peek {
		w, ok = set.Peek(h, f.At, i)
	} else {
		w, ok = set.Read(h, f.At, i)
	}
	if set.Failed {
		set.Failed = false
		f.Failed = true
	}
	return w, ok
}

// fixedWord is a fixed value as a window would give it.
func (sh *shard) fixedWord(v cep.Value) (cep.Word, bool) {
	switch {
	case v.Missing:
		return 0, false
	case v.Type.Kind == cep.KindString:
		return sh.lend(v.Text), true
	case v.Type.Wide():
		b := expr.WideBytes(v.Wide, v.Type.Kind)
		return sh.lend(string(b[:])), true
	}
	return v.Word, true
}

// lend interns a text until the row is done.
func (sh *shard) lend(text string) cep.Word {
	sym := sh.syms.Intern(text)
	sh.loans = append(sh.loans, sym)
	return cep.Word(sym)
}
