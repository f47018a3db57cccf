package engine

import (
	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/internal/expr"
	"github.com/weir-cep/weir/nfa"
)

// Trace watches how a rule treats one key: the runs of its pattern, told by
// Tracer, or each judgement of its condition, told by Judged. The rule runs on
// the general machine then, which gives the same matches as the fast one.
type Trace struct {
	Rule   string
	Key    []cep.Value // nil: every key, on one shard only
	Tracer nfa.Tracer
	// Judged is told of every event that the "on" of the rule selects, and
	// whether the condition holds. The frame is good during the call.
	Judged func(f *expr.Frame, holds bool)
}

// follow makes a rule the watched one.
func (t *Trace) follow(rs *ruleState) {
	tr := &keyTracer{sh: rs.sh, trace: t, all: t.Key == nil}
	var key []byte
	for _, v := range t.Key {
		key = expr.AppendKeyValue(key, v)
	}
	tr.key = string(key)
	rs.tracer = tr
	if rs.r.prog == nil {
		return
	}
	rs.machine = rs.r.prog.NewGeneral(rs.mem, rs.sh.syms, rs.sh.cfg.Limits.Match)
	rs.machine.(nfa.Traceable).SetTracer(tr)
}

// keyTracer passes on what concerns the watched key.
type keyTracer struct {
	sh    *shard
	trace *Trace
	key   string
	all   bool
}

func (t *keyTracer) on() bool { return t.all || string(t.sh.bytes) == t.key }

func (t *keyTracer) judged(f *expr.Frame, holds bool) {
	if t.trace.Judged != nil && t.on() {
		t.trace.Judged(f, holds)
	}
}

// Started and the following implement nfa.Tracer.
func (t *keyTracer) Started(r *nfa.TracedRun) {
	if t.on() {
		t.trace.Tracer.Started(r)
	}
}

// Took implements nfa.Tracer.
func (t *keyTracer) Took(r *nfa.TracedRun) {
	if t.on() {
		t.trace.Tracer.Took(r)
	}
}

// Refused implements nfa.Tracer.
func (t *keyTracer) Refused(r *nfa.TracedRun, test *nfa.Test, f *expr.Frame) {
	if t.on() {
		t.trace.Tracer.Refused(r, test, f)
	}
}

// Completed implements nfa.Tracer.
func (t *keyTracer) Completed(r *nfa.TracedRun, at int64, kind cep.MatchKind) {
	if t.on() {
		t.trace.Tracer.Completed(r, at, kind)
	}
}

// Killed implements nfa.Tracer.
func (t *keyTracer) Killed(r *nfa.TracedRun, why nfa.Death, index int) {
	if t.on() {
		t.trace.Tracer.Killed(r, why, index)
	}
}

// Expired implements nfa.Tracer.
func (t *keyTracer) Expired(r *nfa.TracedRun, at int64) {
	if t.on() {
		t.trace.Tracer.Expired(r, at)
	}
}
