package app

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/slab"
	"github.com/weir-cep/weir/internal/window"
	"github.com/weir-cep/weir/nfa"
)

// describeRule prints what a rule does and what it costs: its sentence, the
// machine that runs it and why, when its alerts come, and what a key holds.
func describeRule(w io.Writer, prog *dsl.Program, rule *dsl.RuleIR, graph string) error {
	if rule.Pattern == nil {
		if graph != "" {
			return fmt.Errorf("rule %s has no pattern and so no automaton", rule.Name)
		}
		return describeOn(w, prog, rule)
	}
	p, err := nfa.Compile(rule, prog.Zone)
	if err != nil {
		return err
	}
	x := p.Explain(nfa.Limits{})
	switch graph {
	case "dot":
		_, err = io.WriteString(w, x.Graph.Dot())
		return err
	case "mermaid":
		_, err = io.WriteString(w, x.Graph.Mermaid())
		return err
	}
	header(w, rule)
	field(w, "machine", x.Machine+": "+x.Why)
	field(w, "cost", x.Cost)
	field(w, "alerts", order(rule)+oneShard(rule))
	field(w, "state", fmt.Sprintf("at most %s a key: %s", bytesText(x.State.Bytes), x.State.Text))
	if err := reads(w, prog, rule); err != nil {
		return err
	}
	field(w, "graph", "weir explain "+rule.Name+" … --graph mermaid, or dot")
	return nil
}

// bytesText writes a number of bytes for people.
func bytesText(n int64) string {
	switch {
	case n >= 10<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 10<<10:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d bytes", n)
}

// order says when the alerts of a rule come.
func order(rule *dsl.RuleIR) string {
	switch {
	case rule.Arrival:
		return "in arrival order: at once"
	case rule.Deadline:
		return "in time order: when the watermark has passed the event that completes it, or the deadline"
	}
	return "in time order: when the watermark has passed the event that completes it"
}

func describeOn(w io.Writer, prog *dsl.Program, rule *dsl.RuleIR) error {
	header(w, rule)
	field(w, "machine", "condition: judged at each "+rule.Bindings[0].Schema.Name+" by itself")
	field(w, "alerts", order(rule)+oneShard(rule))
	if len(rule.Aggs) > 0 {
		if err := windows(w, prog, "windows", rule.Aggs); err != nil {
			return err
		}
	}
	return reads(w, prog, rule)
}

func header(w io.Writer, rule *dsl.RuleIR) {
	fmt.Fprintf(w, "%s  %q\n\n%s\n\n", rule.Name, rule.Title, wrap(rule.Sentence(), width))
	key := "global: one state for the whole stream"
	if !rule.Global {
		var parts []string
		for _, k := range rule.Key {
			parts = append(parts, k.Name+" ("+k.Type.String()+")")
		}
		key = strings.Join(parts, ", ")
	}
	field(w, "key", key)
}

func oneShard(rule *dsl.RuleIR) string {
	if rule.Global {
		return "; one shard"
	}
	return ""
}

func field(w io.Writer, name, text string) {
	fmt.Fprintln(w, hang(fmt.Sprintf("%-8s %s", name, text), 9))
}

// reads lists the features that the rule reads, with what they keep.
func reads(w io.Writer, prog *dsl.Program, rule *dsl.RuleIR) error {
	seen := map[*dsl.FeatureIR]bool{}
	for i := range rule.Reads {
		f := rule.Reads[i].Feature
		if seen[f] {
			continue
		}
		seen[f] = true
		if err := windows(w, prog, "feature "+f.Name, f.Aggs); err != nil {
			return err
		}
	}
	return nil
}

// windows lists aggregates with how each is kept.
func windows(w io.Writer, prog *dsl.Program, name string, aggs []*dsl.Aggregate) error {
	specs, _ := window.Specs(aggs)
	set, err := window.New(specs, prog.Zone, slab.NewArena(), slab.NewSymbols())
	if err != nil {
		return err
	}
	cost := set.Cost()
	fmt.Fprintf(w, "%s: %d bytes a key, %d bytes an event in a window\n", name, cost.Key, cost.Event)
	for i, a := range aggs {
		fmt.Fprintln(w, hang(fmt.Sprintf("  %s: %s", a.Text, set.Describe(i)), 4))
	}
	return nil
}

// width is that of texts for people, in characters.
const width = 100

// wrap breaks a text into lines of at most width characters.
func wrap(text string, width int) string {
	var b strings.Builder
	col := 0
	for _, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		if col > 0 && col+1+n > width {
			b.WriteByte('\n')
			col = 0
		} else if col > 0 {
			b.WriteByte(' ')
			col++
		}
		b.WriteString(word)
		col += n
	}
	return b.String()
}

// hang breaks a line that is too long and sets what follows in by some blanks.
// The line's own blanks stay as far as it reaches.
func hang(line string, by int) string {
	runes := []rune(line)
	if len(runes) <= width {
		return line
	}
	cut := width
	for cut > by && runes[cut] != ' ' {
		cut--
	}
	if cut == by { // a word longer than the line
		return line
	}
	pad := "\n" + strings.Repeat(" ", by)
	rest := wrap(string(runes[cut:]), width-by)
	return strings.TrimRight(string(runes[:cut]), " ") + pad + strings.ReplaceAll(rest, "\n", pad)
}
