package engine

import (
	"fmt"
	"maps"
	"slices"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/decode"
	"github.com/weir-cep/weir/internal/expr"
	"github.com/weir-cep/weir/internal/lookup"
)

// refused is an error of a record that changes nothing: the run goes on as if
// it had not been there. It is the same in a replay.
type refused struct{ error }

func (r *refused) Unwrap() error { return r.error }

// apply works off one record. What it does depends on the record and on what
// came before it alone.
func (n *node) apply(en *inbound) ([]Carried, error) {
	n.pos, n.arrived = en.rec.Pos, en.rec.Time
	switch en.rec.Kind {
	case recRows:
		return nil, n.applyRows(en)
	case recOpen:
		return nil, n.applyOpen(en)
	case recIdle, recEnd:
		return nil, n.applyQuiet(en)
	case recTick:
		var t tickRecord
		if err := decodeJSON(en.rec.Data, &t); err != nil {
			return nil, err
		}
		if n.e == nil {
			return nil, nil
		}
		return nil, n.e.Tick(t.Elapsed)
	case recFlush:
		if n.e == nil {
			return nil, nil
		}
		for _, p := range n.reg.parts {
			p.Idle = true
		}
		return nil, n.e.Flush()
	case recDeploy:
		return n.applyDeploy(en)
	case recLookup:
		return nil, n.applyLookups(en)
	}
	return nil, fmt.Errorf("record %d of the journal has kind %d, which this version does not know", en.rec.Pos, en.rec.Kind)
}

// applyRows takes the rows of one partition.
func (n *node) applyRows(en *inbound) error {
	part := n.reg.parts[en.rec.Stream]
	if part == nil {
		return fmt.Errorf("record %d of the journal has rows of a partition that was not opened", en.rec.Pos)
	}
	part.Next, part.Arrived = en.rec.First+en.rec.Count, en.rec.Time
	part.Idle, part.Ended = false, false
	if en.meta.Cursor != nil {
		part.Cursor = en.meta.Cursor
	}
	if en.meta.Header != nil {
		n.headers[en.rec.Stream] = en.meta.Header
	}
	<-en.rows.done
	d, w := en.rows, n.wire.Load()
	if w == nil {
		return nil // nothing is deployed: nobody looks
	}
	if d.wiring != w {
		d = &decoded{out: n.borrow()} // the other one is read by who waits for a receipt
		n.own.work(w, &en.rec, &en.meta, d)
	}
	if d.err != nil {
		n.log.Warn("a source's records cannot be decoded", "source", n.reg.name(part.Source), "error", d.err)
		add(&n.counts.skipped, part.Source, en.rec.Count)
		return nil
	}
	add(&n.counts.records, en.rec.Stream, d.res.Records)
	add(&n.counts.skipped, part.Source, d.res.Skipped)
	if err := n.deadLetters(en, part, d.res.Dead); err != nil {
		return err
	}
	if len(d.out.batch.Rows) == 0 {
		lend(n.spare, d.out)
		return nil
	}
	return n.e.feedPrepared(d.out, en.rec.Time)
}

// deadLetters keeps what did not become an event.
func (n *node) deadLetters(en *inbound, part *journaled, letters []decode.DeadLetter) error {
	for i := range letters {
		l := &letters[i]
		n.counts.reject(part.Source, l.Reason.String())
		err := n.sink.Dead(DeadRecord{Source: n.reg.name(part.Source), Partition: part.Partition,
			Position: en.meta.place(en.rec.First, l.Position), Arrived: en.rec.Time, Reason: l.Reason.String(), Detail: l.Detail, Field: l.Field, Raw: l.Raw})
		if err != nil {
			return fmt.Errorf("keep a dead letter: %w", err)
		}
	}
	return nil
}

func (n *node) applyOpen(en *inbound) error {
	var o openRecord
	if err := decodeJSON(en.rec.Data, &o); err != nil {
		return err
	}
	p := n.reg.open(&o)
	p.Arrived = en.rec.Time
	w := n.wire.Load()
	if w == nil || w.byID[o.ID] == nil {
		return nil
	}
	return n.e.AddInput(n.input(w.byID[o.ID], p))
}

// input declares a partition to the engine.
func (n *node) input(f *feed, p *journaled) Input {
	in := Input{Source: p.Source, Partition: p.Partition, Types: f.types, Name: f.name, Dedupe: f.dedupe, MaxAhead: f.ahead, Idle: p.Idle, Find: n.find}
	if f.config.Format == decode.CSV {
		stream, delimiter := streamID(p.Source, p.Partition), f.config.Delimiter
		in.JSON = func(dst, raw []byte) []byte { return csvJSON(dst, n.headers[stream], raw, comma(delimiter)) }
	}
	return in
}

// applyQuiet takes a partition out of the watermark, for a while or for good.
func (n *node) applyQuiet(en *inbound) error {
	var o openRecord
	if err := decodeJSON(en.rec.Data, &o); err != nil {
		return err
	}
	p := n.reg.parts[streamID(o.ID, o.Partition)]
	if p == nil {
		return nil
	}
	p.Idle = true
	p.Ended = p.Ended || en.rec.Kind == recEnd
	if w := n.wire.Load(); w == nil || w.byID[o.ID] == nil {
		return nil
	}
	return n.e.Idle(o.ID, o.Partition)
}

// applyLookups puts new versions of lists and tables in place.
func (n *node) applyLookups(en *inbound) error {
	var r lookupRecord
	if err := decodeJSON(en.rec.Data, &r); err != nil {
		return err
	}
	w := n.wire.Load()
	if w == nil {
		return nil
	}
	l, err := w.parser.Apply(n.lookups, lookup.WithEdits(r.Texts, n.texts))
	if err != nil {
		return &refused{err}
	}
	n.texts = maps.Clone(n.texts) // others read the map
	maps.Copy(n.texts, r.Texts)
	n.lookups, n.version = l, l.Version
	n.dirty[blobLookups] = true
	n.e.SetLookups(l)
	n.rewire(w)
	return nil
}

// applyDeploy puts a rule set in place. One that cannot run changes nothing.
func (n *node) applyDeploy(en *inbound) ([]Carried, error) {
	var r deployRecord
	if err := decodeJSON(en.rec.Data, &r); err != nil {
		return nil, err
	}
	rules := RuleSet{Roots: r.Roots, Files: r.Files, Status: r.Status}
	c := en.ready
	if c == nil {
		prog, err := rules.Compile()
		if err != nil {
			return nil, &refused{err}
		}
		c = &compiled{prog, lookup.NewParser(prog)}
	}
	list, err := feeds(c.prog)
	if err != nil {
		return nil, &refused{err}
	}
	l, err := n.look(c.parser, r.Texts)
	if err != nil {
		return nil, &refused{err}
	}
	for name, id := range r.Sources {
		n.reg.sources[name] = id
	}
	w := n.wiring(rules, c, list)
	carried, err := n.put(c.prog, w, l, &r)
	if err != nil {
		return nil, &refused{err}
	}
	n.texts, n.lookups, n.version = r.Texts, l, l.Version
	if n.texts == nil {
		n.texts = map[string]lookup.Text{}
	}
	n.dirty[blobLookups], n.dirty[blobRules] = true, true
	n.rewire(w)
	return carried, nil
}

// look makes the values of lists, tables and params of a program.
func (n *node) look(p *lookup.Parser, texts map[string]lookup.Text) (*expr.Lookups, error) {
	base, err := p.Own(n.version)
	if err != nil {
		return nil, err
	}
	return p.Apply(base, texts)
}

func (n *node) wiring(rules RuleSet, c *compiled, list []*feed) *wiring {
	w := &wiring{rules: rules, prog: c.prog, parser: c.parser, feeds: list, byID: map[uint32]*feed{}}
	for _, f := range list {
		f.id = n.reg.sources[f.name]
		w.byID[f.id] = f
	}
	return w
}

// put makes the engine or changes its program.
func (n *node) put(prog *dsl.Program, w *wiring, l *expr.Lookups, r *deployRecord) (carried []Carried, err error) {
	inputs := n.inputs(w)
	if n.e == nil {
		cfg := n.engineConfig()
		cfg.Inputs, cfg.Lookups = inputs, l
		if n.e, err = New(prog, cfg); err != nil {
			return nil, err
		}
		n.hook()
		for _, rule := range n.e.plan.rules {
			carried = append(carried, Carried{Rule: rule.ir.Name, What: CarriedNew})
		}
		return carried, nil
	}
	carried, err = n.e.Deploy(prog, Deployment{Carry: r.Carry, Reset: r.Reset, Lookups: l, Inputs: inputs, Redecode: n.redecode(w)})
	if err != nil {
		return nil, err
	}
	n.hook()
	return carried, n.stillIdle(w)
}

// stillIdle takes the partitions out of the watermark that were silent when
// their source came back.
func (n *node) stillIdle(w *wiring) error {
	for _, p := range n.reg.ordered() {
		if p.Idle && w.byID[p.Source] != nil {
			if err := n.e.Idle(p.Source, p.Partition); err != nil {
				return err
			}
		}
	}
	return nil
}

// inputs are the partitions of the sources that a program reads.
func (n *node) inputs(w *wiring) []Input {
	list := []Input{}
	for _, p := range n.reg.ordered() {
		if f := w.byID[p.Source]; f != nil {
			list = append(list, n.input(f, p))
		}
	}
	return list
}

// engineConfig is how the node runs its engine.
func (n *node) engineConfig() Config {
	limits := n.cfg.Limits
	limits.Early = true // it has to go on, whatever comes
	return Config{Shards: n.cfg.Shards, Arrival: true, Apart: true, Deploys: true, Limits: limits, Emit: n.emit, Late: n.late, Ahead: n.ahead}
}

// hook ties an engine to the node.
func (n *node) hook() {
	n.e.giveBack = func(p *prepared) { lend(n.spare, p) }
	n.hookDerived()
}

// rewire makes the workers decode for the engine's program.
func (n *node) rewire(w *wiring) {
	next := *w
	next.generation++
	next.plan = n.e.plan
	n.wire.Store(&next)
}

// emit commits alerts that the engine has found.
func (n *node) emit(alerts []*cep.Alert) error {
	for _, a := range alerts {
		add(&n.counts.alerts, alertCount{a.Rule, a.Severity, a.Status}, 1)
	}
	if err := n.sink.Commit(uint64(n.pos), alerts); err != nil {
		return fmt.Errorf("write alerts: %w", err)
	}
	if n.cfg.Found != nil && !n.replay {
		n.cfg.Found(n.arrived, alerts)
	}
	return nil
}

// late keeps an event that came too late.
func (n *node) late(r LateRow) {
	row := &r.Batch.Rows[r.Index]
	add(&n.counts.late, row.Ref.Source(), 1)
	rec := LateRecord{Source: n.reg.name(row.Ref.Source()), Partition: row.Ref.Partition(), Position: row.Ref.Position(),
		Arrived: n.arrived, Type: r.Batch.Tables[row.Table].Schema.Name, At: row.At, Watermark: r.Watermark}
	rec.Raw = slices.Clone(r.Batch.RawText(r.Index))
	if err := n.sink.Late(rec); err != nil {
		n.fail(fmt.Errorf("keep a late event: %w", err))
	}
}

// ahead keeps an event that is too far ahead of its arrival, as a dead letter.
func (n *node) ahead(r AheadRow) {
	row := &r.Batch.Rows[r.Index]
	n.counts.reject(row.Ref.Source(), reasonAhead)
	err := n.sink.Dead(DeadRecord{Source: n.reg.name(row.Ref.Source()), Partition: row.Ref.Partition(), Position: row.Ref.Position(),
		Arrived: n.arrived, Reason: reasonAhead, Detail: "its time is further ahead of its arrival than max_ahead", Raw: slices.Clone(r.Batch.RawText(r.Index))})
	if err != nil {
		n.fail(fmt.Errorf("keep a dead letter: %w", err))
	}
}

// reasonAhead is the reason of an event that is too far in the future.
const reasonAhead = "too_far_ahead"
