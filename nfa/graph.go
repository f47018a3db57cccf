package nfa

import (
	"fmt"
	"strings"
)

// Graph is a program as a picture.
type Graph struct {
	Nodes []GraphNode
	Edges []GraphEdge
}

// GraphNode is a step or state. Final ones are matches.
type GraphNode struct {
	ID, Label string
	Final     bool
}

// GraphEdge leads from node to node. Deadly ones end the run.
type GraphEdge struct {
	From, To, Label string
	Deadly          bool
}

// Dot writes the graph for Graphviz.
func (g Graph) Dot() string {
	var b strings.Builder
	b.WriteString("digraph pattern {\n  rankdir=LR\n")
	for _, n := range g.Nodes {
		shape := "box"
		if n.Final {
			shape = "doublecircle"
		}
		fmt.Fprintf(&b, "  %s [label=%s shape=%s]\n", n.ID, dotText(n.Label), shape)
	}
	for _, e := range g.Edges {
		style := ""
		if e.Deadly {
			style = " style=dashed color=red"
		}
		fmt.Fprintf(&b, "  %s -> %s [label=%s%s]\n", e.From, e.To, dotText(e.Label), style)
	}
	b.WriteString("}\n")
	return b.String()
}

func dotText(s string) string {
	s = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s)
	return `"` + s + `"`
}

// Mermaid writes the graph for Mermaid.
func (g Graph) Mermaid() string {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	for _, n := range g.Nodes {
		open, shut := "[", "]"
		if n.Final {
			open, shut = "(((", ")))"
		}
		fmt.Fprintf(&b, "  %s%s%s%s\n", n.ID, open, mermaidText(n.Label), shut)
	}
	for _, e := range g.Edges {
		arrow := "-->"
		if e.Deadly {
			arrow = "-.->"
		}
		fmt.Fprintf(&b, "  %s %s|%s| %s\n", e.From, arrow, mermaidText(e.Label), e.To)
	}
	return b.String()
}

func mermaidText(s string) string {
	return `"` + strings.NewReplacer(`"`, "#quot;", "\n", "<br>", "<", "#lt;", ">", "#gt;").Replace(s) + `"`
}

// graph draws the program: a node per step with its ways, or a node per state
// with its edges.
func (p *Prog) graph() Graph {
	if p.Fork != nil {
		return p.stateGraph()
	}
	d := &drawing{Prog: p, has: map[GraphEdge]bool{}}
	d.node("start", "start", false)
	for i := range p.Steps {
		if s := &p.Steps[i]; s.Block < 0 {
			d.node(stepID(i), d.stepText(s), false)
		}
	}
	d.node("match", "match", true)
	for _, w := range p.span(p.Starts) {
		d.way("start", &w)
	}
	for i := range p.Steps {
		if s := &p.Steps[i]; s.Block < 0 {
			d.step(i, s)
		}
	}
	return d.Graph
}

type drawing struct {
	*Prog
	Graph
	has map[GraphEdge]bool
}

func stepID(i int) string { return fmt.Sprintf("s%d", i) }

func (d *drawing) node(id, label string, final bool) {
	d.Nodes = append(d.Nodes, GraphNode{id, label, final})
}

func (d *drawing) edge(e GraphEdge) {
	if !d.has[e] {
		d.has[e] = true
		d.Edges = append(d.Edges, e)
	}
}

// testText is what a test asks, on lines of their own.
func (p *Prog) testText(test int) string {
	t := &p.Tests[test]
	s := t.Schema.Name
	if t.Where != nil {
		s += "\n" + t.Where.String()
	}
	return s
}

func (d *drawing) stepText(s *Step) string {
	if s.Kind == TakeStep {
		text := s.Label
		if s.repeated() || s.Lo > 1 {
			text += " × " + count(s.Lo, s.Hi)
		}
		return text + opt("\nwithin ", s.Within) + opt("\ngap ", s.Gap)
	}
	text := s.Label + opt(" within ", s.Within)
	for _, t := range d.Tracks[s.Tracks.from:s.Tracks.to] {
		var steps []string
		for i := t.Steps.from; i < t.Steps.to; i++ {
			in := &d.Steps[i]
			steps = append(steps, d.stepText(in)+": "+strings.ReplaceAll(d.testText(in.Test), "\n", " where "))
		}
		text += "\n" + strings.Join(steps, " then ")
	}
	return text
}

func (d *drawing) way(from string, w *Way) {
	label := "then"
	if w.Strict {
		label = "then immediately"
	}
	if w.Again >= 0 {
		label = "again"
	}
	label += opt(" within ", w.Within)
	if to := &d.Steps[w.To]; to.Kind == TakeStep {
		label += "\n" + d.testText(to.Test)
	}
	d.edge(GraphEdge{From: from, To: stepID(w.To), Label: label})
}

func (d *drawing) step(i int, s *Step) {
	id := stepID(i)
	if s.Kind == TakeStep && s.repeated() {
		label := "absorb\n" + d.testText(s.Test)
		d.edge(GraphEdge{From: id, To: id, Label: label})
	}
	for _, w := range d.span(s.Ways) {
		d.way(id, &w)
	}
	for _, a := range d.Arms[s.Arms.from:s.Arms.to] {
		d.dead()
		n := &d.Nos[a.No]
		d.edge(GraphEdge{From: id, To: "dead", Label: n.Label + opt(" within ", n.Within) + strings.TrimPrefix(strings.ReplaceAll(d.testText(n.Test), "\n", "\nwhere "), d.Tests[n.Test].Schema.Name), Deadly: true})
	}
	if s.End.OK {
		var after []string
		for _, n := range s.End.Nos {
			after = append(after, d.Nos[n].Label+opt(" within ", d.Nos[n].Within))
		}
		if s.End.Exactly || d.Rule.AtEnd {
			after = append(after, "end of within")
		}
		d.edge(GraphEdge{From: id, To: "match", Label: strings.Join(after, "\n")})
	}
}

// dead adds the node of violated absences.
func (d *drawing) dead() {
	if n := d.Nodes[len(d.Nodes)-1]; n.ID != "dead" {
		d.node("dead", "run ends", false)
	}
}

func (p *Prog) stateGraph() Graph {
	d := &drawing{Prog: p, has: map[GraphEdge]bool{}}
	for i := range p.Fork.States {
		s := &p.Fork.States[i]
		label := s.Label
		switch {
		case i == p.Fork.Init:
			label = "start"
		case s.Kind == Waits:
			label = "wait for " + label
		}
		d.node(stepID(i), label, s.Kind == Final || s.Kind == Pending)
	}
	for i := range p.Fork.States {
		d.stateEdges(i)
	}
	return d.Graph
}

func (d *drawing) stateEdges(i int) {
	s := &d.Fork.States[i]
	for _, e := range d.Fork.Edges[s.Edges.from:s.Edges.to] {
		text := d.condText(e.When)
		switch {
		case e.Kind == Stop:
			d.dead()
			d.edge(GraphEdge{From: stepID(i), To: "dead", Label: d.Nos[e.No].Label, Deadly: true})
		case e.Kind == Skip:
			d.edge(GraphEdge{From: stepID(i), To: stepID(e.To), Label: "ignore" + text})
		case e.Block >= 0:
			d.edge(GraphEdge{From: stepID(i), To: stepID(e.Block), Label: "take" + text})
			d.edge(GraphEdge{From: stepID(e.Block), To: stepID(e.To), Label: "complete"})
		default:
			d.edge(GraphEdge{From: stepID(i), To: stepID(e.To), Label: "take " + d.name(e.Binding) + text})
		}
	}
	for _, a := range d.Fork.Aims[s.Aims.from:s.Aims.to] {
		d.edge(GraphEdge{From: stepID(i), To: stepID(a.To), Label: "complete"})
	}
	if s.Closing >= 0 && s.Kind != Pending {
		d.edge(GraphEdge{From: stepID(i), To: stepID(s.Closing), Label: "waits"})
	}
}

// condText spells a condition of the forking program.
func (d *drawing) condText(when seg) string {
	text := ""
	for _, t := range d.Fork.Terms[when.from:when.to] {
		var lits []string
		for _, l := range d.Fork.Lits[t.Lits.from:t.Lits.to] {
			s := ""
			switch l.Kind {
			case LitTest:
				s = strings.ReplaceAll(d.testText(l.N), "\n", " where ")
			case LitSince:
				s = "within " + duration(l.D)
			case LitStay:
				s = strings.TrimSpace(opt("within ", l.Span.Within) + opt(" gap ", l.Span.Gap))
			case LitBegun:
				continue
			}
			lits = append(lits, mark(l.Not, "not ")+s)
		}
		if len(lits) > 0 {
			text += "\n" + strings.Join(lits, " or ")
		}
	}
	return text
}
