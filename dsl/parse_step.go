package dsl

import "github.com/alecthomas/participle/v2/lexer"

func (p *parser) patternClause(start int) Clause {
	c := &PatternClause{}
	p.expectOp("{", "to begin the pattern")
	c.Steps = p.patternSteps()
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

var beginsThen = beginsWith("then")

// patternSteps is step (then step)*, where each step may have a mistake.
func (p *parser) patternSteps() StepSeq {
	start := p.at()
	var seq StepSeq
	if colon := p.ahead(1); p.word("then") && !(colon.Type == tokOp && colon.Value == ":") {
		p.report(Diagnostic{Code: "E100", Span: spanOf(p.peek()), Message: "a pattern begins with a step", Label: `leave out this "then"`})
		p.next()
	}
	first := true
	read := func() {
		if first {
			first = false
			seq.Steps = append(seq.Steps, p.step("", Span{}))
		} else {
			seq.Steps = append(seq.Steps, p.nextStep())
		}
		if !p.op("}") && !p.word("then") {
			p.unexpected(`"then" and a further step, or "}" to end the pattern`, "by", "where", "until", "within", "gap")
		}
	}
	p.recoverItem(read, beginsThen)
	for p.word("then") {
		p.recoverItem(read, beginsThen)
	}
	seq.Span = p.from(start)
	return seq
}

// steps is step (then step)*.
func (p *parser) steps() StepSeq {
	p.enter()
	defer p.leave()
	start := p.at()
	seq := StepSeq{Steps: []StepNode{p.step("", Span{})}}
	for p.word("then") {
		seq.Steps = append(seq.Steps, p.nextStep())
	}
	seq.Span = p.from(start)
	return seq
}

// nextStep is an arrow and a step.
func (p *parser) nextStep() StepNode {
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
	return p.step(arrow, p.from(at))
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
		p.absence(&s, start)
	case (p.word("one") || p.word("all")) && isOf(p.ahead(1)):
		p.block(&s)
	default:
		p.eventOrGroup(&s, start)
	}
	s.Span = p.from(start)
	return s
}

func isOf(t lexer.Token) bool { return t.Type == tokIdent && t.Value == "of" }

func (p *parser) absence(s *StepNode, start int) {
	s.Kind = StepNo
	if p.op(":") {
		p.reserved(start, "no")
	}
	s.Type = p.typeRef("an event type after \"no\"")
	p.stepClauses(s, start)
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

func (p *parser) eventOrGroup(s *StepNode, start int) {
	s.Label = p.label()
	s.Quant = p.quant()
	if s.Label != nil && p.op("(") {
		p.fail(Diagnostic{Code: "E117", Span: s.Label.Span, Message: "a group takes no label", Label: "label the steps in it"})
	}
	if p.op("(") {
		s.Kind = StepGroup
		p.next()
		s.Sub = []StepSeq{p.steps()}
		p.expectOp(")", "to close the group")
		return
	}
	s.Kind = StepEvent
	s.Type = p.typeRef("an event type")
	p.stepClauses(s, start)
}

// stepClauses are: by where until within gap, in this order.
func (p *parser) stepClauses(s *StepNode, start int) {
	if p.acceptWord("by") {
		k := p.key()
		s.By = &k
	}
	if p.acceptWord("where") {
		s.Where = p.expr()
	} else {
		s.Where = p.missingWhere(start, "conditions on a step start with \"where\"")
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
	if s.Kind == StepNo && (isWord(t, "until") || isWord(t, "gap")) {
		p.fail(Diagnostic{Code: "E117", Span: spanOf(t), Message: `"` + t.Value + `" means nothing with "no"`, Label: "an absence is no repeated step"})
	}
	for _, w := range []string{"by", "where", "until", "within", "gap"} {
		if isWord(t, w) && !(w == "by" && s.By == nil && s.Where == nil && s.Within == nil) {
			p.fail(Diagnostic{Code: "E100", Span: spanOf(t), Message: `"` + w + `" stands too late in this step`,
				Notes: []string{"the clauses of a step stand in the order: by, where, until, within, gap"}})
		}
	}
}

// missingWhere reads a condition that stands right after an event type, and
// reports it; nil if there is none.
func (p *parser) missingWhere(start int, label string) Node {
	t := p.peek()
	after := p.ahead(1)
	wrong := p.wrongWhere(t, &after)
	if !wrong && !p.beginsCondition(t, &after) {
		return nil
	}
	d := Diagnostic{Code: "E111", Span: spanOf(t), Message: "a clause is missing before this condition", Label: label}
	before := p.slice(Span{start, p.last})
	if wrong {
		d.Message = `a condition starts with "where", not "` + t.Value + `"`
		p.next()
	}
	n := len(p.diags)
	p.report(d)
	cond := p.expr()
	p.diags[n].Fixes = []string{before + " where " + p.slice(cond.NodeSpan())}
	return cond
}

// wrongWhere tells the words that other languages begin a condition with.
func (p *parser) wrongWhere(t, after *lexer.Token) bool {
	switch t.Value {
	case "if", "having", "and", "with", "WHERE", "IF", "AND", "HAVING":
		return t.Type != tokString && after.Type != tokOp
	}
	return false
}

// beginsCondition says whether a name starts a comparison or a call rather
// than the next clause.
func (p *parser) beginsCondition(t, after *lexer.Token) bool {
	if t.Type != tokIdent && t.Type != tokType {
		return false
	}
	switch after.Type {
	case tokOp:
		return isComparison(after) || after.Value == "=" || after.Value == "." || after.Value == "(" && !clauseSet[t.Value]
	case tokWord:
		return wordOps[after.Value] || after.Value == "is" || after.Value == "not" && wordOps[p.ahead(2).Value]
	}
	return false
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
