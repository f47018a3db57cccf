package nfa

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/expr"
	"github.com/weir-cep/weir/internal/slab"
)

// bench is what the machines of one goroutine run on. Its memory is empty
// between runs, or something has leaked.
type workbench struct {
	mem   *slab.Arena
	syms  *slab.Symbols
	frame expr.Frame
}

func newWorkbench() *workbench {
	b := &workbench{mem: slab.NewArena(), syms: slab.NewSymbols()}
	b.frame.Syms = b.syms
	return b
}

// wideOpen are limits that no drawn stream reaches.
var wideOpen = Limits{Starts: 1 << 20, Events: 1 << 20, Tests: 1 << 30}

// makeMachine makes one of a program's machines.
type makeMachine func(p *Prog, mem *slab.Arena, syms *slab.Symbols, lim Limits) Machine

func generalMachine(p *Prog, mem *slab.Arena, syms *slab.Symbols, lim Limits) Machine {
	return p.NewGeneral(mem, syms, lim)
}

func bestMachine(p *Prog, mem *slab.Arena, syms *slab.Symbols, lim Limits) Machine {
	return p.New(mem, syms, lim)
}

// batchOf lays reference events out as the machines read them; rows[i] is the
// row of event i in the table of its type.
func batchOf(es []*refEvent) (b *cep.Batch, rows []cep.Row) {
	b = &cep.Batch{}
	for _, e := range es {
		t := slices.IndexFunc(b.Tables, func(t cep.Table) bool { return t.Schema == e.schema })
		if t < 0 {
			t = len(b.Tables)
			b.Tables = append(b.Tables, cep.Table{Schema: e.schema, Cols: make([]cep.Column, len(e.schema.Fields))})
		}
		tab := &b.Tables[t]
		for i := range tab.Cols {
			c := &tab.Cols[i]
			if tab.Rows%64 == 0 {
				c.Present = append(c.Present, 0)
			}
			if !e.vals[i].missing {
				c.Present[tab.Rows/64] |= 1 << (tab.Rows % 64)
			}
			c.Words = append(c.Words, wordOf(b, e.vals[i]))
		}
		rows = append(rows, cep.Row{At: e.at, Ref: cep.MakeRef(0, 0, uint64(e.seq)), Table: uint32(t), Index: uint32(tab.Rows)})
		tab.Rows++
	}
	b.Rows = rows
	return b, rows
}

func wordOf(b *cep.Batch, v refVal) cep.Word {
	switch v.kind {
	case cep.KindString:
		b.Bytes = append(b.Bytes, v.s...)
		return cep.StringWord(len(b.Bytes)-len(v.s), len(v.s))
	case cep.KindNumber:
		return cep.NumberWord(v.f)
	}
	return uint64(v.i)
}

// outcome is what a machine answered, and what it did wrong beside.
type answer struct {
	matches []refMatch
	faults  []string
}

func (a *answer) fault(format string, args ...any) {
	a.faults = append(a.faults, fmt.Sprintf(format, args...))
}

// runner feeds a machine and notes what it reports.
type runner struct {
	*answer
	b     *workbench
	p     *Prog
	m     Machine
	batch *cep.Batch
	rows  []cep.Row
	state slab.Handle
	lazy  bool // feed only what Relevant asks for, and drop what is Idle
}

func newRunner(b *workbench, p *Prog, m Machine, es []*refEvent) *runner {
	r := &runner{answer: &answer{}, b: b, p: p, m: m}
	r.batch, r.rows = batchOf(es)
	return r
}

// emit checks a match against itself and notes it.
func (r *runner) emit(m *Match) {
	var binds refBinds
	last := int64(-1 << 62)
	for _, e := range m.Events {
		if e.At < last {
			r.fault("events of a match not in time order")
		}
		last = e.At
		if row := r.rows[e.Ref.Position()]; row.At != e.At {
			r.fault("event %d at %d, bound at %d", e.Ref.Position(), row.At, e.At)
		}
		if id := r.identity(e); id != e.ID {
			r.fault("event %d has identity %x, not %x", e.Ref.Position(), e.ID, id)
		}
		binds = append(binds, refBind{binding: e.Binding, e: &refEvent{seq: int(e.Ref.Position()), at: e.At}})
	}
	for i := range r.p.Rule.Bindings {
		n := len(binds.of(i))
		if got := m.Bound.Count(i); got != n {
			r.fault("binding %d counts %d, has %d", i, got, n)
			continue
		}
		r.records(m, i, binds.of(i))
	}
	x := refMatch{kind: m.Kind, at: m.At, firstAt: m.FirstAt, truncated: m.Truncated, binds: binds.text()}
	if r.p.Rule.Policy == dsl.MatchEach {
		x.rank = rankOf(m.Kind, binds)
	}
	r.matches = append(r.matches, x)
}

// identity is the hash of the reference of a bound event.
func (r *runner) identity(e BoundEvent) uint64 {
	row := r.rows[e.Ref.Position()]
	id, _ := Identity(&expr.Frame{Batch: r.batch, Table: &r.batch.Tables[row.Table], Row: int(row.Index), At: row.At, Ref: row.Ref}, nil)
	return id
}

// records compares the captured fields with the events.
func (r *runner) records(m *Match, binding int, es []*refEvent) {
	b := &r.p.Rule.Bindings[binding]
	for _, f := range b.Captures {
		for i, e := range es {
			row := r.rows[e.seq]
			col := &r.batch.Tables[row.Table].Cols[f]
			v := r.p.Layout.Captures[binding].Value(m.Bound.Record(binding, i), f, r.b.syms)
			has := col.Has(int(row.Index))
			w := col.Words[row.Index]
			switch {
			case v.Missing == has:
				r.fault("binding %d event %d field %d: present %v", binding, i, f, !v.Missing)
			case has && b.Schema.Fields[f].Type.Kind == cep.KindString && v.Text != r.batch.Str(w),
				has && b.Schema.Fields[f].Type.Kind != cep.KindString && v.Word != w:
				r.fault("binding %d event %d field %d: %v", binding, i, f, v)
			}
		}
	}
	if n := len(es); n > 0 && len(b.Captures) > 0 && !slices.Equal(m.Bound.Record(binding, -1), m.Bound.Record(binding, n-1)) {
		r.fault("binding %d: the last record is not record %d", binding, n-1)
	}
}

// advance moves the clock and checks what the machine said about it before.
func (r *runner) advance(now int64) {
	due, ok := r.m.Deadline(r.state)
	before := len(r.matches)
	r.b.frame.Table = nil
	r.state = r.m.Advance(r.state, now, &r.b.frame, r.emit)
	for _, m := range r.matches[before:] {
		if !ok || m.at < due || m.at >= now {
			r.fault("deadline said %d %v, then a match came at %d before %d", due, ok, m.at, now)
		}
	}
	if at, ok := r.m.Deadline(r.state); ok && at < now {
		r.fault("deadline %d is left after %d", at, now)
	}
}

func (r *runner) event(e *refEvent) {
	row := r.rows[e.seq]
	f := &r.b.frame
	f.Batch, f.Table, f.Row, f.At, f.Ref = r.batch, &r.batch.Tables[row.Table], int(row.Index), row.At, row.Ref
	ev := Event{Frame: f, Bits: r.p.Bits(f, e.schema, e.routes), Routes: e.routes}
	if r.lazy {
		if at, ok := r.m.Idle(r.state); ok && at < e.at {
			r.m.Drop(r.state)
			r.state = 0
		}
		if !r.p.Relevant(ev.Bits, r.state != 0) {
			return
		}
	}
	r.state = r.m.Event(r.state, &ev, r.emit)
}

// finish drops the state; nothing may be left behind.
func (r *runner) finish() *answer {
	r.m.Drop(r.state)
	if n, size := r.b.mem.Live(); n != 0 || size != 0 {
		r.fault("%d slots of %d bytes are left behind", n, size)
		r.b.mem = slab.NewArena()
	}
	if n := r.b.syms.Len(); n != 0 {
		r.fault("%d symbols are left behind", n)
		r.b.syms = slab.NewSymbols()
		r.b.frame.Syms = r.b.syms
	}
	return r.answer
}

// runMachine feeds a stream to a new machine, each event after an advance to
// its time, and at last moves the clock to end.
func runMachine(b *workbench, p *Prog, mk makeMachine, es []*refEvent, end int64, lazy bool) (a *answer) {
	r := newRunner(b, p, mk(p, b.mem, b.syms, wideOpen), es)
	r.lazy = lazy
	defer func() {
		if x := recover(); x != nil {
			r.fault("panic: %v", x)
			*b = *newWorkbench()
			a = r.answer
		}
	}()
	for _, e := range es {
		r.advance(e.at)
		r.event(e)
	}
	r.advance(end)
	return r.finish()
}

// runTogether feeds the streams of several keys to one machine, in turn.
func runTogether(b *workbench, p *Prog, mk makeMachine, streams [][]*refEvent, ends []int64) (answers []*answer) {
	m := mk(p, b.mem, b.syms, wideOpen)
	rs := make([]*runner, len(streams))
	for k, es := range streams {
		rs[k] = newRunner(b, p, m, es)
		answers = append(answers, rs[k].answer)
	}
	defer func() {
		if x := recover(); x != nil {
			answers[0].fault("panic: %v", x)
			*b = *newWorkbench()
		}
	}()
	for i, more := 0, true; more; i++ {
		more = false
		for k, es := range streams {
			if i < len(es) {
				more = true
				rs[k].advance(es[i].at)
				rs[k].event(es[i])
			}
		}
	}
	for k, r := range rs {
		r.advance(ends[k])
		if k < len(rs)-1 {
			m.Drop(r.state)
		}
	}
	rs[len(rs)-1].finish()
	return answers
}

func runReference(rule *dsl.RuleIR, es []*refEvent, end int64) (out []refMatch) {
	m := newReference(rule, func(x refMatch) { out = append(out, x) })
	for _, e := range es {
		m.event(e)
	}
	m.advance(end)
	return out
}

// canonical puts matches that may come in any order, those of one time and
// rank, into one.
func canonical(ms []refMatch) []refMatch {
	ms = slices.Clone(ms)
	for i := 0; i < len(ms); {
		j := i + 1
		for j < len(ms) && ms[i].rank != "" && ms[j].at == ms[i].at && ms[j].kind == ms[i].kind && ms[j].rank == ms[i].rank {
			j++
		}
		slices.SortFunc(ms[i:j], func(a, b refMatch) int { return strings.Compare(a.binds, b.binds) })
		i = j
	}
	return ms
}

func sameMatches(want, got []refMatch) bool {
	return slices.Equal(canonical(want), canonical(got))
}

func matchesText(ms []refMatch) string {
	var b strings.Builder
	for _, m := range ms {
		b.WriteString("\n    " + m.String())
	}
	if len(ms) == 0 {
		return " none"
	}
	return b.String()
}

func streamText(r *dsl.RuleIR, es []*refEvent) string {
	var b strings.Builder
	for _, e := range es {
		fmt.Fprintf(&b, "\n    %d at %-4s %s", e.seq, time.Duration(e.at), e.schema.Name)
		for i, f := range e.schema.Fields {
			v := e.vals[i]
			switch {
			case f.Type.Kind == cep.KindBool && v.i != 0:
				b.WriteString(" " + f.Name)
			case f.Type.Kind == cep.KindInt && !v.missing:
				fmt.Fprintf(&b, " %s=%d", f.Name, v.i)
			case f.Name == "s":
				b.WriteString(" s=" + v.s)
			}
		}
		if len(r.Routes) > 1 {
			b.WriteString(" by")
			for k, t := range r.Routes {
				if e.routes>>k&1 != 0 {
					b.WriteString(" " + t.Schema.Fields[t.Fields[0]].Name)
				}
			}
		}
	}
	return b.String()
}
