package engine

import (
	"encoding/binary"

	"github.com/zeebo/xxh3"

	"github.com/weir-cep/weir/cep"
)

// dedupe remembers the ids that came from one source lately. An event is a
// duplicate if one of its type and id came whose time is at least the source's
// greatest so far less the limit.
//
// Ids are kept as 128-bit hashes: two ids of one window meet by chance once in
// 10^20 windows of ten million. An id that is too old is forgotten when its
// place is wanted or the table is made anew; nothing sweeps it.
type dedupe struct {
	limit    int64 // ns
	greatest int64
	floor    int64 // older ids are forgotten, however long the limit has become
	table    []seenID
	used     int
	touched  int64  // keeps the compiler from leaving touches out
	log      *idLog // of what a snapshot saves; nil: nobody has asked for one
}

type seenID struct {
	id xxh3.Uint128 // zero: the place is empty
	at int64
}

const dedupeMin = 1 << 10

func newDedupe(limit int64) *dedupe {
	return &dedupe{limit: limit, greatest: minTime, floor: minTime, table: make([]seenID, dedupeMin)}
}

// setLimit changes the limit. A longer one brings nothing back: what the table
// happens to hold still must not count.
func (d *dedupe) setLimit(limit int64) {
	if limit != d.limit {
		d.floor, d.limit = d.old(), limit
	}
}

// old is the time before which ids are forgotten.
func (d *dedupe) old() int64 { return max(before(d.greatest, d.limit), d.floor) }

// eventID hashes a row's type, by the hash of its name, and id; zero if it has
// no id. buf is scratch that is returned grown.
func eventID(b *cep.Batch, t *cep.Table, kind uint64, row uint32, buf []byte) (xxh3.Uint128, []byte) {
	f := t.Schema.ID
	if f < 0 || !t.Cols[f].Has(int(row)) {
		return xxh3.Uint128{}, buf
	}
	w := t.Cols[f].Words[row]
	buf = binary.LittleEndian.AppendUint64(buf[:0], kind)
	switch t.Schema.Fields[f].Type.Kind {
	case cep.KindString:
		buf = append(buf, b.Str(w)...)
	case cep.KindIP, cep.KindPoint:
		buf = binary.LittleEndian.AppendUint64(buf, b.Wide[w][0])
		buf = binary.LittleEndian.AppendUint64(buf, b.Wide[w][1])
	default:
		buf = binary.LittleEndian.AppendUint64(buf, w)
	}
	id := xxh3.Hash128(buf)
	if id == (xxh3.Uint128{}) {
		id.Lo = 1
	}
	return id, buf
}

// touch reads where an id would stand, so that the misses of several overlap.
func (d *dedupe) touch(id xxh3.Uint128) { d.touched += d.table[id.Lo&uint64(len(d.table)-1)].at }

// duplicate takes a row into account and reports whether its id came before.
func (d *dedupe) duplicate(id xxh3.Uint128, at int64) bool {
	d.greatest = max(d.greatest, at)
	return id != (xxh3.Uint128{}) && d.limit >= 0 && d.see(id, at)
}

func (d *dedupe) see(id xxh3.Uint128, at int64) bool {
	old := d.old()
	mask := uint64(len(d.table) - 1)
	place := -1
	i := id.Lo & mask
	for ; d.table[i].id != (xxh3.Uint128{}); i = (i + 1) & mask {
		e := &d.table[i]
		if e.id == id {
			dup := e.at >= old
			if at > e.at {
				e.at = at
				d.note(id, at)
			}
			return dup
		}
		if place < 0 && e.at < old {
			place = int(i)
		}
	}
	d.note(id, at)
	if place >= 0 {
		d.table[place] = seenID{id, at}
		return false
	}
	d.table[i] = seenID{id, at}
	d.used++
	if d.used*8 > len(d.table)*5 {
		d.rebuild(old)
	}
	return false
}

// note tells the log, if there is one.
func (d *dedupe) note(id xxh3.Uint128, at int64) {
	if d.log != nil {
		d.log.add(id, at)
	}
}

// rebuild leaves out what is too old and doubles the table if the rest still
// fills more than a quarter.
func (d *dedupe) rebuild(old int64) {
	live := 0
	for i := range d.table {
		if e := &d.table[i]; e.id != (xxh3.Uint128{}) && e.at >= old {
			live++
		}
	}
	size := len(d.table)
	for live*4 > size {
		size *= 2
	}
	for size > dedupeMin && live*16 < size {
		size /= 2
	}
	was := d.table
	d.table = make([]seenID, size)
	d.used = live
	mask := uint64(size - 1)
	for i := range was {
		e := &was[i]
		if e.id == (xxh3.Uint128{}) || e.at < old {
			continue
		}
		j := e.id.Lo & mask
		for d.table[j].id != (xxh3.Uint128{}) {
			j = (j + 1) & mask
		}
		d.table[j] = *e
	}
}

func (d *dedupe) bytes() int64 {
	n := int64(len(d.table)) * 24
	if d.log != nil {
		n += d.log.bytes()
	}
	return n
}
