package expr

import (
	"math"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/slab"
)

// Aggregates over the events that a step has bound are computed when they are
// read, from the capture records: in a run they change with every absorbed
// event, and most are read once. Missing values are left out; without any
// left, count, sum and distinct are 0 and the others missing.

// gatherer collects the present values of a captured field into the scratch
// words, two for each wide value.
type gatherer struct {
	slot
	step int
}

func (c *Compiler) gatherer(e *dsl.Expr) gatherer {
	c.borrows = true
	return gatherer{c.capture(e), e.Step}
}

// gather returns the words, which the caller may change, and gives them back
// at once: they are valid until the next.
func (g *gatherer) gather(f *Frame) []uint64 {
	if f.Bound == nil {
		return nil
	}
	mark := len(f.scratch.words)
	words := f.scratch.words
	wide := g.kind == cep.KindIP || g.kind == cep.KindPoint
	for i := range f.Bound.Count(g.step) {
		rec := f.Bound.Record(g.step, i)
		if rec[g.at]&g.bit == 0 {
			continue
		}
		words = append(words, rec[g.off])
		if wide {
			words = append(words, rec[g.off+1])
		}
	}
	f.scratch.words = words[:mark]
	return words[mark:]
}

// end finds the first or last bound event with a value.
func (g *gatherer) end(f *Frame, last bool) []uint64 {
	if f.Bound == nil {
		return nil
	}
	n := f.Bound.Count(g.step)
	for i := range n {
		if last {
			i = n - 1 - i
		}
		if rec := f.Bound.Record(g.step, i); rec[g.at]&g.bit != 0 {
			return rec
		}
	}
	return nil
}

// intFold compiles the aggregates whose result is a count.
func (c *Compiler) intFold(e *dsl.Expr) fn[int64] {
	g := c.gatherer(e)
	switch e.Agg {
	case dsl.AggCount:
		size := 1
		if g.kind == cep.KindIP || g.kind == cep.KindPoint {
			size = 2
		}
		return func(f *Frame) (int64, bool) { return int64(len(g.gather(f)) / size), true }
	case dsl.AggDistinct:
		return func(f *Frame) (int64, bool) { return distinct(g.gather(f), g.kind), true }
	case dsl.AggSum:
		c.fails = true
		return func(f *Frame) (int64, bool) {
			v, ok := total(g.gather(f)).narrow()
			return done(f, v, true, ok)
		}
	case dsl.AggAvg:
		return func(f *Frame) (int64, bool) {
			words := g.gather(f)
			if len(words) == 0 {
				return 0, false
			}
			s := total(words)
			return cep.DivRound128(s.hi, s.lo, int64(len(words)))
		}
	case dsl.AggStddev:
		c.fails = true
		return func(f *Frame) (int64, bool) {
			words := g.gather(f)
			if len(words) < 2 {
				return 0, false
			}
			v := math.RoundToEven(deviation(words))
			return done(f, int64(v), true, v < 0x1p63)
		}
	case dsl.AggMin, dsl.AggMax:
		return pick(g, e.Agg == dsl.AggMax, func(w uint64) int64 { return int64(w) })
	case dsl.AggFirst, dsl.AggLast:
		last := e.Agg == dsl.AggLast
		return func(f *Frame) (int64, bool) {
			if rec := g.end(f, last); rec != nil {
				return int64(rec[g.off]), true
			}
			return 0, false
		}
	}
	bad(e, "no such aggregate over a step")
	return nil
}

// numFold compiles those whose result is a number: over a number, and the
// average and deviation of ints.
func (c *Compiler) numFold(e *dsl.Expr) fn[float64] {
	g := c.gatherer(e)
	float := g.kind == cep.KindNumber
	switch e.Agg {
	case dsl.AggSum:
		c.fails = true
		return func(f *Frame) (float64, bool) { return finite(f, sumNumbers(g.gather(f))) }
	case dsl.AggAvg:
		c.fails = true
		return func(f *Frame) (float64, bool) {
			words := g.gather(f)
			if len(words) == 0 {
				return 0, false
			}
			if float {
				return finite(f, sumNumbers(words)/float64(len(words)))
			}
			return total(words).float() / float64(len(words)), true
		}
	case dsl.AggStddev:
		c.fails = true
		return func(f *Frame) (float64, bool) {
			words := g.gather(f)
			if len(words) < 2 {
				return 0, false
			}
			if float {
				return finite(f, deviationNumbers(words))
			}
			return finite(f, deviation(words))
		}
	case dsl.AggMin, dsl.AggMax:
		return pick(g, e.Agg == dsl.AggMax, cep.Number)
	case dsl.AggFirst, dsl.AggLast:
		last := e.Agg == dsl.AggLast
		return func(f *Frame) (float64, bool) {
			if rec := g.end(f, last); rec != nil {
				return cep.Number(rec[g.off]), true
			}
			return 0, false
		}
	}
	bad(e, "no such aggregate over a step")
	return nil
}

func pick[T int64 | float64](g gatherer, largest bool, of func(uint64) T) fn[T] {
	return func(f *Frame) (best T, ok bool) {
		for i, w := range g.gather(f) {
			if v := of(w); i == 0 || largest && v > best || !largest && v < best {
				best, ok = v, true
			}
		}
		return best, ok
	}
}

// strFold and wideFold compile first and last; strings also have an order.
func (c *Compiler) strFold(e *dsl.Expr) fn[string] {
	g := c.gatherer(e)
	switch e.Agg {
	case dsl.AggFirst, dsl.AggLast:
		last := e.Agg == dsl.AggLast
		return func(f *Frame) (string, bool) {
			if rec := g.end(f, last); rec != nil {
				return f.Syms.Str(slab.Symbol(rec[g.off])), true
			}
			return "", false
		}
	case dsl.AggMin, dsl.AggMax:
		largest := e.Agg == dsl.AggMax
		return func(f *Frame) (best string, ok bool) {
			for i, w := range g.gather(f) {
				if s := f.Syms.Str(slab.Symbol(w)); i == 0 || largest && s > best || !largest && s < best {
					best, ok = s, true
				}
			}
			return best, ok
		}
	}
	bad(e, "no such aggregate over a step")
	return nil
}

func (c *Compiler) wideFold(e *dsl.Expr) fn[cep.Wide] {
	g := c.gatherer(e)
	last := e.Agg == dsl.AggLast
	if !last && e.Agg != dsl.AggFirst {
		bad(e, "no such aggregate over a step")
	}
	return func(f *Frame) (cep.Wide, bool) {
		if rec := g.end(f, last); rec != nil {
			return cep.Wide{rec[g.off], rec[g.off+1]}, true
		}
		return cep.Wide{}, false
	}
}
