package engine

import (
	"encoding/binary"
	"fmt"

	"github.com/zeebo/xxh3"
)

// idLog is what a snapshot saves of the ids that a source's table remembers:
// pages of ids in the order in which they came. A page is written once and
// forgotten when all its ids are too old, so a snapshot costs what came since
// the one before it, not what is remembered. The table is made anew from the
// pages: of an id that stands in several, the latest time counts, as it does in
// the table.
type idLog struct {
	first    uint32  // number of the page of greatest[0]
	greatest []int64 // by page: the latest time in it; minTime: the page is gone
	full     []*idPage
	open     *idPage
}

// idPage is ids that came one behind the other.
type idPage struct {
	ids   [idsPerPage]seenID
	n     int
	saved int // how many a snapshot has written
}

const (
	idsPerPage = 1024
	idBytes    = 16 + 8
)

func newIDLog() *idLog { return &idLog{first: 1, open: &idPage{}} }

// add notes that an id came, or came again at a later time.
func (l *idLog) add(id xxh3.Uint128, at int64) {
	p := l.open
	p.ids[p.n] = seenID{id, at}
	if p.n++; p.n == idsPerPage {
		l.full, l.open = append(l.full, p), &idPage{}
	}
}

// save calls put for the pages that are new or have changed since the last
// call, which are the callee's to keep, and gone for those that nothing needs
// any more: all their ids are older than old.
func (l *idLog) save(old int64, put func(number uint32, p *idPage), gone func(number uint32)) {
	for _, p := range l.full {
		if number := l.number(p); l.greatest[number-l.first] >= old {
			put(number, p)
		} // else it is too old already, and only what was put for it is gone
	}
	clear(l.full)
	l.full = l.full[:0]
	if p := l.open; p.n != p.saved {
		// A page that is not full stays open: its number is the next one's.
		p.saved = p.n
		copied := *p
		number := l.number(&copied)
		put(number, &copied)
		l.greatest = l.greatest[:number-l.first]
	}
	for i, at := range l.greatest {
		if at != minTime && at < old {
			l.greatest[i] = minTime
			gone(l.first + uint32(i))
		}
	}
	for len(l.greatest) > 0 && l.greatest[0] == minTime {
		l.first, l.greatest = l.first+1, l.greatest[1:]
	}
}

// number gives a page the next number.
func (l *idLog) number(p *idPage) uint32 {
	at := int64(minTime)
	for _, e := range p.ids[:p.n] {
		at = max(at, e.at)
	}
	l.greatest = append(l.greatest, max(at, minTime+1))
	return l.first + uint32(len(l.greatest)) - 1
}

func (l *idLog) bytes() int64 {
	return int64(1+len(l.full))*idsPerPage*idBytes + int64(cap(l.greatest))*8
}

// record makes the table note what it learns from now on, and notes what it
// knows already.
func (d *dedupe) record() {
	d.log = newIDLog()
	old := d.old()
	for i := range d.table {
		if e := &d.table[i]; e.id != (xxh3.Uint128{}) && e.at >= old {
			d.log.add(e.id, e.at)
		}
	}
}

// load takes in a saved page. Pages come in the order of their numbers.
func (d *dedupe) load(number uint32, data []byte) error {
	if len(data) == 0 || len(data)%idBytes != 0 || len(data) > idsPerPage*idBytes {
		return fmt.Errorf("page %d of ids has %d bytes", number, len(data))
	}
	l := d.log
	if len(l.greatest) == 0 {
		l.first = number
	}
	for l.first+uint32(len(l.greatest)) < number {
		l.greatest = append(l.greatest, minTime)
	}
	old, latest := d.old(), int64(minTime+1)
	for ; len(data) > 0; data = data[idBytes:] {
		id := xxh3.Uint128{Lo: binary.LittleEndian.Uint64(data), Hi: binary.LittleEndian.Uint64(data[8:])}
		at := int64(binary.LittleEndian.Uint64(data[16:]))
		latest = max(latest, at)
		if at >= old {
			d.remember(id, at)
		}
	}
	l.greatest = append(l.greatest, latest)
	return nil
}

// remember enters an id, or that it came again.
func (d *dedupe) remember(id xxh3.Uint128, at int64) {
	mask := uint64(len(d.table) - 1)
	i := id.Lo & mask
	for ; d.table[i].id != (xxh3.Uint128{}); i = (i + 1) & mask {
		if e := &d.table[i]; e.id == id {
			e.at = max(e.at, at)
			return
		}
	}
	d.table[i] = seenID{id, at}
	d.used++
	if d.used*8 > len(d.table)*5 {
		d.rebuild(d.old())
	}
}

// appendIDs appends a page in the form that load takes.
func (p *idPage) appendIDs(dst []byte) []byte {
	for i := range p.ids[:p.n] {
		e := &p.ids[i]
		dst = binary.LittleEndian.AppendUint64(dst, e.id.Lo)
		dst = binary.LittleEndian.AppendUint64(dst, e.id.Hi)
		dst = binary.LittleEndian.AppendUint64(dst, uint64(e.at))
	}
	return dst
}
