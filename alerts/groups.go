package alerts

import (
	"cmp"
	"slices"

	"github.com/weir-cep/weir/cep"
)

// Group is alerts that have a rule, a key or both in common.
type Group struct {
	Rule     string       // "" where alerts of several rules are in it
	Key      string       // "" where alerts of several keys are in it
	Alerts   uint64       // all of them
	Open     uint64       // those that are not closed
	FirstAt  int64        // ns; the least event time
	LastAt   int64        // ns; the greatest
	FirstSeq uint64       // number of the oldest
	LastSeq  uint64       // number of the newest
	Severity cep.Severity // the gravest
}

// GroupBy says what the alerts of a group have in common.
type GroupBy struct{ Rule, Key bool }

// Groups are the groups of alerts that pass a filter, those with the newest
// alert first, up to limit. It goes over the newest MaxScan alerts; back is the
// number of the oldest that it looked at.
func (l *Log) Groups(by GroupBy, f Filter, limit int) (list []Group, back uint64, err error) {
	if err := l.use(); err != nil {
		return nil, 0, err
	}
	defer l.done()
	head := l.head.Load()
	from := max(above(head, MaxScan), l.first.Load()-1)
	back = from + 1
	it, err := l.rows(from, head)
	if err != nil {
		return nil, back, err
	}
	defer it.Close()
	made, err := l.triagesOf(back, head)
	if err != nil {
		return nil, back, err
	}
	defer made.close()
	groups := map[[2]string]*Group{}
	for ok := it.First(); ok; ok = it.Next() {
		r, err := l.rowAt(it)
		if err != nil {
			return nil, back, err
		}
		seq := number(it.Key())
		t, err := made.of(seq)
		if err != nil {
			return nil, back, err
		}
		if f.passes(&r) && f.made(&t) {
			by.add(groups, seq, &r, &t)
		}
	}
	if err := it.Error(); err != nil {
		return nil, back, l.readError(err)
	}
	for _, g := range groups {
		list = append(list, *g)
	}
	slices.SortFunc(list, func(a, b Group) int { return cmp.Compare(b.LastSeq, a.LastSeq) })
	return list[:min(limit, len(list))], back, nil
}

// add puts an alert into its group.
func (by GroupBy) add(groups map[[2]string]*Group, seq uint64, r *row, t *Triage) {
	var name [2]string
	if by.Rule {
		name[0] = string(r.rule)
	}
	if by.Key {
		name[1] = string(r.key)
	}
	g := groups[name]
	if g == nil {
		g = &Group{Rule: name[0], Key: name[1], FirstAt: r.at, LastAt: r.at, FirstSeq: seq}
		groups[name] = g
	}
	g.Alerts++
	if t.State != StateClosed {
		g.Open++
	}
	g.FirstAt, g.LastAt, g.LastSeq = min(g.FirstAt, r.at), max(g.LastAt, r.at), seq
	g.Severity = max(g.Severity, r.severity)
}
