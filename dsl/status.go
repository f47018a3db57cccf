package dsl

// SetStatus gives rules of a file another status than the file says, as if it
// said so. Rules that are not named keep theirs.
func (f *File) SetStatus(statuses map[string]Status) {
	for _, d := range f.Decls {
		rule, ok := d.(*RuleDecl)
		if !ok {
			continue
		}
		status, ok := statuses[rule.Name.Name]
		if !ok {
			continue
		}
		clause := &StatusClause{Span: rule.Name.Span, Value: Ident{Name: string(status), Span: rule.Name.Span}}
		said := false
		for i, c := range rule.Clauses {
			if was, ok := c.(*StatusClause); ok {
				clause.Span, clause.Value.Span = was.Span, was.Value.Span
				rule.Clauses[i], said = clause, true
			}
		}
		if !said {
			rule.Clauses = append([]Clause{clause}, rule.Clauses...)
		}
	}
}
