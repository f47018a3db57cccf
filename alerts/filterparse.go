package alerts

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// What a filter's text can hold.
const (
	maxFilter = 1 << 10 // bytes
	maxTerms  = 32
	maxValues = 64 // of one term
)

// FilterError says where a filter's text is wrong.
type FilterError struct {
	Column int // in characters, from 1
	Why    string
}

func (e *FilterError) Error() string { return fmt.Sprintf("filter, column %d: %s", e.Column, e.Why) }

// ParseFilter reads a filter as people write it: terms with "and" between.
//
//	severity>=high and rule=card_* and state in (open, acknowledged)
//	key="c1" and label.team=fraud and at>=2026-01-31T10:00:00Z and wire
//
// Fields are rule, key, severity, at, status (live, shadow), silenced (true,
// false), state, outcome, assignee, label.NAME and text. = and != compare, with
// * for any run of characters; severity and at also by >= and <=; text ~ looks
// for a part of the message, the key or the rule, and so does a word alone. A
// text with other characters than letters, digits and _ . - : * / @ stands in
// quotes. "" wants all. The error is a *FilterError.
func ParseFilter(text string) (Filter, error) {
	p := filterParser{text: text}
	if len(text) > maxFilter {
		return Filter{}, p.wrong(0, "it is %d bytes long, it can be %d", len(text), maxFilter)
	}
	if !utf8.ValidString(text) {
		return Filter{}, p.wrong(0, "it is not UTF-8")
	}
	var f Filter
	p.skip()
	for p.at < len(p.text) {
		t, err := p.term()
		if err != nil {
			return Filter{}, err
		}
		if f.Terms = append(f.Terms, t); len(f.Terms) > maxTerms {
			return Filter{}, p.wrong(p.at, "it has more than %d terms", maxTerms)
		}
		if p.skip(); p.at == len(p.text) {
			break
		}
		at := p.at
		if word := p.word(); !strings.EqualFold(word, "and") {
			return Filter{}, p.wrong(at, `expected "and" between two terms`)
		}
		if p.skip(); p.at == len(p.text) {
			return Filter{}, p.wrong(p.at, `expected a term behind "and"`)
		}
	}
	return f, nil
}

// filterParser reads a filter's text from left to right.
type filterParser struct {
	text string
	at   int
}

func (p *filterParser) wrong(at int, format string, args ...any) error {
	return &FilterError{utf8.RuneCountInString(p.text[:at]) + 1, fmt.Sprintf(format, args...)}
}

func (p *filterParser) skip() {
	p.at = len(p.text) - len(strings.TrimLeftFunc(p.text[p.at:], unicode.IsSpace))
}

func isWordRune(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("_.-:*/@", r)
}

// word reads a run of plain characters, "" if there is none.
func (p *filterParser) word() string {
	rest := strings.TrimLeftFunc(p.text[p.at:], isWordRune)
	word := p.text[p.at : len(p.text)-len(rest)]
	p.at += len(word)
	return word
}

// op reads an operator, "" if there is none.
func (p *filterParser) op() string {
	for _, op := range []string{">=", "<=", "!=", "==", "=", "~", ">", "<"} {
		if strings.HasPrefix(p.text[p.at:], op) {
			p.at += len(op)
			return op
		}
	}
	at := p.at
	if w := p.word(); strings.EqualFold(w, "in") {
		return "in"
	}
	p.at = at
	return ""
}

// term reads one term.
func (p *filterParser) term() (t Term, err error) {
	start := p.at
	if p.text[p.at] == '"' {
		text, err := p.value()
		return Term{Field: "text", Op: "~", Values: []string{text}}, err
	}
	name := p.word()
	if name == "" {
		return t, p.wrong(start, "expected a field, such as severity, or a word to look for")
	}
	p.skip()
	at := p.at
	op := p.op()
	if op == "" {
		return Term{Field: "text", Op: "~", Values: []string{name}}, nil
	}
	t = Term{Field: name, Op: op}
	if label, ok := strings.CutPrefix(name, "label."); ok {
		t.Field, t.Label = "label", label
	}
	f, ok := fields[t.Field]
	if !ok || t.Field == "label" && t.Label == "" {
		return t, p.wrong(start, "there is no field %q: %s, label.NAME", name, strings.Join(slices.DeleteFunc(slices.Sorted(maps.Keys(fields)), func(s string) bool { return s == "label" }), ", "))
	}
	switch t.Op {
	case "in", "==":
		t.Op = "="
	case ">", "<":
		return t, p.wrong(at, "write %s= for %s", op, op)
	}
	if !slices.Contains(strings.Fields(f.ops), t.Op) {
		return t, p.wrong(at, "%s is not compared by %s: %s", name, op, f.ops)
	}
	p.skip()
	if t.Values, err = p.values(op == "in"); err != nil {
		return t, err
	}
	return t, p.check(&t, &f, at)
}

// check looks at the values of a term.
func (p *filterParser) check(t *Term, f *field, at int) (err error) {
	for _, v := range t.Values {
		if f.word != nil && !strings.Contains(v, "*") {
			if err := f.word(v); err != nil {
				return p.wrong(at, "%s", err)
			}
		}
	}
	if t.Op != ">=" && t.Op != "<=" {
		return nil
	}
	if f.word != nil {
		if err := f.word(t.Values[0]); err != nil {
			return p.wrong(at, "%s", err)
		}
	}
	if t.level, err = f.read(t.Values[0]); err != nil {
		return p.wrong(at, "%s", err)
	}
	return nil
}

func timeOf(text string) (int64, error) {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return 0, fmt.Errorf("%q is no time: write it like 2026-01-31T10:00:00Z", text)
	}
	return t.UnixNano(), nil
}

// values reads one value, or a list in parentheses.
func (p *filterParser) values(list bool) (vs []string, err error) {
	if !strings.HasPrefix(p.text[p.at:], "(") {
		if list {
			return nil, p.wrong(p.at, `expected a list behind "in", such as (open, acknowledged)`)
		}
		v, err := p.value()
		return []string{v}, err
	}
	if !list {
		return nil, p.wrong(p.at, `a list stands behind "in"`)
	}
	for p.at++; ; p.at++ {
		p.skip()
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		if vs = append(vs, v); len(vs) > maxValues {
			return nil, p.wrong(p.at, "the list is longer than %d", maxValues)
		}
		p.skip()
		switch {
		case strings.HasPrefix(p.text[p.at:], ")"):
			p.at++
			return vs, nil
		case !strings.HasPrefix(p.text[p.at:], ","):
			return nil, p.wrong(p.at, `expected "," or ")" in the list`)
		}
	}
}

// value reads a word or a text in quotes, in which \ stands before a quote or
// another \.
func (p *filterParser) value() (string, error) {
	start := p.at
	if !strings.HasPrefix(p.text[p.at:], `"`) {
		w := p.word()
		if w == "" {
			return "", p.wrong(start, "expected a value; texts with other characters stand in quotes")
		}
		return w, nil
	}
	var b strings.Builder
	for i := p.at + 1; i < len(p.text); i++ {
		switch c := p.text[i]; {
		case c == '"':
			p.at = i + 1
			return b.String(), nil
		case c == '\\' && i+1 < len(p.text):
			i++
			b.WriteByte(p.text[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", p.wrong(start, "the quote is not closed")
}

// String writes the terms as ParseFilter reads them.
func (f *Filter) String() string {
	var parts []string
	for i := range f.Terms {
		parts = append(parts, f.Terms[i].String())
	}
	return strings.Join(parts, " and ")
}

// String writes the term as ParseFilter reads it.
func (t *Term) String() string {
	name := t.Field
	if t.Label != "" {
		name += "." + t.Label
	}
	if len(t.Values) == 1 {
		return name + t.Op + quoteValue(t.Values[0])
	}
	var vs []string
	for _, v := range t.Values {
		vs = append(vs, quoteValue(v))
	}
	return name + " in (" + strings.Join(vs, ", ") + ")"
}

func quoteValue(v string) string {
	if v != "" && strings.TrimLeftFunc(v, isWordRune) == "" {
		return v
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v) + `"`
}
