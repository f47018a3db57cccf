package dsl

import "github.com/alecthomas/participle/v2/lexer"

func (p *parser) patternClause(start int) Clause {
	c := &PatternClause{}
	p.expectOp("{", "to begin the pattern")
	c.Steps = p.steps()
	p.expectOp("}", `to end the pattern, or "then" and a further step`)
	for {
		switch {
		case c.Within == nil && p.acceptWord("within"):
			c.Within = p.duration(`a duration after "within"`)
			continue
		case c.Where == nil && p.acceptWord("where"):
			c.Where = p.expr()
			continue
		}
		break
	}
	c.Span = p.from(start)
	return c
}

// steps is step (then step)*.
func (p *parser) steps() StepSeq {
	p.enter()
	defer p.leave()
	start := p.at()
	seq := StepSeq{Steps: []StepNode{p.step("", Span{})}}
	for p.word("then") {
		at := p.at()
		p.next()
		arrow := "then"
		switch {
		case p.acceptWord("immediately"):
			arrow = "immediately"
		case p.anyArrow():
			p.next()
			arrow = "any"
		}
		seq.Steps = append(seq.Steps, p.step(arrow, p.from(at)))
	}
	seq.Span = p.from(start)
	return seq
}

// anyArrow tells "then any X" from a step with the label any.
func (p *parser) anyArrow() bool {
	colon := p.ahead(1)
	return p.word("any") && !(colon.Type == tokOp && colon.Value == ":")
}

func (p *parser) step(arrow string, arrowSpan Span) StepNode {
	start := p.at()
	s := StepNode{Arrow: arrow, ArrowSpan: arrowSpan}
	switch {
	case p.word("no"):
		p.next()
		p.absence(&s)
	case (p.word("one") || p.word("all")) && isOf(p.ahead(1)):
		p.block(&s)
	default:
		p.eventOrGroup(&s)
	}
	s.Span = p.from(start)
	return s
}

func isOf(t lexer.Token) bool { return t.Type == tokIdent && t.Value == "of" }

func (p *parser) absence(s *StepNode) {
	s.Kind = StepNo
	s.Type = p.typeRef("an event type after \"no\"")
	p.stepClauses(s)
}

func (p *parser) block(s *StepNode) {
	s.Kind = StepAllOf
	if p.word("one") {
		s.Kind = StepOneOf
	}
	p.next()
	p.next()
	p.expectOp("{", "to begin the block")
	for !p.op("}") {
		s.Sub = append(s.Sub, p.steps())
		if !p.acceptOp(",") {
			break
		}
	}
	p.expectOp("}", `to end the block, "," or "then"`)
	if p.acceptWord("within") {
		s.Within = p.duration(`a duration after "within"`)
	}
}

func (p *parser) eventOrGroup(s *StepNode) {
	s.Label = p.label()
	s.Quant = p.quant()
	if s.Label == nil && p.op("(") {
		s.Kind = StepGroup
		p.next()
		s.Sub = []StepSeq{p.steps()}
		p.expectOp(")", "to close the group")
		return
	}
	s.Kind = StepEvent
	s.Type = p.typeRef("an event type")
	p.stepClauses(s)
}

// stepClauses are: by where until within gap, in this order.
func (p *parser) stepClauses(s *StepNode) {
	start := s.Type.Span.Start
	if p.acceptWord("by") {
		k := p.key()
		s.By = &k
	}
	if p.acceptWord("where") {
		s.Where = p.expr()
	} else {
		p.missingWhere(p.lineStart(start), "conditions on a step start with \"where\"")
	}
	if at := p.at(); s.Kind == StepEvent && p.acceptWord("until") {
		s.Before = p.acceptWord("before")
		s.UntilSpan = p.from(at)
		s.Until = p.expr()
	}
	if p.acceptWord("within") {
		s.Within = p.duration(`a duration after "within"`)
	}
	if s.Kind == StepEvent && p.acceptWord("gap") {
		s.Gap = p.duration(`a duration after "gap"`)
	}
	p.misplaced(s)
}

// misplaced reports a step's clause that stands after a later one.
func (p *parser) misplaced(s *StepNode) {
	t := p.peek()
	for _, w := range []string{"by", "where", "until", "within", "gap"} {
		if isWord(t, w) && !(w == "by" && s.By == nil && s.Where == nil && s.Within == nil) {
			p.fail(Diagnostic{Code: "E100", Span: spanOf(t), Message: `"` + w + `" stands too late in this step`,
				Notes: []string{"the clauses of a step stand in the order: by, where, until, within, gap"}})
		}
	}
}

// lineStart is the first character of the line that holds an offset.
func (p *parser) lineStart(at int) int {
	for at > 0 && p.text[at-1] != '\n' && p.text[at-1] != '{' && p.text[at-1] != ',' && p.text[at-1] != '(' {
		at--
	}
	for at < len(p.text) && isSpace(p.text[at]) {
		at++
	}
	return at
}

// missingWhere reports a condition that stands right after an event type.
func (p *parser) missingWhere(start int, note string) {
	t := p.peek()
	if t.Type != tokIdent && t.Type != tokType {
		return
	}
	op := p.ahead(1)
	dotted := op.Type == tokOp && (op.Value == "." || op.Value == "(")
	begins := isComparison(&op) || op.Type == tokOp && op.Value == "=" || op.Type == tokWord && (wordOps[op.Value] || op.Value == "is" || op.Value == "not") || dotted
	if isWord(t, "suppress") || !begins && !isWord(&op, "is") {
		return
	}
	d := Diagnostic{Code: "E111", Span: spanOf(t), Message: "a clause is missing before this condition", Label: note}
	before := p.text[start:p.last]
	saved := len(p.diags)
	var cond Node
	if p.guard(func() { cond = p.expr() }) && len(p.diags) == saved {
		d.Fixes = []string{before + " where " + p.slice(cond.NodeSpan())}
	}
	p.diags = p.diags[:saved]
	p.fail(d)
}

// quant reads a quantifier, nil if there is none.
func (p *parser) quant() *Quant {
	start := p.at()
	q := &Quant{}
	switch {
	case p.word("exactly") && p.ahead(1).Type == tokInt:
		p.next()
		q.Kind = "exactly"
		q.Lo, _ = p.count("a number")
	case p.word("at") && p.ahead(2).Type == tokInt:
		p.next()
		switch {
		case p.acceptWord("least"):
			q.Kind = "least"
			q.Lo, _ = p.count("a number")
		case p.acceptWord("most"):
			q.Kind = "most"
			q.Hi, _ = p.count("a number")
		default:
			p.unexpected(`"least" or "most" after "at"`)
		}
	case p.peek().Type == tokInt:
		q.Kind = "n"
		q.Lo, _ = p.count("a number")
		if p.acceptWord("to") {
			q.Kind = "range"
			q.Hi, _ = p.count(`a number after "to"`)
		}
	case p.word("some"), p.word("optional"):
		q.Kind = p.next().Value
	default:
		return nil
	}
	switch {
	case p.acceptWord("consecutive"):
		q.Inner = "consecutive"
	case p.acceptWord("any"):
		q.Inner = "any"
	}
	q.Greedy = p.acceptWord("greedy")
	q.Span = p.from(start)
	return q
}
