package alerts

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"
)

// shelf keeps records that became no event: each place once, the oldest go
// first, totals stay.
//
// A record whose place went with the oldest is still known: the records of a
// partition come in the order of their positions, give or take a chunk of its
// source, so what lies at or before the last one removed came before. That is
// what makes the totals those of an uncrashed run however much was removed
// between a checkpoint and a crash.
type shelf struct {
	name        string
	rows, index byte
	keep        uint64 // records
	first, next uint64 // numbers
	bytes       uint64
	totals      map[total]uint64
	gone        map[string]uint64 // by source and partition: greatest position that was removed
}

// maxShelfBytes bounds what a shelf holds beside the number of its records.
const maxShelfBytes = 512 << 20

// total is what a shelf's records are counted by.
type total struct{ source, reason string }

// Total is how many records of a source were left out for one reason, since
// the log began.
type Total struct {
	Source string
	Reason string // of a dead letter its reason, of a late event its type
	Count  uint64
}

// load reads the shelf's state.
func (s *shelf) load(l *Log) error {
	s.totals, s.gone = map[total]uint64{}, map[string]uint64{}
	s.first, s.next = 1, 1
	v, done, err := l.db.Get(metaKey(s.name))
	switch {
	case errors.Is(err, pebble.ErrNotFound):
		return nil
	case err != nil:
		return l.readError(err)
	}
	d := decoder{rest: v}
	s.first, s.next, s.bytes = d.fixed(), d.fixed(), d.fixed()
	done.Close()
	if d.bad || s.first > s.next {
		return l.damaged("what it says of its %s is not as it was written", s.name)
	}
	err = l.each(s.totalKey(nil), func(key, v []byte) error {
		d := decoder{rest: key}
		source := string(d.text())
		s.totals[total{source, string(d.rest)}] = binary.BigEndian.Uint64(v)
		return nil
	})
	if err != nil {
		return err
	}
	return l.each(s.goneKey(nil), func(key, v []byte) error {
		s.gone[string(key)] = binary.BigEndian.Uint64(v)
		return nil
	})
}

func (s *shelf) totalKey(dst []byte) []byte { return append(dst, keyTotal, s.rows) }
func (s *shelf) goneKey(dst []byte) []byte  { return append(dst, keyGone, s.rows) }

func (s *shelf) rowKey(dst []byte, n uint64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, s.rows), n)
}

func (s *shelf) placeKey(dst, place []byte) []byte { return append(append(dst, s.index), place...) }

// put keeps a record unless its place is known. v is what is written behind
// the place.
func (l *Log) put(s *shelf, place []byte, reason string, v []byte) error {
	if err := l.beginWrite(); err != nil {
		return err
	}
	defer l.endWrite()
	known, err := l.known(s, place)
	if known || err != nil {
		return err
	}
	b := l.db.NewBatch()
	defer b.Close()
	l.row = appendText(append(l.row[:0], rowVersion), string(place))
	l.row = append(l.row, v...)
	l.key = s.rowKey(l.key[:0], s.next)
	if err := b.Set(l.key, l.row, nil); err != nil {
		return err
	}
	size := uint64(len(l.row))
	l.row = s.rowKey(l.row[:0], s.next)[1:]
	l.key = s.placeKey(l.key[:0], place)
	if err := b.Set(l.key, l.row, nil); err != nil {
		return err
	}
	d := decoder{rest: place}
	t := total{source: string(d.text()), reason: reason}
	l.key = append(appendText(s.totalKey(l.key[:0]), t.source), t.reason...)
	if err := b.Set(l.key, binary.BigEndian.AppendUint64(nil, s.totals[t]+1), nil); err != nil {
		return err
	}
	first, bytes, gone, err := l.clear(s, b, size)
	if err != nil {
		return err
	}
	if err := b.Set(metaKey(s.name), shelfState(first, s.next+1, bytes), nil); err != nil {
		return err
	}
	if err := l.write(b); err != nil {
		return err
	}
	l.shelves.Lock()
	defer l.shelves.Unlock()
	s.first, s.bytes = first, bytes
	s.next++
	s.totals[t]++
	for stream, position := range gone {
		s.gone[stream] = position
	}
	return nil
}

func shelfState(first, next, bytes uint64) []byte {
	v := binary.BigEndian.AppendUint64(nil, first)
	v = binary.BigEndian.AppendUint64(v, next)
	return binary.BigEndian.AppendUint64(v, bytes)
}

// known says whether a record of that place was here before.
func (l *Log) known(s *shelf, place []byte) (bool, error) {
	stream, position := splitPlace(place)
	bare := len(place) == len(stream)+8 // its source says no place of its own: others can stand at one position
	if g, ok := s.gone[string(stream)]; ok && (position < g || position == g && bare) {
		return true, nil
	}
	l.key = s.placeKey(l.key[:0], place)
	_, done, err := l.db.Get(l.key)
	switch {
	case errors.Is(err, pebble.ErrNotFound):
		return false, nil
	case err != nil:
		return false, l.readError(err)
	}
	return true, done.Close()
}

// splitPlace cuts a place into the partition and the position in it.
func splitPlace(place []byte) (stream []byte, position uint64) {
	d := decoder{rest: place}
	d.text()
	n := len(place) - len(d.rest) + 4
	return place[:n], binary.BigEndian.Uint64(place[n:])
}

// clear puts the removal of the oldest records into a batch that adds one of
// that size, if there are too many: an eighth at a time, so that most records
// cost no look at an old one.
func (l *Log) clear(s *shelf, b *pebble.Batch, size uint64) (first, bytes uint64, gone map[string]uint64, err error) {
	first, bytes = s.first, s.bytes+size
	if s.next-first < s.keep && bytes <= maxShelfBytes {
		return first, bytes, nil, nil
	}
	keep, keepBytes := s.keep-s.keep/8, uint64(maxShelfBytes-maxShelfBytes/8)
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: s.rowKey(nil, first), UpperBound: s.rowKey(nil, s.next)})
	if err != nil {
		return 0, 0, nil, l.readError(err)
	}
	defer it.Close()
	gone = map[string]uint64{}
	for ok := it.First(); ok && (s.next-first >= keep || bytes > keepBytes); ok = it.Next() {
		v, err := it.ValueAndErr()
		if err != nil {
			return 0, 0, nil, l.readError(err)
		}
		d := decoder{rest: v}
		d.byte()
		place := d.text()
		stream, position := splitPlace(place)
		gone[string(stream)] = max(gone[string(stream)], s.gone[string(stream)], position)
		if err := b.Delete(s.placeKey(nil, place), nil); err != nil {
			return 0, 0, nil, err
		}
		first, bytes = number(it.Key())+1, bytes-uint64(len(v))
	}
	if err := it.Error(); err != nil {
		return 0, 0, nil, l.readError(err)
	}
	for stream, position := range gone {
		if err := b.Set(append(s.goneKey(nil), stream...), binary.BigEndian.AppendUint64(nil, position), nil); err != nil {
			return 0, 0, nil, err
		}
	}
	return first, bytes, gone, b.DeleteRange(s.rowKey(nil, s.first), s.rowKey(nil, first), nil)
}

// after reads records behind number n.
func (s *shelf) after(l *Log, n uint64, limit int, take func(uint64, place, *decoder)) (next uint64, err error) {
	if err := l.use(); err != nil {
		return n, err
	}
	defer l.done()
	l.shelves.Lock()
	end := s.next
	l.shelves.Unlock()
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: s.rowKey(nil, n+1), UpperBound: s.rowKey(nil, end)})
	if err != nil {
		return n, l.readError(err)
	}
	defer it.Close()
	limit = min(limit, MaxPage)
	size := 0
	for ok := it.First(); ok && limit > 0 && size <= maxText; ok = it.Next() {
		v, err := it.ValueAndErr()
		if err != nil {
			return n, l.readError(err)
		}
		d := decoder{rest: v}
		version, text := d.byte(), d.text()
		p, ok := parsePlace(text)
		if version != rowVersion || !ok {
			return n, l.damaged("record %d of the %s: %v", number(it.Key()), s.name, errRow)
		}
		n = number(it.Key())
		take(n, p, &d)
		size += len(v)
		limit--
	}
	return n, l.readError(it.Error())
}

// DeadTotals and LateTotals count what was left out since the log began, by
// source and reason.
func (l *Log) DeadTotals() []Total { return l.dead.sums(l) }

// LateTotals counts late events by source and type.
func (l *Log) LateTotals() []Total { return l.late.sums(l) }

func (s *shelf) sums(l *Log) []Total {
	l.shelves.Lock()
	defer l.shelves.Unlock()
	list := make([]Total, 0, len(s.totals))
	for t, n := range s.totals {
		list = append(list, Total{Source: t.source, Reason: t.reason, Count: n})
	}
	slices.SortFunc(list, func(a, b Total) int {
		if c := strings.Compare(a.Source, b.Source); c != 0 {
			return c
		}
		return strings.Compare(a.Reason, b.Reason)
	})
	return list
}

// each calls f with what is behind a prefix in every key that has it, and its
// value; no prefix: with all there is.
func (l *Log) each(prefix []byte, f func(key, v []byte) error) error {
	opt := &pebble.IterOptions{}
	if len(prefix) > 0 {
		opt.LowerBound, opt.UpperBound = prefix, slices.Clone(prefix)
		opt.UpperBound[len(prefix)-1]++
	}
	it, err := l.db.NewIter(opt)
	if err != nil {
		return l.readError(err)
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		v, err := it.ValueAndErr()
		if err != nil {
			return l.readError(err)
		}
		if err := f(it.Key()[len(prefix):], v); err != nil {
			return err
		}
	}
	return l.readError(it.Error())
}
