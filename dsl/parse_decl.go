package dsl

import (
	"strings"

	"github.com/alecthomas/participle/v2/lexer"
)

// declWords begin a declaration.
var declWords = []string{"timezone", "predicate", "decision", "import", "enum", "event", "source", "sink", "const", "param", "list", "table", "feature", "rule", "defaults", "test"}

var declSet = wordSet(strings.Join(declWords, " "))

func (p *parser) decl() Decl {
	t := p.peek()
	if t.Type != tokIdent || !declSet[t.Value] {
		p.unknownDecl(t)
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

func (p *parser) unknownDecl(t *lexer.Token) {
	p.habits(t)
	d := Diagnostic{Code: "E100", Span: spanOf(t), Message: "expected a declaration, found " + p.describeToken(t)}
	switch near := nearest(t.Value, declWords); {
	case t.Type == tokOp && t.Value == "}":
		d.Message, d.Label = `this "}" closes nothing`, "nothing is open here"
	case near != "":
		d.Label, d.Fixes = `did you mean "`+near+`"?`, []string{near}
	case clauseSet[t.Value]:
		d.Label = "a clause of a rule, but no rule is open here"
	default:
		d.Notes = []string{"a file consists of: " + strings.Join(declWords, ", ")}
	}
	p.fail(d)
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
	for {
		d.Words = append(d.Words, p.ident("a word of the enum"))
		if !p.acceptOp(",") || p.op("}") {
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
		p.recoverItem(func() { p.eventItem(d) }, beginsField)
	}
	d.Span = p.from(start)
	return d
}

// namesField says whether the next token is a field's name, whatever it is.
func (p *parser) namesField() bool {
	colon := p.ahead(1)
	return colon.Type == tokOp && colon.Value == ":"
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
		if !p.namesField() && p.acceptWord("late") {
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

// beginsField tells "name: type", "time f" and "id f" from what goes on.
func beginsField(t, after *lexer.Token) bool {
	return t.Type != tokOp && (after.Type == tokOp && after.Value == ":" || t.Value == "time" || t.Value == "id")
}

func (p *parser) field() FieldDecl {
	start := p.at()
	f := FieldDecl{Name: p.anyWord(`a field ("name: type"), "time" or "id"`)}
	p.expectOp(":", "and a type after the field's name")
	f.Type = p.typeExpr()
	if !p.namesField() && p.acceptWord("from") {
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
		p.recoverItem(func() { d.Cols = append(d.Cols, p.field()) }, beginsField)
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
		p.recoverItem(func() { d.Items = append(d.Items, p.assign("an item (name = aggregate)")) }, beginsAssign)
	}
	d.Span = p.from(start)
	return d
}

// assign is name = expression.
func (p *parser) assign(what string) Assign {
	start := p.at()
	a := Assign{Name: p.ident(what)}
	p.expectOp("=", "after \""+a.Name.Name+"\"")
	if after := p.ahead(1); p.firstOfLine(p.at()) && beginsAssign(p.peek(), &after) {
		p.fail(Diagnostic{Code: "E100", Span: Span{p.last, p.last}, Message: "a value is missing for \"" + a.Name.Name + "\"", Label: "it stands behind the \"=\""})
	}
	a.Value = p.expr()
	a.Span = p.from(start)
	return a
}
