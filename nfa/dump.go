package nfa

import (
	"fmt"
	"strings"

	"github.com/weir-cep/weir/cep"
)

// String dumps the program, one line a table entry. Golden files hold dumps, so
// that a change of what patterns compile to is seen.
func (p *Prog) String() string {
	d := &dumper{Prog: p}
	d.all()
	return d.b.String()
}

func (d *dumper) all() {
	d.head()
	d.predicates()
	if d.Fork != nil {
		d.states()
		d.blocks()
	} else {
		d.steps()
	}
}

type dumper struct {
	*Prog
	b    strings.Builder
	bare bool // without the conditions
}

func (d *dumper) line(format string, args ...any) { fmt.Fprintf(&d.b, format+"\n", args...) }

func (d *dumper) head() {
	s := "match " + [...]string{"first", "latest", "each"}[d.Rule.Policy]
	if w := d.Rule.Pattern.Within; w > 0 {
		s += " within " + duration(w)
	}
	if d.Rule.AtEnd {
		s += " at end"
	}
	if d.Rule.Timeout != nil {
		s += " on timeout"
	}
	d.line("%s, %d words a run", s, d.words)
}

func (d *dumper) predicates() {
	for i, p := range d.Preds {
		d.line("pred %d %s%s", i, d.Rule.Routes[p.Route].Schema.Name, d.where(p.Text))
	}
	for i, t := range d.Tests {
		if t.Cond != nil {
			d.line("test %d pred %d%s", i, t.Pred, d.where(t.Text))
		} else if t.Pred != i {
			d.line("test %d pred %d", i, t.Pred)
		}
	}
	for _, q := range d.Quits {
		d.line("cancel test %d", q)
	}
	if d.Where != nil {
		d.line("%s", strings.TrimSpace(d.where(d.Rule.Pattern.Where.String())))
	}
	for i, n := range d.Nos {
		d.line("no %d %s test %d%s", i, n.Label, n.Test, opt(" within ", n.Within))
	}
	for i, g := range d.Groups {
		d.line("group %d %s%s%s", i, count(g.Lo, g.Hi), mark(g.Exactly, " exactly"), mark(g.Greedy, " greedy"))
	}
}

func (d *dumper) where(text string) string {
	switch {
	case text == "":
		return ""
	case d.bare:
		return " where"
	}
	return " where " + text
}

func opt(word string, ns int64) string {
	if ns == 0 {
		return ""
	}
	return word + duration(ns)
}

func mark(b bool, word string) string {
	if b {
		return word
	}
	return ""
}

func duration(ns int64) string { return string(cep.AppendDuration(nil, ns)) }

// count spells "how many" compactly: 1, 3, 2..5, 3..
func count(lo, hi int) string {
	switch {
	case hi == 0:
		return fmt.Sprintf("%d..", lo)
	case lo == hi:
		return fmt.Sprint(lo)
	}
	return fmt.Sprintf("%d..%d", lo, hi)
}

func (d *dumper) steps() {
	d.ways("start", d.Starts)
	for i := range d.Steps {
		s := &d.Steps[i]
		name := fmt.Sprintf("step %d %s", i, s.Label)
		if s.Block >= 0 {
			name += fmt.Sprintf(" in %d", s.Block)
		}
		if s.Kind == TakeStep {
			name += fmt.Sprintf(" %s test %d", count(s.Lo, s.Hi), s.Test)
		}
		d.line("%s%s%s%s%s%s%s%s%s", name, mark(s.Exactly, " exactly"), mark(s.Consecutive, " consecutive"), mark(s.Greedy, " greedy"),
			opt(" within ", s.Within), opt(" arrives within ", s.Arrive), opt(" gap ", s.Gap),
			mark(s.Until != nil, " until"), d.before(s))
		for k := s.Tracks.from; k < s.Tracks.to; k++ {
			t := d.Tracks[k].Steps
			d.line("  track %d..%d", t.from, t.to-1)
		}
		d.ways("", s.Ways)
		for _, a := range d.Arms[s.Arms.from:s.Arms.to] {
			d.line("  arms no %d%s", a.No, d.ops(a.Ops))
		}
		d.ways("too many: ", s.Heads)
		d.end(&s.End)
	}
}

func (d *dumper) before(s *Step) string {
	if s.Before < 0 {
		return ""
	}
	return fmt.Sprintf(" until before test %d", s.Before)
}

func (d *dumper) ways(name string, s seg) {
	for _, w := range d.span(s) {
		prefix := "  "
		if name == "start" {
			prefix = "start "
		} else if name != "" {
			prefix = "  " + name
		}
		arrow := "then"
		if w.Strict {
			arrow = "immediately"
		}
		again := ""
		if w.Again >= 0 {
			again = fmt.Sprintf(" again %d", w.Again)
		}
		d.line("%s%s %d%s%s%s%s", prefix, arrow, w.To, opt(" within ", w.Within), mark(w.Greedy, " greedy"), again, d.ops(w.Ops))
	}
}

func (d *dumper) ops(s seg) string {
	out := ""
	for _, o := range d.Ops[s.from:s.to] {
		out += fmt.Sprintf(" %s %d", [...]string{"enter", "round", "leave"}[o.Kind], o.Group)
	}
	return out
}

func (d *dumper) end(e *End) {
	if !e.OK {
		return
	}
	s := "  end" + d.ops(e.Ops)
	for _, n := range e.Nos {
		s += fmt.Sprintf(" after no %d", n)
	}
	d.line("%s%s", s, mark(e.Exactly, " after its time"))
}

func (d *dumper) states() {
	f := d.Fork
	for i := range f.States {
		s := &f.States[i]
		name := fmt.Sprintf("state %d %s", i, s.Label)
		if s.Kind != Waits {
			name += " " + s.Kind.String()
		}
		name += opt(" within ", s.Within) + opt(" stay within ", s.Needs.Within) + opt(" stay gap ", s.Needs.Gap)
		if s.Kind == Inside {
			name += fmt.Sprintf(" block %d onward %d", s.Block, s.Onward)
		}
		d.line("%s%s%s", name, mark(i == f.Init, " (start)"), mark(!s.inert && s.Kind != Final, " sees all"))
		for _, e := range f.Edges[s.Edges.from:s.Edges.to] {
			d.line("  %s", d.edge(&e))
		}
		for _, a := range f.Aims[s.Aims.from:s.Aims.to] {
			d.line("  is also %d%s", a.To, d.cond(a.When))
		}
		if s.Closing >= 0 && s.Kind != Pending {
			d.line("  closes as %d", s.Closing)
		}
	}
}

func (d *dumper) edge(e *Edge) string {
	switch e.Kind {
	case Stop:
		return fmt.Sprintf("stop no %d%s", e.No, d.cond(e.When))
	case Skip:
		return fmt.Sprintf("skip %d%s", e.To, d.cond(e.When))
	}
	if e.Block >= 0 {
		return fmt.Sprintf("take into %d then %d%s", e.Block, e.To, d.cond(e.When))
	}
	return fmt.Sprintf("take %d as %s%s%s", e.To, d.name(e.Binding), mark(e.Head, " first"), d.cond(e.When))
}

func (d *dumper) cond(s seg) string {
	var clauses []string
	for _, t := range d.Fork.Terms[s.from:s.to] {
		var lits []string
		for _, l := range d.Fork.Lits[t.Lits.from:t.Lits.to] {
			text := ""
			switch l.Kind {
			case LitTest:
				text = fmt.Sprint(l.N)
			case LitBegun:
				text = "begun"
			case LitSince:
				text = "since " + duration(l.D)
			case LitStay:
				text = "stay" + opt(" within ", l.Span.Within) + opt(" gap ", l.Span.Gap)
			}
			lits = append(lits, mark(l.Not, "not ")+text)
		}
		clauses = append(clauses, strings.Join(lits, " or "))
	}
	if len(clauses) == 0 {
		return ""
	}
	return " if " + strings.Join(clauses, ", ")
}

// blocks lists the steps inside blocks of a forking program.
func (d *dumper) blocks() {
	for i := range d.Steps {
		s := &d.Steps[i]
		if s.Kind == OneStep {
			d.line("block %d%s", i, opt(" within ", s.Within))
			for k := s.Tracks.from; k < s.Tracks.to; k++ {
				t := d.Tracks[k].Steps
				d.line("  track %d..%d", t.from, t.to-1)
			}
			continue
		}
		d.line("  step %d %s %s test %d%s%s%s", i, s.Label, count(s.Lo, s.Hi), s.Test, opt(" within ", s.Within), opt(" arrives within ", s.Arrive), opt(" gap ", s.Gap))
	}
}

// name is a binding's label, or its event type.
func (p *Prog) name(binding int) string {
	b := &p.Rule.Bindings[binding]
	if b.Label != "" {
		return b.Label
	}
	return b.Schema.Name
}
