package alerts

// Last returns alerts from the newest to older ones, those below number before
// (0: from the head on), up to limit of them that pass the filter. Next is the
// number to go on below; the end is reached when it is not above First. Like
// After it looks at MaxScan alerts at most.
func (l *Log) Last(limit int, before uint64, f Filter) (Page, error) {
	if err := l.use(); err != nil {
		return Page{}, err
	}
	defer l.done()
	p := Page{Head: l.head.Load(), First: l.first.Load()}
	if before == 0 || before > p.Head {
		before = p.Head + 1
	}
	p.Next = before
	it, err := l.rows(0, before-1)
	if err != nil {
		return p, err
	}
	defer it.Close()
	limit = min(limit, MaxPage)
	size, scanned := 0, 0
	for ok := it.Last(); ok && len(p.Entries) < limit && scanned < MaxScan && size <= maxText; ok = it.Prev() {
		seq := number(it.Key())
		r, err := l.rowAt(it)
		if err != nil {
			return p, err
		}
		text, err := l.takeOne(&p, seq, &r, &f)
		if err != nil {
			return p, err
		}
		p.Next = seq
		size += text
		scanned++
	}
	return p, l.readError(it.Error())
}

// takeOne is take for alerts that do not come in the order of their numbers.
func (l *Log) takeOne(p *Page, seq uint64, r *row, f *Filter) (int, error) {
	if !f.passes(r) {
		return 0, nil
	}
	t, err := l.triage(seq)
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
