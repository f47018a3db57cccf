package alerts

import (
	"errors"

	"github.com/cockroachdb/pebble/v2"
)

// Page is a run of alerts.
type Page struct {
	Entries []Entry
	Next    uint64 // read on behind it; it may be beyond the last entry where a filter left some out
	Head    uint64 // of the log when the page was read
	First   uint64 // of the log
	Gone    uint64 // alerts right behind the number asked for that retention has removed
}

// What one call of After does at most.
const (
	MaxPage = 10_000  // alerts in a page
	MaxScan = 100_000 // alerts looked at
	maxText = 8 << 20 // bytes of the alerts in a page, the one that passes it included
)

// After returns alerts behind number seq, up to limit of them (at most
// MaxPage) that pass the filter, in the order of their numbers. A page may be
// short, or empty, though there is more: it looks at MaxScan alerts. The end is
// reached when Next is Head.
func (l *Log) After(seq uint64, limit int, f Filter) (Page, error) {
	if err := l.use(); err != nil {
		return Page{}, err
	}
	defer l.done()
	head := l.head.Load()
	p := Page{Next: seq, Head: head, First: l.first.Load()}
	if seq >= head || limit <= 0 {
		return p, nil
	}
	it, err := l.rows(seq, head)
	if err != nil {
		return p, err
	}
	defer it.Close()
	made, err := l.triagesOf(seq+1, head)
	if err != nil {
		return p, err
	}
	defer made.close()
	limit = min(limit, MaxPage)
	size, scanned := 0, 0
	for ok := it.First(); ok; ok = it.Next() {
		n := number(it.Key())
		r, err := l.rowAt(it)
		if err != nil {
			return p, err
		}
		switch {
		case scanned == 0 && n <= max(seq+1, l.first.Load()):
			p.Gone = n - seq - 1
		case scanned == 0 || n != p.Next+1:
			return p, l.damaged("alerts between %d and %d are missing", p.Next, n)
		}
		p.Next = n
		text, err := l.take(&p, n, &r, made, &f)
		if err != nil {
			return p, err
		}
		size += text
		if scanned++; len(p.Entries) == limit || scanned == MaxScan || size > maxText {
			return p, nil
		}
	}
	if err := it.Error(); err != nil {
		return p, l.readError(err)
	}
	switch {
	case scanned == 0 && l.first.Load() > head:
		p.Gone = head - seq
	case scanned == 0 || p.Next != head:
		return p, l.damaged("alerts behind %d are missing", p.Next)
	}
	p.Next = head
	return p, nil
}

// take adds an alert to a page if it passes the filter, and returns the size of
// its text.
func (l *Log) take(p *Page, seq uint64, r *row, made *triages, f *Filter) (int, error) {
	if !f.passes(r) {
		return 0, nil
	}
	t, err := made.of(seq)
	if err != nil || !f.made(&t) {
		return 0, err
	}
	e, err := r.entry(seq, t)
	if err != nil {
		return 0, l.badRow(seq, err)
	}
	p.Entries = append(p.Entries, e)
	return len(e.JSON), nil
}

// rows goes over the rows of alerts behind seq, up to head.
func (l *Log) rows(seq, head uint64) (*pebble.Iterator, error) {
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: alertKey(nil, seq+1), UpperBound: alertKey(nil, head+1)})
	if err != nil {
		return nil, l.readError(err)
	}
	return it, nil
}

func (l *Log) rowAt(it *pebble.Iterator) (row, error) {
	v, err := it.ValueAndErr()
	if err != nil {
		return row{}, l.readError(err)
	}
	r, err := parseRow(v)
	if err != nil {
		return row{}, l.badRow(number(it.Key()), err)
	}
	return r, nil
}

func (l *Log) badRow(seq uint64, err error) error {
	return l.damaged("alert %d: %v", seq, err)
}

// Get returns one alert, or ErrNone.
func (l *Log) Get(seq uint64) (Entry, error) {
	if err := l.use(); err != nil {
		return Entry{}, err
	}
	defer l.done()
	return l.entry(seq)
}

func (l *Log) entry(seq uint64) (Entry, error) {
	r, done, err := l.get(seq)
	if err != nil {
		return Entry{}, err
	}
	defer done()
	t, err := l.triage(seq)
	if err != nil {
		return Entry{}, err
	}
	e, err := r.entry(seq, t)
	if err != nil {
		return e, l.badRow(seq, err)
	}
	return e, nil
}

// get reads one row. It is valid until done is called.
func (l *Log) get(seq uint64) (r row, done func() error, err error) {
	v, c, err := l.db.Get(alertKey(nil, seq))
	switch {
	case errors.Is(err, pebble.ErrNotFound):
		return r, nil, ErrNone
	case err != nil:
		return r, nil, l.readError(err)
	}
	if r, err = parseRow(v); err != nil {
		c.Close()
		return r, nil, l.badRow(seq, err)
	}
	return r, c.Close, nil
}

// Find returns the last alert of an id, or ErrNone.
func (l *Log) Find(id [16]byte) (Entry, error) {
	if err := l.use(); err != nil {
		return Entry{}, err
	}
	defer l.done()
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: idKey(nil, id, 0), UpperBound: idKey(nil, id, 1<<63)})
	if err != nil {
		return Entry{}, l.readError(err)
	}
	defer it.Close()
	if !it.Last() {
		if err := it.Error(); err != nil {
			return Entry{}, l.readError(err)
		}
		return Entry{}, ErrNone
	}
	return l.entry(number(it.Key()))
}
