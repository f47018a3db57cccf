package alerts

import (
	"encoding/binary"

	"github.com/weir-cep/weir/cep"
)

// DeadLetter is a dead letter with its number, which ascends from 1.
type DeadLetter struct {
	N uint64
	cep.DeadRecord
}

// LateEvent is a late event with its number, which ascends from 1.
type LateEvent struct {
	N uint64
	cep.LateRecord
}

// Dead keeps a record that did not become an event, and counts it, unless its
// place is known.
func (l *Log) Dead(d cep.DeadRecord) error {
	place := appendPlace(nil, d.Source, d.Partition, d.Position, d.Place)
	v := binary.BigEndian.AppendUint64(nil, uint64(d.Arrived))
	for _, s := range []string{d.Reason, d.Detail, d.Field} {
		v = appendText(v, s)
	}
	return l.put(&l.dead, place, d.Reason, append(v, d.Raw...))
}

// Late keeps an event that came too late, and counts it, unless its place is
// known.
func (l *Log) Late(r cep.LateRecord) error {
	place := appendPlace(nil, r.Source, r.Partition, r.Position, "")
	var v []byte
	for _, t := range []int64{r.Arrived, r.At, r.Watermark} {
		v = binary.BigEndian.AppendUint64(v, uint64(t))
	}
	return l.put(&l.late, place, r.Type, append(appendText(v, r.Type), r.Raw...))
}

// DeadAfter returns dead letters behind number n, up to limit of them; next is
// where to read on.
func (l *Log) DeadAfter(n uint64, limit int) (list []DeadLetter, next uint64, err error) {
	next, err = l.dead.after(l, n, limit, func(n uint64, p place, d *decoder) {
		e := DeadLetter{N: n}
		e.Source, e.Partition, e.Position, e.Place = p.source, p.partition, p.position, p.text
		e.Arrived = int64(d.fixed())
		e.Reason, e.Detail, e.Field = string(d.text()), string(d.text()), string(d.text())
		e.Raw = append([]byte(nil), d.rest...)
		list = append(list, e)
	})
	return list, next, err
}

// LateAfter returns late events behind number n, up to limit of them; next is
// where to read on.
func (l *Log) LateAfter(n uint64, limit int) (list []LateEvent, next uint64, err error) {
	next, err = l.late.after(l, n, limit, func(n uint64, p place, d *decoder) {
		e := LateEvent{N: n}
		e.Source, e.Partition, e.Position = p.source, p.partition, p.position
		e.Arrived, e.At, e.Watermark = int64(d.fixed()), int64(d.fixed()), int64(d.fixed())
		e.Type = string(d.text())
		e.Raw = append([]byte(nil), d.rest...)
		list = append(list, e)
	})
	return list, next, err
}

// place is where a record stood in its source.
type place struct {
	source    string
	partition uint32
	position  uint64
	text      string
}

// appendPlace writes a place so that the places of a partition are together and
// in the order of their positions.
func appendPlace(dst []byte, source string, partition uint32, position uint64, text string) []byte {
	dst = appendText(dst, source)
	dst = binary.BigEndian.AppendUint32(dst, partition)
	dst = binary.BigEndian.AppendUint64(dst, position)
	return append(dst, text...)
}

func parsePlace(b []byte) (p place, ok bool) {
	d := decoder{rest: b}
	p.source = string(d.text())
	if len(d.rest) < 12 {
		return p, false
	}
	p.partition = binary.BigEndian.Uint32(d.rest)
	p.position = binary.BigEndian.Uint64(d.rest[4:])
	p.text = string(d.rest[12:])
	return p, true
}
