package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/weir-cep/weir/internal/checkpoint"
	"github.com/weir-cep/weir/internal/journal"
	"github.com/weir-cep/weir/internal/lookup"
)

// Recovery is what it took to take up a run again.
type Recovery struct {
	Checkpoint uint64        `json:"checkpoint"` // the position that it began with, 0: the journal's beginning
	Records    uint64        `json:"records"`    // that were replayed
	Rows       uint64        `json:"rows"`       // waiting ones that were read again
	Took       time.Duration `json:"took"`
	Reproduced uint64        `json:"reproduced"` // alerts of the log that the replay found again
	Missing    uint64        `json:"missing"`    // and did not: always 0
}

// recover brings the node to where the journal ends.
func (n *node) recover(ctx context.Context) (rec Recovery, err error) {
	start := time.Now()
	from, seq, err := n.restore(ctx, &rec)
	if err != nil {
		return rec, err
	}
	if n.j == nil {
		return rec, nil
	}
	if err := n.sink.Replay(seq); err != nil {
		return rec, err
	}
	n.replay = true
	if err := n.replayFrom(ctx, from, &rec); err != nil {
		return rec, err
	}
	n.replay = false
	rec.Reproduced, rec.Missing = n.sink.Replayed()
	rec.Took = time.Since(start)
	for s, p := range n.reg.parts {
		live := &livePart{n: n, stream: s, name: p.Name, next: p.Next, kept: p.Next, cursor: p.Cursor, arrived: n.now(), lag: -1, idle: p.Idle, ended: p.Ended}
		live.feed.Store(&feed{name: n.reg.name(p.Source), id: p.Source})
		n.live[s] = live
	}
	n.adopt()
	return rec, nil
}

// adopt gives the partitions the feeds of the running program.
func (n *node) adopt() {
	w := n.wire.Load()
	if w == nil {
		return
	}
	for _, p := range n.live {
		if f := w.byID[sourceOf(p.stream)]; f != nil {
			p.feed.Store(f)
		}
	}
}

// restore loads the last checkpoint. It returns the record to replay from and
// the last alert before that.
func (n *node) restore(ctx context.Context, rec *Recovery) (from journal.Position, seq uint64, err error) {
	if n.store == nil {
		return 1, 0, nil
	}
	m, ok := n.store.Latest()
	if !ok {
		if n.j.First() > 1 {
			return 0, 0, fmt.Errorf("the journal begins at record %d and there is no checkpoint from which to go on; restore a savepoint with \"weir state restore\"", n.j.First())
		}
		return 1, 0, nil
	}
	var saved savedNode
	if ok, err := loadBlob(n.store, blobNode, &saved); err != nil || !ok {
		return 0, 0, errors.Join(err, missing(ok, blobNode))
	}
	if saved.Shards != n.cfg.Shards {
		n.log.Warn("the state keeps the number of shards that it was made with", "shards", saved.Shards, "asked", n.cfg.Shards)
		n.cfg.Shards = saved.Shards
	}
	var rules RuleSet
	if ok, err := loadBlob(n.store, blobRules, &rules); err != nil || !ok {
		return 0, 0, errors.Join(err, missing(ok, blobRules))
	}
	if _, err := loadBlob(n.store, blobLookups, &n.texts); err != nil {
		return 0, 0, err
	}
	n.reg, n.version = saved.Registry, saved.Lookups
	n.pos = journal.Position(m.Position)
	rec.Checkpoint = m.Position
	if err := n.restoreEngine(rules, m); err != nil {
		return 0, 0, err
	}
	if err := n.rewind(ctx, journal.Position(m.Need), rec); err != nil {
		return 0, 0, err
	}
	return n.pos + 1, saved.Seq, nil
}

func missing(ok bool, what string) error {
	if ok {
		return nil
	}
	return fmt.Errorf("the checkpoint has no %s", what)
}

// restoreEngine makes the engine as it was.
func (n *node) restoreEngine(rules RuleSet, m *checkpoint.Manifest) error {
	prog, err := rules.Compile()
	if err != nil {
		return fmt.Errorf("the rules of the checkpoint do not compile any more: %w", err)
	}
	c := &compiled{prog, lookup.NewParser(prog)}
	list, err := feeds(prog)
	if err != nil {
		return err
	}
	if n.lookups, err = n.look(c.parser, n.texts); err != nil {
		return err
	}
	w := n.wiring(rules, c, list)
	n.wire.Store(w)
	cfg := n.engineConfig()
	cfg.Inputs, cfg.Lookups = n.inputs(w), n.lookups
	if n.e, err = Restore(prog, cfg, m.Meta, n.store.Pages); err != nil {
		return err
	}
	n.hook()
	n.rewire(w)
	return nil
}

// rewind reads the rows again that waited for the watermark at the checkpoint.
func (n *node) rewind(ctx context.Context, need journal.Position, rec *Recovery) error {
	if need > n.pos {
		return n.e.rewound()
	}
	r := n.j.Read(need)
	defer r.Close()
	for {
		var en inbound
		if err := r.Next(&en.rec); err != nil {
			return fmt.Errorf("read waiting rows: %w", err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if en.rec.Kind == recRows {
			if err := n.rewindRows(&en, rec); err != nil {
				return err
			}
		}
		if en.rec.Pos >= n.pos {
			return n.e.rewound()
		}
	}
}

// rewindRows takes back the rows of a record that waited.
func (n *node) rewindRows(en *inbound, rec *Recovery) (err error) {
	w := n.wire.Load()
	if w.byID[sourceOf(en.rec.Stream)] == nil {
		return nil
	}
	if en.meta, err = decodeRowsMeta(en.rec.Meta); err != nil {
		return err
	}
	d := &decoded{out: n.borrow()}
	n.own.work(w, &en.rec, &en.meta, d)
	rec.Rows += uint64(len(d.out.batch.Rows))
	n.e.rewind(d.out)
	return nil
}

// replayFrom applies the records from a position to the journal's end. The
// workers decode ahead as they do live.
func (n *node) replayFrom(ctx context.Context, from journal.Position, rec *Recovery) error {
	r := n.j.Read(from)
	defer r.Close()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ahead := make(chan *inbound, replayAhead)
	var failed error
	go func() {
		defer close(ahead)
		for {
			en := &inbound{}
			err := r.Next(&en.rec)
			if errors.Is(err, io.EOF) {
				return
			}
			if err == nil && en.rec.Kind == recRows {
				en.meta, err = decodeRowsMeta(en.rec.Meta)
				en.rows = &decoded{done: make(chan struct{})}
			}
			if err != nil {
				failed = fmt.Errorf("read the journal: %w", err)
				return
			}
			if en.rows != nil {
				select {
				case n.work <- en:
				case <-ctx.Done():
					return
				}
			}
			select {
			case ahead <- en:
			case <-ctx.Done():
				return
			}
		}
	}()
	for en := range ahead {
		rec.Records++
		if _, err := n.apply(en); err != nil && !errors.As(err, new(*refused)) {
			return fmt.Errorf("replay record %d: %w", en.rec.Pos, err)
		}
	}
	if failed != nil {
		return failed
	}
	return ctx.Err()
}

// replayAhead is how many records are read and decoded ahead of a replay.
const replayAhead = 64
