package dsl

import "sort"

// clauseRank is the place of a clause in a rule. A let stands between on and
// when, or behind the pattern.
func clauseRank(c Clause, pattern bool) int {
	switch c := c.(type) {
	case *MetaClause:
		return 0
	case *TagsClause:
		return 1
	case *StatusClause:
		return 2
	case *ByClause:
		return 3
	case *FromClause:
		return 4
	case *OnClause:
		return 5
	case *LetClause:
		if pattern {
			return 9
		}
		return 6
	case *WhenClause:
		return 7
	case *PatternClause:
		return 8
	case *CancelClause:
		return 10
	case *MatchClause:
		return 11
	case *EmitClause:
		return 12
	case *SuppressClause:
		return 13
	case *AlertClause:
		if c.Timeout {
			return 15
		}
	}
	return 14
}

// clausePieces is a clause with the comments that belong to it: those on the
// lines above it, and one behind it on its last line.
type clausePieces struct {
	rank, index int
	pieces      []piece
}

// orderClauses puts the clauses of a rule in their canonical order.
func (m *marker) orderClauses(r *RuleDecl) {
	pattern := false
	for _, c := range r.Clauses {
		if _, is := c.(*PatternClause); is {
			pattern = true
		}
	}
	var chunks []clausePieces
	from := 0
	multiline := false
	for i, c := range r.Clauses {
		span := c.ClauseSpan()
		if i == 0 {
			from = m.at(m.before(span.Start)) + 1
			for from < m.at(span.Start) && m.pieces[from].breaks == 0 { // behind the brace
				from++
			}
		}
		to := m.at(span.End)
		for to < len(m.pieces) && m.pieces[to].comment() && m.pieces[to].breaks == 0 {
			to++
		}
		multiline = multiline || m.pieces[from].breaks > 0
		chunks = append(chunks, clausePieces{clauseRank(c, pattern), i, append([]piece(nil), m.pieces[from:to]...)})
		from = to
	}
	inOrder := func(i, j int) bool { return chunks[i].rank < chunks[j].rank }
	if sort.SliceIsSorted(chunks, inOrder) {
		return
	}
	opening := chunks[0].pieces[0].breaks
	sort.SliceStable(chunks, inOrder)
	out := from
	for _, c := range chunks {
		out -= len(c.pieces)
	}
	for i, c := range chunks {
		head := &c.pieces[0]
		switch {
		case i == 0:
			head.breaks = max(min(head.breaks, 1), opening)
		case multiline && head.breaks == 0 && chunks[i-1].index != c.index-1:
			head.breaks = 1
		}
		out += copy(m.pieces[out:], c.pieces)
	}
}
