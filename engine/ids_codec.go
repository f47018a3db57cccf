package engine

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/window"
)

// idsVersion is the version of the encoding.
const idsVersion = 1

// encode appends the table's saved form to dst: numbers as varints, texts with
// their length before them, maps by ascending key. Everything that is in the
// table is in it.
func (t *ids) encode(dst []byte) []byte {
	w := idsWriter{dst}
	w.number(idsVersion, uint64(t.next))
	w.sids(t.free)
	w.number(uint64(len(t.rules)))
	for _, name := range slices.Sorted(maps.Keys(t.rules)) {
		r := t.rules[name]
		w.text(name, r.version)
		w.number(uint64(r.sid), r.layout)
		w.number(uint64(len(r.groups)))
		for _, g := range r.groups {
			w.number(uint64(g.pool))
			w.sids(g.places)
		}
	}
	w.number(uint64(len(t.features)))
	for _, id := range slices.SortedFunc(maps.Keys(t.features), featureID.compare) {
		w.text(id.world, id.name)
		w.number(id.layout, bit(id.everywhere)|bit(id.shadow)<<1, uint64(t.features[id]))
	}
	w.number(uint64(len(t.spaces)))
	for _, id := range slices.SortedFunc(maps.Keys(t.spaces), spaceID.compare) {
		w.text(id.world, id.key)
		w.number(uint64(t.spaces[id].sid), uint64(t.spaces[id].room))
	}
	w.number(uint64(len(t.pools)))
	for _, sid := range slices.Sorted(maps.Keys(t.pools)) {
		w.number(uint64(sid))
		w.pool(t.pools[sid])
	}
	w.number(uint64(len(t.lineages)))
	for _, name := range slices.Sorted(maps.Keys(t.lineages)) {
		w.text(name)
		w.number(uint64(t.lineages[name]))
	}
	return w.b
}

func (a featureID) compare(b featureID) int {
	return cmp.Or(cmp.Compare(a.world, b.world), cmp.Compare(a.name, b.name), cmp.Compare(a.layout, b.layout),
		cmp.Compare(bit(a.everywhere), bit(b.everywhere)), cmp.Compare(bit(a.shadow), bit(b.shadow)))
}

func (a spaceID) compare(b spaceID) int {
	return cmp.Or(cmp.Compare(a.world, b.world), cmp.Compare(a.key, b.key))
}

type idsWriter struct{ b []byte }

func (w *idsWriter) number(ns ...uint64) {
	for _, n := range ns {
		w.b = binary.AppendUvarint(w.b, n)
	}
}

func (w *idsWriter) text(ss ...string) {
	for _, s := range ss {
		w.b = append(binary.AppendUvarint(w.b, uint64(len(s))), s...)
	}
}

func (w *idsWriter) sids(list []uint32) {
	w.number(uint64(len(list)))
	for _, sid := range list {
		w.number(uint64(sid))
	}
}

func (w *idsWriter) pool(p *poolRecord) {
	w.number(uint64(len(p.symbols)))
	for _, on := range p.symbols {
		w.number(bit(on))
	}
	w.number(uint64(len(p.specs)))
	for _, sp := range p.specs {
		w.number(uint64(sp.Fn), uint64(sp.Input+1), uint64(sp.In), uint64(sp.Out), cep.NumberWord(sp.P))
		w.number(bit(sp.Optional) | bit(sp.UnlessFired)<<1 | bit(sp.Seen)<<2)
		w.number(uint64(sp.Window.Kind), uint64(sp.Window.Dur), uint64(sp.Window.N), uint64(sp.Window.Ending), uint64(sp.Window.Unit))
	}
}

func bit(on bool) uint64 {
	if on {
		return 1
	}
	return 0
}

var errIDs = errors.New("engine: the table of ids is damaged")

// decodeIDs reads what encode wrote, and returns what stands behind it.
func decodeIDs(src []byte) (t *ids, rest []byte, err error) {
	r := idsReader{b: src}
	if v := r.number(); r.bad || v != idsVersion {
		return nil, nil, fmt.Errorf("%w: version %d, this build reads %d", errIDs, v, idsVersion)
	}
	t = newIDs()
	t.next = uint32(r.number())
	t.free = r.sids()
	for n := r.number(); n > 0 && !r.bad; n-- {
		name := r.text()
		rec := &ruleID{version: r.text(), sid: uint32(r.number()), layout: r.number()}
		for m := r.number(); m > 0 && !r.bad; m-- {
			rec.groups = append(rec.groups, groupID{pool: uint32(r.number()), places: r.sids()})
		}
		t.rules[name] = rec
	}
	for n := r.number(); n > 0 && !r.bad; n-- {
		id := featureID{world: r.text(), name: r.text(), layout: r.number()}
		flags := r.number()
		id.everywhere, id.shadow = flags&1 != 0, flags&2 != 0
		t.features[id] = uint32(r.number())
	}
	for n := r.number(); n > 0 && !r.bad; n-- {
		id := spaceID{r.text(), r.text()}
		t.spaces[id] = &spaceRecord{sid: uint32(r.number()), room: int(r.number())}
	}
	for n := r.number(); n > 0 && !r.bad; n-- {
		sid := uint32(r.number())
		t.pools[sid] = r.pool()
	}
	for n := r.number(); n > 0 && !r.bad; n-- {
		name := r.text()
		t.lineages[name] = uint32(r.number())
	}
	if r.bad {
		return nil, nil, errIDs
	}
	return t, r.b, nil
}

type idsReader struct {
	b   []byte
	bad bool
}

func (r *idsReader) number() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *idsReader) text() string {
	n := r.number()
	if n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return ""
	}
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

func (r *idsReader) sids() (list []uint32) {
	for n := r.number(); n > 0 && !r.bad; n-- {
		list = append(list, uint32(r.number()))
	}
	return list
}

func (r *idsReader) pool() *poolRecord {
	p := &poolRecord{}
	for n := r.number(); n > 0 && !r.bad; n-- {
		p.symbols = append(p.symbols, r.number() != 0)
	}
	for n := r.number(); n > 0 && !r.bad; n-- {
		sp := window.Spec{Fn: dsl.AggFn(r.number()), Input: int(r.number()) - 1, In: cep.Kind(r.number()), Out: cep.Kind(r.number()), P: cep.Number(r.number())}
		flags := r.number()
		sp.Optional, sp.UnlessFired, sp.Seen = flags&1 != 0, flags&2 != 0, flags&4 != 0
		sp.Window = dsl.Window{Kind: dsl.WindowKind(r.number()), Dur: int64(r.number()), N: int(r.number()), Ending: int64(r.number()), Unit: dsl.Calendar(r.number())}
		p.specs = append(p.specs, sp)
	}
	return p
}
