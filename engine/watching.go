package engine

import (
	"context"
	"errors"
	"sync"

	"github.com/weir-cep/weir/internal/journal"
	"github.com/weir-cep/weir/internal/lookup"
)

// lookups looks after the lists and tables from outside that the deployed rules
// read: what has changed outside becomes a record of the journal.
type lookups struct {
	r    *Runtime
	mu   sync.Mutex
	ctx  context.Context // nil: nobody looks
	next *lookup.Refresher
	cur  *lookup.Refresher
	stop context.CancelFunc
	done chan struct{}
	err  error // of a list or table without which the rules are not to run on
}

func newLookups(r *Runtime) *lookups { return &lookups{r: r} }

// load fetches the texts that a program needs before it is deployed, those that
// are known and fresh left out.
func (l *lookups) load(ctx context.Context, n *node, p *lookup.Parser) (map[string]lookup.Text, []string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ref, err := l.refresher(ctx, n, p, l.cur)
	if err != nil {
		return nil, nil, err
	}
	texts, warnings, err := ref.Load(ctx)
	if err != nil {
		return nil, nil, errors.Join(err, ref.Close())
	}
	l.forget()
	l.next = ref
	return texts, warnings, nil
}

// forget lets go of what was loaded for a deployment that did not come.
func (l *lookups) forget() {
	if l.next != nil {
		l.next.Close()
		l.next = nil
	}
}

func (l *lookups) refresher(ctx context.Context, n *node, p *lookup.Parser, before *lookup.Refresher) (*lookup.Refresher, error) {
	var have map[string]lookup.Text
	if err := n.ask(ctx, func() { have = n.texts }); err != nil {
		return nil, err
	}
	return lookup.NewRefresher(lookup.RefresherConfig{Parser: p, Kinds: l.r.cfg.Lookups, Have: have, Before: before, Logger: l.r.cfg.Logger})
}

// pause stops watching until change or refused is called.
func (l *lookups) pause() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end()
}

// refused goes on with the rules before.
func (l *lookups) refused(n *node) {
	l.mu.Lock()
	l.forget()
	l.mu.Unlock()
	l.change(n)
}

// start watches what the node's rules read until ctx ends.
func (l *lookups) start(ctx context.Context, n *node) {
	l.mu.Lock()
	l.ctx = ctx
	l.mu.Unlock()
	l.change(n)
}

// change watches what a new deployment reads.
func (l *lookups) change(n *node) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := n.wire.Load()
	if l.ctx == nil || w == nil {
		return
	}
	l.end()
	if l.cur = l.next; l.cur == nil {
		ref, err := l.refresher(l.ctx, n, w.parser, nil)
		if err != nil {
			l.r.cfg.Logger.Error("lists and tables cannot be refreshed", "error", err)
			return
		}
		l.cur = ref
	}
	l.next = nil
	ctx, stop := context.WithCancel(l.ctx)
	l.stop, l.done = stop, make(chan struct{})
	go func(ref *lookup.Refresher, done chan struct{}) {
		defer close(done)
		err := ref.Run(ctx, func(ctx context.Context, t lookup.Text) error { return n.changeText(ctx, t) })
		if err != nil {
			l.r.cfg.Logger.Error("a list or table that must not fail did", "error", err)
			n.fail(err)
		}
	}(l.cur, l.done)
}

// changeText records a new version of a list or table.
func (n *node) changeText(ctx context.Context, t lookup.Text) error {
	_, err := n.submit(ctx, &inbound{rec: journal.Record{Kind: recLookup, Stream: journal.NoStream,
		Data: encodeJSON(lookupRecord{map[string]lookup.Text{t.Key(): t}})}})
	return err
}

// end stops watching.
func (l *lookups) end() {
	if l.cur == nil {
		return
	}
	l.stop()
	<-l.done
	l.cur.Close()
	l.cur = nil
}

// wait waits until nothing is watched any more.
func (l *lookups) wait() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end()
	l.ctx = nil
}

// stats is how the lists and tables are doing.
func (l *lookups) stats() []lookup.Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cur == nil {
		return nil
	}
	return l.cur.Stats()
}
