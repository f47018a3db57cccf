package dsl

import (
	"strings"
)

// declWords begin a declaration.
var declWords = []string{"timezone", "predicate", "decision", "import", "enum", "event", "source", "sink", "const", "param", "list", "table", "feature", "rule", "defaults", "test"}

var declSet = wordSet(strings.Join(declWords, " "))

// recoverDecl reads one declaration; after an error it skips to the next one
// and returns nil.
func (p *parser) recoverDecl() (d Decl) {
	start := *p.lex
	errors := len(p.diags)
	ok := p.guard(func() { d = p.decl() })
	if ok {
		if len(p.diags) > errors {
			return nil // the mistakes were understood and reported; the declaration is not used
		}
		return d
	}
	*p.lex = start
	p.skipDecl(errors)
	return nil
}

// skipDecl moves behind the declaration that begins here: to the first
// declaration word at brace depth 0. A brace that is never closed is reported
// at its opener, instead of what it led to.
func (p *parser) skipDecl(errors int) {
	depth, first := 0, true
	var open Span
	for {
		t := p.peek()
		switch {
		case t.EOF():
			if depth > 0 {
				p.diags = p.diags[:errors]
				p.report(Diagnostic{Code: "E100", Span: open, Message: `this "{" is never closed`, Label: "opened here",
					Notes: []string{`a "}" is missing before the end of the file`}})
			}
			return
		case !first && p.startsDecl(depth):
			if depth > 0 {
				p.diags = p.diags[:errors]
				p.report(Diagnostic{Code: "E100", Span: open, Message: `this "{" is never closed`, Label: "opened here",
					Notes: []string{`the next declaration begins before a "}"`}})
			}
			return
		case t.Type == tokOp && t.Value == "{":
			if depth == 0 {
				open = spanOf(t)
			}
			depth++
		case t.Type == tokOp && t.Value == "}":
			depth = max(0, depth-1)
		}
		first = false
		p.next()
	}
}

// startsDecl says that the next token begins a declaration. Inside braces only
// a declaration word at the start of a line counts, since fields and clauses
// may be called like one.
func (p *parser) startsDecl(depth int) bool {
	t := p.peek()
	if t.Type != tokIdent || !declSet[t.Value] {
		return false
	}
	if n := p.ahead(1); n.Type == tokOp {
		return false // a field or clause of that name
	}
	if depth == 0 {
		return true
	}
	at := t.Pos.Offset
	return at == 0 || p.text[at-1] == '\n'
}

func (p *parser) decl() Decl {
	t := p.peek()
	if t.Type == tokBad {
		p.badToken(t)
	}
	if t.Type != tokIdent || !declSet[t.Value] {
		d := Diagnostic{Code: "E100", Span: spanOf(t), Message: "expected a declaration, found " + describeToken(t),
			Notes: []string{"a file consists of: " + strings.Join(declWords, ", ")}}
		if near := nearest(t.Value, declWords); near != "" {
			d.Label, d.Fixes = `did you mean "`+near+`"?`, []string{near}
		}
		p.fail(d)
	}
	p.next()
	start := t.Pos.Offset
	switch t.Value {
	case "timezone":
		return &TimezoneDecl{Zone: p.str("a time zone's name, as \"Europe/Paris\""), Span: p.from(start)}
	case "predicate":
		return p.predicateDecl(start)
	case "decision":
		return p.decisionDecl(start)
	case "import":
		return p.importDecl(start)
	case "enum":
		return p.enumDecl(start)
	case "event":
		return p.eventDecl(start)
	case "source":
		return p.sourceDecl(start)
	case "sink":
		return p.sinkDecl(start)
	case "const":
		return p.constDecl(start)
	case "param":
		return p.paramDecl(start)
	case "list":
		return p.listDecl(start)
	case "table":
		return p.tableDecl(start)
	case "feature":
		return p.featureDecl(start)
	case "rule":
		return p.ruleDecl(start)
	case "defaults":
		d := &DefaultsDecl{Of: p.typeRef("an event type")}
		d.Config = p.config()
		d.Span = p.from(start)
		return d
	}
	return p.testDecl(start)
}

func (p *parser) predicateDecl(start int) Decl {
	d := &PredicateDecl{Name: p.ident("the predicate's name")}
	p.expectWord("on", "and an event type after the predicate's name")
	d.On = p.typeRef("an event type")
	p.expectOp("=", "before the predicate's condition")
	d.Body = p.expr()
	d.Span = p.from(start)
	return d
}

func (p *parser) decisionDecl(start int) Decl {
	d := &DecisionDecl{Name: p.ident("the decision's name")}
	p.expectWord("on", "and an event type after the decision's name")
	d.On = p.typeRef("an event type")
	p.expectOp("{", "to begin the decision")
	for !p.word("default") {
		line := DecisionClause{Verdict: p.ident(`a verdict, or "default"`)}
		p.expectWord("when", "after the verdict")
		line.When = p.expr()
		d.Lines = append(d.Lines, line)
	}
	p.next()
	d.Default = p.ident("the default verdict")
	if p.acceptWord("deadline") {
		d.Deadline = p.duration("a duration after \"deadline\"")
	}
	p.expectOp("}", "to end the decision")
	d.Span = p.from(start)
	return d
}

func (p *parser) importDecl(start int) Decl {
	d := &ImportDecl{Path: p.str("the path of a rule file")}
	if p.acceptWord("as") {
		as := p.ident("a name for the import")
		d.As = &as
	}
	d.Span = p.from(start)
	return d
}

func (p *parser) enumDecl(start int) Decl {
	d := &EnumDecl{Name: p.typeName("an enum's name")}
	p.expectOp("{", "to begin the enum's words")
	for !p.op("}") {
		d.Words = append(d.Words, p.ident("a word of the enum"))
		if !p.acceptOp(",") {
			break
		}
	}
	p.expectOp("}", "to end the enum")
	d.Span = p.from(start)
	return d
}

func (p *parser) eventDecl(start int) Decl {
	d := &EventDecl{Name: p.typeName("an event type's name")}
	if p.acceptWord("as") {
		d.As = p.str("the value of the source's type field")
	}
	p.expectOp("{", "to begin the event's fields")
	for !p.acceptOp("}") {
		p.eventItem(d)
	}
	d.Span = p.from(start)
	return d
}

// eventItem is "time f [late D]", "id f" or a field; a field may itself be
// called time or id.
func (p *parser) eventItem(d *EventDecl) {
	t := p.peek()
	after := p.ahead(1)
	named := after.Type == tokOp && after.Value == ":"
	switch {
	case !named && isWord(t, "time"):
		p.next()
		c := TimeClause{Field: p.anyWord("the field that holds the event's time")}
		if p.acceptWord("late") {
			c.Late = p.duration(`a duration after "late"`)
		}
		c.Span = p.from(t.Pos.Offset)
		d.Times = append(d.Times, c)
	case !named && isWord(t, "id"):
		p.next()
		d.IDs = append(d.IDs, p.anyWord("the field that identifies an event"))
	default:
		d.Fields = append(d.Fields, p.field())
	}
}

func (p *parser) field() FieldDecl {
	start := p.at()
	f := FieldDecl{Name: p.anyWord(`a field ("name: type"), "time" or "id"`)}
	p.expectOp(":", "and a type after the field's name")
	f.Type = p.typeExpr()
	if p.acceptWord("from") {
		f.From = p.str("a path after \"from\"")
	}
	if p.peek().Type == tokString {
		f.Doc = p.literal()
	}
	f.Span = p.from(start)
	return f
}

func (p *parser) typeExpr() TypeExpr {
	start := p.at()
	var t TypeExpr
	if of := p.ahead(1); p.word("list") && of.Type == tokIdent && of.Value == "of" {
		p.next()
		p.next()
		t.List = true
	}
	if dot := p.ahead(1); p.peek().Type == tokIdent && dot.Type == tokOp && dot.Value == "." {
		alias := p.ident("an import's name")
		p.next()
		t.Alias = &alias
	}
	t.Name = p.ident("a type")
	if p.acceptOp("(") {
		for {
			t.Args = append(t.Args, p.typeArg())
			if !p.acceptOp(",") {
				break
			}
		}
		p.expectOp(")", "after the type's arguments")
	}
	t.Optional = p.acceptOp("?")
	t.Span = p.from(start)
	return t
}

func (p *parser) typeArg() TypeArg {
	if p.peek().Type == tokString {
		l := p.literal()
		return TypeArg{Text: l.Str, String: true, Span: l.Span}
	}
	id := p.ident("a currency or a format")
	return TypeArg{Text: id.Name, Span: id.Span}
}

func (p *parser) config() Config {
	start := p.at()
	var c Config
	p.expectOp("{", "to begin the options")
	for !p.op("}") {
		item := ConfigItem{Name: p.anyWord("an option's name")}
		p.expectOp(":", "and a value after \""+item.Name.Name+"\"")
		item.Value = p.expr()
		item.Span = item.Name.Span.Join(item.Value.NodeSpan())
		c.Items = append(c.Items, item)
		if !p.acceptOp(",") {
			break
		}
	}
	p.expectOp("}", "or \",\" after an option")
	c.Span = p.from(start)
	return c
}

func (p *parser) sourceDecl(start int) Decl {
	d := &SourceDecl{Name: p.ident("the source's name")}
	p.expectWord("of", "and the event types after the source's name")
	d.Of = append(d.Of, p.typeRef("an event type"))
	for p.acceptOp(",") {
		d.Of = append(d.Of, p.typeRef("an event type"))
	}
	p.expectWord("from", "and a kind: file, http, kafka or redis")
	d.Kind = p.ident("a kind: file, http, kafka or redis")
	d.Config = p.config()
	d.Span = p.from(start)
	return d
}

func (p *parser) sinkDecl(start int) Decl {
	d := &SinkDecl{Name: p.ident("the sink's name")}
	p.expectWord("to", "and a kind: stdout, file, webhook, kafka or redis")
	d.Kind = p.ident("a kind: stdout, file, webhook, kafka or redis")
	d.Config = p.config()
	d.Span = p.from(start)
	return d
}

func (p *parser) constDecl(start int) Decl {
	d := &ConstDecl{Name: p.ident("the constant's name")}
	if p.acceptOp(":") {
		t := p.typeExpr()
		d.Type = &t
	}
	p.expectOp("=", "before the constant's value")
	d.Value = p.expr()
	d.Span = p.from(start)
	return d
}

func (p *parser) paramDecl(start int) Decl {
	d := &ParamDecl{Name: p.ident("the param's name")}
	p.expectOp(":", "and a type after the param's name")
	d.Type = p.typeExpr()
	p.expectOp("=", "before the param's default")
	d.Value = p.expr()
	if p.acceptWord("min") {
		d.Min = p.expr()
	}
	if p.acceptWord("max") {
		d.Max = p.expr()
	}
	if p.peek().Type == tokString {
		d.Doc = p.literal()
	}
	d.Span = p.from(start)
	return d
}

func (p *parser) listDecl(start int) Decl {
	d := &ListDecl{Name: p.ident("the list's name")}
	p.expectWord("of", "and a type after the list's name")
	d.Of = p.typeExpr()
	switch {
	case p.acceptOp("="):
		d.Value = p.expr()
	case p.acceptWord("from"):
		kind := p.ident("a kind: file, http or redis")
		d.Kind = &kind
		d.Config = p.config()
	default:
		p.unexpected(`"=" and the values, or "from" and a kind`)
	}
	d.Span = p.from(start)
	return d
}

func (p *parser) tableDecl(start int) Decl {
	d := &TableDecl{Name: p.ident("the table's name")}
	p.expectWord("from", "and a kind: file, http or redis")
	d.Kind = p.ident("a kind: file, http or redis")
	d.Config = p.config()
	p.expectOp("{", "to begin the table's columns")
	p.expectWord("key", "and the key column")
	d.Key = p.field()
	for !p.acceptOp("}") {
		d.Cols = append(d.Cols, p.field())
	}
	d.Span = p.from(start)
	return d
}

func (p *parser) featureDecl(start int) Decl {
	d := &FeatureDecl{Name: p.ident("the feature's name")}
	p.expectWord("on", "and an event type after the feature's name")
	d.On = p.typeRef("an event type")
	if p.acceptWord("where") {
		d.Where = p.expr()
	}
	p.expectWord("by", "and the feature's key")
	d.By = p.key()
	p.expectOp("{", "to begin the feature's items")
	for !p.acceptOp("}") {
		d.Items = append(d.Items, p.assign("an item (\"name = aggregate\")"))
	}
	d.Span = p.from(start)
	return d
}

// assign is name = expression.
func (p *parser) assign(what string) Assign {
	start := p.at()
	a := Assign{Name: p.ident(what)}
	p.expectOp("=", "after \""+a.Name.Name+"\"")
	a.Value = p.expr()
	a.Span = p.from(start)
	return a
}
