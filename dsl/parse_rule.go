package dsl

import "github.com/alecthomas/participle/v2/lexer"

// clauseWords begin a clause of a rule.
var clauseWords = []string{"meta", "status", "tags", "by", "global", "let", "from", "on", "when", "pattern", "cancel", "match", "emit", "suppress", "alert"}

var clauseSet = map[string]bool{"meta": true, "status": true, "tags": true, "by": true, "global": true, "let": true, "from": true, "on": true, "when": true,
	"pattern": true, "cancel": true, "match": true, "emit": true, "suppress": true, "alert": true}

func (p *parser) ruleDecl(start int) Decl {
	d := &RuleDecl{Name: p.ident("the rule's name")}
	if p.peek().Type == tokString {
		d.Title = p.literal()
	}
	p.expectOp("{", "to begin the rule")
	for !p.acceptOp("}") {
		p.recoverItem(func() { d.Clauses = append(d.Clauses, p.clause()) }, beginsClause)
	}
	d.Span = p.from(start)
	return d
}

// beginsClause tells a clause, perhaps misspelt, from what goes on.
func beginsClause(t, after *lexer.Token) bool {
	if clauseSet[t.Value] {
		return t.Type == tokIdent || t.Type == tokWord
	}
	return t.Type == tokIdent && after.Type != tokOp && nearest(t.Value, clauseWords) != ""
}

func (p *parser) clause() Clause {
	t := p.peek()
	if !clauseSet[t.Value] || t.Type != tokIdent && t.Type != tokWord {
		p.unknownClause()
	}
	start := t.Pos.Offset
	p.next()
	switch t.Value {
	case "meta":
		return &MetaClause{Config: p.config(), Span: p.from(start)}
	case "status":
		return &StatusClause{Value: p.ident("live, shadow or off"), Span: p.from(start)}
	case "tags":
		return p.tagsClause(start)
	case "by":
		return &ByClause{Key: p.key(), Span: p.from(start)}
	case "global":
		return &ByClause{Global: true, Span: p.from(start)}
	case "let":
		return &LetClause{Let: p.assign("a name"), Span: p.from(start)}
	case "from":
		c := &FromClause{Of: p.typeRef("an event type")}
		p.expectWord("where", "and a condition after \"from "+c.Of.Name.Name+"\"")
		c.Where = p.expr()
		c.Span = p.from(start)
		return c
	case "on":
		return p.onClause(start)
	case "when":
		return p.whenClause(start)
	case "pattern":
		return p.patternClause(start)
	case "cancel":
		return p.cancelClause(start)
	case "match":
		return p.matchClause(start)
	case "emit":
		return p.emitClause(start)
	case "suppress":
		return p.suppressClause(start)
	}
	return p.alertClause(start, false)
}

// endWords may end the clause before: one of them, misspelt, looks like an
// unknown clause.
var endWords = append([]string{"within", "where", "for", "gap", "keep", "per", "unless", "limit", "skip", "then"}, clauseWords...)

func (p *parser) unknownClause() {
	t := p.peek()
	p.habits(t)
	if t.Type == tokIdent || t.Type == tokWord {
		switch near := nearest(t.Value, endWords); near {
		case "":
		case t.Value:
			p.fail(Diagnostic{Code: "E100", Span: spanOf(t), Message: `"` + t.Value + `" doesn't belong to what stands before it`, Label: "and begins no clause of a rule"})
		default:
			p.fail(Diagnostic{Code: "E122", Span: spanOf(t), Message: `a rule has no clause "` + t.Value + `"`,
				Label: `did you mean "` + near + `"?`, Fixes: []string{near}})
		}
	}
	p.unexpected("a clause of the rule (by, on, when, pattern, match, suppress, alert …)")
}

func (p *parser) tagsClause(start int) Clause {
	c := &TagsClause{}
	p.expectOp("[", "to begin the tags")
	for !p.op("]") {
		c.Tags = append(c.Tags, p.ident("a tag"))
		if !p.acceptOp(",") {
			break
		}
	}
	p.expectOp("]", "to end the tags")
	c.Span = p.from(start)
	return c
}

func (p *parser) onClause(start int) Clause {
	if colon := p.ahead(1); !(colon.Type == tokOp && (colon.Value == ":" || colon.Value == ".")) && p.acceptWord("timeout") {
		p.expectWord("alert", `after "on timeout"`)
		return p.alertClause(start, true)
	}
	c := &OnClause{Label: p.label()}
	c.Type = p.typeRef("an event type")
	switch after := p.ahead(1); {
	case p.acceptWord("where"):
		c.Where = p.expr()
	case p.firstOfLine(p.at()) && p.beginsCondition(p.peek(), &after):
		p.missingWhen()
	default:
		c.Where = p.missingWhere(start, "conditions on an event start with \"where\"")
	}
	c.Span = p.from(start)
	return c
}

// missingWhen gives up at a condition on a line of its own below the event.
func (p *parser) missingWhen() {
	d := Diagnostic{Code: "E111", Span: spanOf(p.peek()), Message: "a clause is missing before this condition", Label: `a rule's condition starts with "when"`}
	n := len(p.diags)
	p.report(d)
	cond := p.expr()
	p.diags[n].Fixes = []string{"when " + p.slice(cond.NodeSpan())}
	panic(bailout{})
}

// label reads "name:" if it is next.
func (p *parser) label() *Ident {
	colon := p.ahead(1)
	if colon.Type != tokOp || colon.Value != ":" {
		return nil
	}
	l := p.ident("a label")
	p.next()
	return &l
}

func (p *parser) whenClause(start int) Clause {
	c := &WhenClause{Newly: p.acceptWord("newly")}
	c.Cond = p.expr()
	if p.acceptWord("for") {
		c.For = p.duration(`a duration after "for"`)
		if p.acceptWord("gap") {
			c.Gap = p.duration(`a duration after "gap"`)
		}
	}
	if p.acceptWord("keep") {
		c.Keep = p.duration(`a duration after "keep"`)
	}
	c.Span = p.from(start)
	return c
}

func (p *parser) cancelClause(start int) Clause {
	c := &CancelClause{}
	p.expectWord("on", `after "cancel"`)
	c.Of = p.typeRef("an event type")
	if p.acceptWord("by") {
		k := p.key()
		c.By = &k
	}
	if p.acceptWord("where") {
		c.Where = p.expr()
	} else {
		c.Where = p.missingWhere(start, "conditions on an event start with \"where\"")
	}
	c.Span = p.from(start)
	return c
}

func (p *parser) matchClause(start int) Clause {
	c := &MatchClause{Policy: p.ident("first, latest or each")}
	switch c.Policy.Name {
	case "first", "latest", "each":
	default:
		d := Diagnostic{Code: "E122", Span: c.Policy.Span, Message: `there is no match policy "` + c.Policy.Name + `"`, Notes: []string{"the policies are: first, latest, each"}}
		if c.Policy.Name == "all" {
			d.Fixes = []string{"match each limit 50"}
		}
		p.fail(d)
	}
	if p.acceptWord("limit") {
		_, c.Limit = p.count(`a number after "limit"`)
	}
	if at := p.at(); p.acceptWord("skip") {
		c.Skip = p.skipClauseOf(at)
	}
	c.Span = p.from(start)
	return c
}

func (p *parser) skipClauseOf(start int) *SkipClause {
	s := &SkipClause{}
	switch {
	case p.acceptWord("past"):
		p.expectWord("last", `after "skip past"`)
		s.Kind = "past"
	case p.acceptWord("to"):
		switch {
		case p.acceptWord("next"):
			s.Kind = "next"
		case p.word("first") || p.word("last"):
			s.Kind = p.next().Value
			id := p.ident("a step's label")
			s.Step = &id
		default:
			p.unexpected(`"next", "first STEP" or "last STEP" after "skip to"`)
		}
	default:
		p.unexpected(`"to next", "past last", "to first STEP" or "to last STEP" after "skip"`)
	}
	s.Span = p.from(start)
	return s
}

func (p *parser) emitClause(start int) Clause {
	c := &EmitClause{}
	switch {
	case p.acceptWord("on"):
		p.expectWord("match", `after "emit on"`)
		c.When = "match"
	case p.acceptWord("updates"):
		c.When = "updates"
	case p.acceptWord("at"):
		p.expectWord("end", `after "emit at"`)
		c.When = "end"
	default:
		p.unexpected(`"on match" or "at end" after "emit"`)
	}
	c.Span = p.from(start)
	return c
}

func (p *parser) suppressClause(start int) Clause {
	c := &SuppressClause{}
	p.expectWord("for", `and a duration after "suppress"`)
	c.For = p.duration(`a duration after "suppress for"`)
	if p.acceptWord("per") {
		k := p.key()
		c.Per = &k
	}
	if p.acceptWord("unless") {
		c.Unless = p.expr()
	}
	c.Span = p.from(start)
	return c
}

func (p *parser) alertClause(start int, timeout bool) Clause {
	c := &AlertClause{Timeout: timeout}
	if p.acceptWord("as") {
		id := p.typeName("the name of an alert event")
		c.As = &id
	}
	p.expectOp("{", "to begin the alert")
	for !p.acceptOp("}") {
		p.recoverItem(func() { c.Items = append(c.Items, p.alertItem()) }, beginsAlertItem)
	}
	c.Span = p.from(start)
	return c
}

var alertWords = []string{"severity", "score", "message", "labels"}

// beginsAlertItem tells an item from what continues the one before it.
func beginsAlertItem(t, after *lexer.Token) bool {
	if t.Type != tokIdent {
		return false
	}
	switch t.Value {
	case "severity", "score", "message", "labels", "to":
		return true
	}
	return beginsAssign(t, after) || after.Type != tokOp && nearest(t.Value, alertWords) != ""
}

// alertItem is an item of an alert block. A field may be called like an item:
// "score = 1" is a field and reported by the checker.
func (p *parser) alertItem() AlertItem {
	t := p.peek()
	start := t.Pos.Offset
	item := AlertItem{Kind: t.Value}
	if eq := p.ahead(1); eq.Type == tokOp && eq.Value == "=" {
		item.Kind, item.Field = "field", p.assign("a field")
		item.Span = p.from(start)
		return item
	}
	if t.Type != tokIdent {
		p.unexpected("severity, score, message, labels, to, or a field (name = value)")
	}
	switch t.Value {
	case "severity", "score":
		p.next()
		item.Value = p.expr()
	case "message":
		p.next()
		item.Text = p.str("the message's text")
	case "labels":
		p.next()
		item.Config = p.config()
	case "to":
		p.next()
		item.To = append(item.To, p.ident("a sink"))
		for p.acceptOp(",") {
			item.To = append(item.To, p.ident("a sink"))
		}
	default:
		if near := nearest(t.Value, alertWords); near != "" {
			p.fail(Diagnostic{Code: "E122", Span: spanOf(t), Message: `an alert has no item "` + t.Value + `"`, Label: `did you mean "` + near + `"?`, Fixes: []string{near}})
		}
		p.next()
		p.unexpected(`"=" and a value after the field "` + t.Value + `"`)
	}
	item.Span = p.from(start)
	return item
}
