package dsl

// testDecl is: test "name" for rule { with… given… expect… }.
func (p *parser) testDecl(start int) Decl {
	d := &TestDecl{Name: p.str("the test's name")}
	p.expectWord("for", "and a rule's name after the test's name")
	d.For = p.ident("a rule's name")
	p.expectOp("{", "to begin the test")
	for p.word("with") {
		p.recoverItem(func() { d.With = append(d.With, p.withClause()) }, beginsTestLine)
	}
	if p.acceptWord("given") {
		for p.word("at") || p.word("wait") {
			p.recoverItem(func() { d.Given = append(d.Given, p.givenLine()) }, beginsTestLine)
		}
	}
	expects := p.word("expect")
	for p.word("expect") {
		p.recoverItem(func() { d.Expect = append(d.Expect, p.expectClause()) }, beginsTestLine)
	}
	if !p.op("}") {
		p.unexpected("with, given (at …, wait …) or expect in a test", "with", "given", "at", "wait", "expect")
	}
	if !expects {
		p.report(Diagnostic{Code: "E123", Span: d.Name.Span, Message: "a test without an expectation", Label: "what should come of it?",
			Fixes: []string{"expect 1 alert", "expect no alerts"}})
	}
	p.next()
	d.Span = p.from(start)
	return d
}

var beginsTestLine = beginsWith("with", "given", "at", "wait", "expect")

func (p *parser) withClause() WithClause {
	start := p.at()
	p.next()
	c := WithClause{Target: p.postfix()}
	p.expectOp("=", "and a value after what the test fixes")
	if p.op("{") {
		c.Value = p.row()
	} else {
		c.Value = p.expr()
	}
	c.Span = p.from(start)
	return c
}

// row is a table's row in a test: { column: value, … }, held as a RowNode.
func (p *parser) row() Node {
	c := p.config()
	return &RowNode{Span: c.Span, Config: c}
}

func (p *parser) givenLine() GivenLine {
	start := p.at()
	var g GivenLine
	if p.acceptWord("wait") {
		g.Wait = p.duration(`a duration after "wait"`)
		g.Span = p.from(start)
		return g
	}
	p.next()
	if p.peek().Type == tokInt {
		_, g.Repeat = p.count("a number of events")
		p.expectWord("x", "after the number of events")
	}
	g.At = p.duration("a time after the test's start")
	switch {
	case p.acceptWord("every"):
		g.Every = p.duration(`a duration after "every"`)
	case p.acceptWord("arriving"):
		g.Arriving = p.duration(`a time after "arriving"`)
	}
	g.Type = p.typeRef("an event type")
	g.Config = p.config()
	g.Span = p.from(start)
	return g
}

func (p *parser) expectClause() ExpectClause {
	start := p.at()
	p.next()
	var c ExpectClause
	if p.acceptWord("no") {
		c.None = true
		if !p.acceptWord("alerts") && !p.acceptWord("alert") {
			p.unexpected(`"alerts" after "expect no"`)
		}
		c.Span = p.from(start)
		return c
	}
	c.Count, _ = p.count(`a number of alerts, or "no alerts"`)
	switch {
	case p.acceptWord("alert"), p.acceptWord("alerts"):
	case p.acceptWord("timeout"), p.acceptWord("timeouts"):
		c.Timeout = true
	default:
		p.unexpected(`"alerts" or "timeouts" after the number`)
	}
	if p.op("{") {
		cfg := p.config()
		c.Config = &cfg
	}
	if p.acceptWord("at") {
		c.At = p.duration("a time after the test's start")
	}
	c.Span = p.from(start)
	return c
}
