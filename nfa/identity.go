package nfa

import (
	"encoding/binary"

	"github.com/zeebo/xxh3"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/internal/expr"
)

// An event's reference is (type, id, at) where its type declares an id, the id
// alone for an alert event, else its place in the input. Identity hashes it, so
// that alert ids are the same whenever the same events are read again. buf is
// scratch that is returned grown.
func Identity(f *expr.Frame, buf []byte) (uint64, []byte) {
	buf = buf[:0]
	s := f.Table.Schema
	if s.ID < 0 || !f.Table.Cols[s.ID].Has(f.Row) {
		buf = append(buf, 0)
		buf = binary.LittleEndian.AppendUint64(buf, uint64(f.Ref))
		return xxh3.Hash(buf), buf
	}
	w := f.Table.Cols[s.ID].Words[f.Row]
	if s.Derived {
		buf = append(buf, 1)
	} else {
		buf = append(buf, 2)
		buf = binary.LittleEndian.AppendUint64(buf, uint64(eventTime(f)))
		buf = append(buf, s.Name...)
		buf = append(buf, 0)
	}
	switch t := s.Fields[s.ID].Type; {
	case t.Kind == cep.KindString:
		buf = append(buf, f.Batch.Str(w)...)
	case t.Wide():
		b := expr.WideBytes(f.Batch.Wide[w], t.Kind)
		buf = append(buf, b[:]...)
	default:
		buf = binary.LittleEndian.AppendUint64(buf, w)
	}
	return xxh3.Hash(buf), buf
}

// eventTime is the event's own time, which in arrival order may be behind the
// time at which it stands.
func eventTime(f *expr.Frame) int64 {
	s := f.Table.Schema
	if c := &f.Table.Cols[s.Time]; c.Words != nil {
		return int64(c.Words[f.Row])
	}
	return f.At
}
