package nfa

// LayoutVersion names the layout of machines' states; it changes with it.
const LayoutVersion = 1

// StateText names all that decides what the words of a key's state mean: which
// machine keeps it, the program but for the text of its conditions, and how
// the fast machine lays it out. Two programs with one text, whose bindings keep
// the same fields, can go on with each other's states.
func (p *Prog) StateText() string {
	d := &dumper{Prog: p, bare: true}
	d.all()
	d.line("skip %d %d limit %d", p.Rule.Skip, p.Rule.SkipStep, p.Rule.Limit)
	c, why := classify(p)
	if c == nil {
		d.line("general: %s", why)
		return d.b.String()
	}
	d.line("fast, within %d, asks %t waits %t numbered %t gaps %t marked %t plain %t", c.within, c.asks, c.waits, c.numbered, c.gaps, c.marked, c.plain)
	d.line("  %+v", c.layout)
	for i := range c.steps {
		s := &c.steps[i]
		d.line("  step %d optional %t single %t waits %t closing %v ring %d class %d known %t", i, s.optional, s.single, s.waits, s.closing, s.ring, s.class, s.known)
	}
	return d.b.String()
}
