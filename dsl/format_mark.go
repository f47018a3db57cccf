package dsl

import "sort"

// marker gives the tokens of a file the roles that its syntax tree tells.
type marker struct{ pieces []piece }

// at is the index of the first piece that starts at an offset or behind it.
func (m *marker) at(offset int) int {
	return sort.Search(len(m.pieces), func(i int) bool { return m.pieces[i].start >= offset })
}

// mark gives a role to the token that starts at an offset.
func (m *marker) mark(offset int, r role) {
	if i := m.at(offset); i < len(m.pieces) {
		m.pieces[i].role |= r
	}
}

// before is the offset of the token before the one at an offset.
func (m *marker) before(offset int) int {
	i := m.at(offset) - 1
	for i > 0 && m.pieces[i].comment() {
		i--
	}
	return m.pieces[max(i, 0)].start
}

// from is the offset of the first token at an offset or behind it.
func (m *marker) from(offset int) int {
	i := m.at(offset)
	for i < len(m.pieces) && m.pieces[i].comment() {
		i++
	}
	if i == len(m.pieces) {
		return offset
	}
	return m.pieces[i].start
}

// markFile marks every declaration. It reports false if a token belongs to
// none: then the file has syntax errors.
func (m *marker) markFile(f *File) bool {
	next := 0 // first piece behind the declarations so far
	for _, d := range f.Decls {
		span := d.DeclSpan()
		for ; next < len(m.pieces) && m.pieces[next].start < span.Start; next++ {
			if !m.pieces[next].comment() {
				return false
			}
		}
		next = m.at(span.End)
		m.mark(span.Start, roleItem)
		m.decl(d)
	}
	for ; next < len(m.pieces); next++ {
		if !m.pieces[next].comment() {
			return false
		}
	}
	return true
}

func (m *marker) decl(d Decl) {
	switch d := d.(type) {
	case *PredicateDecl:
		m.exprs(d.Body)
	case *DecisionDecl:
		m.decision(d)
	case *EnumDecl:
		for i := range d.Words {
			m.mark(d.Words[i].Span.Start, roleEntry)
		}
	case *EventDecl:
		m.event(d)
	case *SourceDecl:
		m.config(&d.Config)
	case *SinkDecl:
		m.config(&d.Config)
	case *ConstDecl:
		m.typeExpr(d.Type)
		m.exprs(d.Value)
	case *ParamDecl:
		m.typeExpr(&d.Type)
		m.exprs(d.Value, d.Min, d.Max)
	case *ListDecl:
		m.typeExpr(&d.Of)
		m.exprs(d.Value)
		m.config(&d.Config)
	case *TableDecl:
		m.config(&d.Config)
		m.mark(m.before(d.Key.Name.Span.Start), roleItem)
		m.typeExpr(&d.Key.Type)
		m.fields(d.Cols)
	case *FeatureDecl:
		m.exprs(d.Where)
		for i := range d.Items {
			m.mark(d.Items[i].Span.Start, roleItem)
			m.exprs(d.Items[i].Value)
		}
	case *DefaultsDecl:
		m.config(&d.Config)
	case *RuleDecl:
		for _, c := range d.Clauses {
			m.mark(c.ClauseSpan().Start, roleItem)
			m.clause(c)
		}
	case *TestDecl:
		m.test(d)
	}
}

func (m *marker) decision(d *DecisionDecl) {
	for i := range d.Lines {
		m.mark(d.Lines[i].Verdict.Span.Start, roleItem)
		m.exprs(d.Lines[i].When)
	}
	m.mark(m.before(d.Default.Span.Start), roleItem)
	if d.Deadline != nil {
		m.mark(m.before(d.Deadline.Span.Start), roleItem)
	}
}

func (m *marker) event(d *EventDecl) {
	for i := range d.Times {
		m.mark(d.Times[i].Span.Start, roleItem)
	}
	for i := range d.IDs {
		m.mark(m.before(d.IDs[i].Span.Start), roleItem)
	}
	m.fields(d.Fields)
}

func (m *marker) fields(fields []FieldDecl) {
	for i := range fields {
		m.mark(fields[i].Span.Start, roleItem)
		m.typeExpr(&fields[i].Type)
	}
}

func (m *marker) typeExpr(t *TypeExpr) {
	if t != nil && len(t.Args) > 0 {
		m.mark(m.from(t.Name.Span.End), roleTight)
	}
}

func (m *marker) config(c *Config) {
	for i := range c.Items {
		m.mark(c.Items[i].Span.Start, roleEntry)
		m.exprs(c.Items[i].Value)
	}
}

func (m *marker) clause(c Clause) {
	switch c := c.(type) {
	case *MetaClause:
		m.config(&c.Config)
	case *FromClause:
		m.exprs(c.Where)
	case *OnClause:
		m.exprs(c.Where)
	case *WhenClause:
		m.exprs(c.Cond)
	case *LetClause:
		m.exprs(c.Let.Value)
	case *PatternClause:
		m.steps(&c.Steps)
		m.exprs(c.Where)
	case *CancelClause:
		m.exprs(c.Where)
	case *SuppressClause:
		m.exprs(c.Unless)
	case *AlertClause:
		for i := range c.Items {
			item := &c.Items[i]
			m.mark(item.Span.Start, roleItem)
			m.config(&item.Config)
			m.exprs(item.Value, item.Field.Value)
		}
	}
}

func (m *marker) steps(seq *StepSeq) {
	for i := range seq.Steps {
		s := &seq.Steps[i]
		if s.Arrow == "" {
			m.mark(s.Span.Start, roleEntry)
		} else {
			m.mark(s.ArrowSpan.Start, roleEntry)
		}
		for j := range s.Sub {
			sub := &s.Sub[j]
			if s.Kind == StepGroup {
				m.mark(m.before(sub.Span.Start), roleOpen)
				m.mark(m.from(sub.Span.End), roleClose)
			}
			m.steps(sub)
		}
		m.exprs(s.Where, s.Until)
	}
}

func (m *marker) test(d *TestDecl) {
	given := m.from(m.from(d.For.Span.End) + 1) // behind the brace
	for i := range d.With {
		m.mark(d.With[i].Span.Start, roleItem)
		m.exprs(d.With[i].Target, d.With[i].Value)
		given = m.from(d.With[i].Span.End)
	}
	if i := m.at(given); i < len(m.pieces) && m.pieces[i].text == "given" {
		m.mark(given, roleItem)
	}
	for i := range d.Given {
		m.mark(d.Given[i].Span.Start, roleEvent)
		m.config(&d.Given[i].Config)
	}
	for i := range d.Expect {
		m.mark(d.Expect[i].Span.Start, roleItem)
		if c := d.Expect[i].Config; c != nil {
			m.config(c)
		}
	}
}

// exprs marks what has no blank before it: the parenthesis of a call, the
// bracket of a key, what a minus negates.
func (m *marker) exprs(nodes ...Node) {
	for _, n := range nodes {
		eachNode(n, func(n Node) {
			switch n := n.(type) {
			case *CallNode:
				m.mark(m.from(n.Func.Span.End), roleTight)
			case *IndexNode:
				m.mark(m.from(n.X.NodeSpan().End), roleTight)
			case *UnaryNode:
				if n.Op == "-" {
					m.mark(m.from(n.OpSpan.End), roleTight)
				}
			case *RowNode:
				for i := range n.Config.Items {
					m.mark(n.Config.Items[i].Span.Start, roleEntry)
				}
			}
		})
	}
}
