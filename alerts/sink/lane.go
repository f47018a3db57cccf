package sink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/weir-cep/weir/alerts"
)

// What goes out at once.
const (
	maxItems   = 500
	maxBytes   = 512 << 10 // of text; a single longer alert goes alone
	saveBehind = 10_000    // alerts that are not for the sink, after which its cursor is saved all the same
)

// lane is the way to one sink. Its goroutine owns the sender.
type lane struct {
	log    *alerts.Log
	spec   Spec
	sender Sender
	wait   func(context.Context, time.Duration) error
	logger *slog.Logger
	cancel context.CancelFunc
	ended  chan struct{}

	// Of the goroutine.
	cursor   alerts.Cursor
	saved    uint64 // sequence number of the cursor that the log has
	resumed  bool
	failures backoff

	mu      sync.Mutex
	stats   Stats
	target  uint64        // alert that drained waits for, 0: none
	drained chan struct{} // closed when the cursor has reached target
}

// Stats tell how a lane is doing. Counts are since it was started.
type Stats struct {
	Sink    string
	Kind    string
	Cursor  uint64 // number of the last alert that it is done with
	Lag     uint64 // alerts of the log behind it, those for others included
	Sent    uint64
	Batches uint64
	Retries uint64
	Refused uint64 // alerts that the receiver will never take
	Lost    uint64 // alerts of the log that were removed before the lane saw them
	Err     string // "" or what keeps it from going on
	Failing time.Time
	Oldest  time.Time // when the alert that it is at was logged; zero: it waits for one
}

// run delivers until ctx ends.
func (l *lane) run(ctx context.Context) {
	defer close(l.ended)
	defer l.end()
	for ctx.Err() == nil {
		news := l.log.Changed()
		waits, err := l.step(ctx)
		if err != nil {
			l.failed(err)
			if l.wait(ctx, l.failures.next()) != nil {
				return
			}
			continue
		}
		if waits {
			select {
			case <-news:
			case <-ctx.Done():
			}
		}
	}
}

// end gives the sender up and leaves the cursor where the next lane finds it.
func (l *lane) end() {
	if l.cursor.Seq > l.saved {
		l.save()
	}
	if err := l.sender.Close(); err != nil {
		l.logger.Warn("closing a sink", "error", err)
	}
}

// step delivers the next page. It says whether there was none.
func (l *lane) step(ctx context.Context) (waits bool, err error) {
	if !l.resumed {
		if err := l.resume(); err != nil {
			return false, err
		}
		l.resumed = true
	}
	p, err := l.log.After(l.cursor.Seq, maxItems, alerts.Filter{Sink: l.spec.IR.Name})
	if err != nil {
		return false, err
	}
	if p.Gone > 0 {
		l.lost(p.Gone)
	}
	for list := p.Entries; len(list) > 0; {
		n := batch(list)
		if err := l.deliver(ctx, list[:n]); err != nil {
			return false, err
		}
		list = list[n:]
	}
	l.cursor.Seq = max(l.cursor.Seq, p.Next)
	if l.cursor.Seq >= l.saved+saveBehind {
		l.save()
	}
	l.reached(p)
	return p.Next >= p.Head, nil
}

// resume takes the cursor up where the last lane of this name left it.
func (l *lane) resume() error {
	c, err := l.log.Cursor(l.spec.IR.Name)
	if err != nil {
		return err
	}
	l.cursor, l.saved = c, c.Seq
	r, ok := l.sender.(Resumer)
	if !ok {
		return nil
	}
	if err := r.Resume(c); err != nil {
		return err
	}
	if l.cursor.State, err = r.Settle(); err != nil {
		return err
	}
	// What the sender found is durable before it writes, or a crash could leave
	// something half written that nobody knows the beginning of.
	if err := l.log.SetCursor(l.spec.IR.Name, l.cursor); err != nil {
		return err
	}
	return l.log.Sync()
}

// batch is how many of the entries go out at once.
func batch(list []alerts.Entry) int {
	size := 0
	for n := range list {
		if size += len(list[n].JSON); n > 0 && size > maxBytes {
			return n
		}
	}
	return len(list)
}

// deliver sends one batch and moves the cursor behind it.
func (l *lane) deliver(ctx context.Context, list []alerts.Entry) error {
	l.at(list[0].Logged)
	items := make([]Item, len(list))
	for i := range list {
		e := &list[i]
		items[i] = Item{Seq: e.Seq, ID: e.ID, Rule: e.Rule, Key: e.Key, Text: e.JSON}
	}
	var refused *RefusedError
	err := l.sender.Send(ctx, items)
	switch {
	case errors.As(err, &refused):
		l.refused(items, refused)
	case err != nil:
		return err
	}
	if r, ok := l.sender.(Resumer); ok {
		if l.cursor.State, err = r.Settle(); err != nil {
			return err
		}
	}
	l.cursor.Seq = items[len(items)-1].Seq
	l.sent(len(items), refused)
	l.save()
	return nil
}

// save keeps the cursor. Should the log not take it, the lane goes on: what it
// sends meanwhile would come again after a crash.
func (l *lane) save() {
	if err := l.log.SetCursor(l.spec.IR.Name, l.cursor); err != nil {
		l.logger.Warn("a sink's cursor is not saved; after a crash it sends some alerts again", "seq", l.cursor.Seq, "error", err)
		return
	}
	l.saved = l.cursor.Seq
}

func (l *lane) refused(items []Item, e *RefusedError) {
	for _, i := range e.Items {
		l.logger.Error("a sink refuses an alert for good", "seq", items[i].Seq, "rule", items[i].Rule, "error", e.Err)
	}
}

// failed notes an error that the lane waits after.
func (l *lane) failed(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stats.Err != err.Error() {
		l.logger.Warn("a sink takes no alerts; it is tried again", "error", err)
	}
	if l.stats.Err == "" {
		l.stats.Failing = time.Now()
	}
	l.stats.Err = err.Error()
	l.stats.Retries++
}

// sent counts what went out, and says so if it did not before.
func (l *lane) sent(n int, refused *RefusedError) {
	l.failures.reset()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stats.Err != "" {
		l.logger.Info("a sink takes alerts again", "after", time.Since(l.stats.Failing).Round(time.Second).String())
	}
	l.stats.Err, l.stats.Failing = "", time.Time{}
	l.moved()
	l.stats.Batches++
	if refused != nil {
		n -= len(refused.Items)
		l.stats.Refused += uint64(len(refused.Items))
	}
	l.stats.Sent += uint64(n)
}

// at notes when the alert was logged that goes out now.
func (l *lane) at(logged int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stats.Oldest = time.Unix(0, logged)
}

// reached notes that a page is done with.
func (l *lane) reached(p alerts.Page) {
	l.failures.reset()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.moved()
	l.stats.Oldest = time.Time{}
	l.stats.Err, l.stats.Failing = "", time.Time{}
}

// moved shows the cursor. Called with mu held.
func (l *lane) moved() {
	l.stats.Cursor = l.cursor.Seq
	if l.target != 0 && l.stats.Cursor >= l.target {
		close(l.drained)
		l.target = 0
	}
}

func (l *lane) lost(n uint64) {
	l.logger.Error("alerts were removed from the log before a sink had read them", "alerts", n, "behind", l.cursor.Seq)
	l.cursor.Seq += n
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stats.Lost += n
}

// snapshot returns the lane's stats.
func (l *lane) snapshot() Stats {
	head := l.log.Head()
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.stats
	s.Sink, s.Kind = l.spec.IR.Name, l.spec.IR.Kind
	s.Lag = head - min(s.Cursor, head)
	return s
}

// Sentence says in words what keeps a sink from its alerts, "" if nothing does.
func (s *Stats) Sentence(now time.Time) string {
	if s.Err == "" {
		return ""
	}
	return fmt.Sprintf("sink %s takes no alerts since %s (%d behind): %s", s.Sink, now.Sub(s.Failing).Round(time.Second), s.Lag, s.Err)
}
