package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/weir-cep/weir/alerts"
	"github.com/weir-cep/weir/alerts/sink"
)

// What an endpoint holds. The first three are published.
const (
	MaxWidth    = 16      // tries at once
	MaxPending  = 10_000  // deliveries that wait; beyond, alerts wait in the log
	KeepSettled = 100_000 // deliveries that are kept when they are delivered or dead
	pageSize    = 500     // alerts that are taken in at once
	saveBehind  = 10_000  // alerts for others, after which the cursor is saved all the same
)

// endpoint is the way to one receiver. Its goroutine owns all but stats.
type endpoint struct {
	set    *settings
	spec   sink.Spec
	log    *alerts.Log
	client *http.Client
	logger *slog.Logger
	now    func() time.Time
	base   string                   // of links, "" if there are none
	others func(n *alerts.Delivery) // tells the other endpoints

	cancel  context.CancelFunc
	ended   chan struct{}
	calls   chan func()
	results chan result

	outbox   *alerts.Outbox
	cursor   alerts.Cursor
	saved    saved
	savedSeq uint64 // number that the cursor had when it was saved
	queue    *queue
	probes   *queue // tests, which go out whatever state the endpoint is in
	trying   map[*alerts.Delivery]*group
	tested   map[uint64]chan alerts.Delivery
	width    int       // tries at once, fewer after the receiver was too busy
	paused   time.Time // by a receiver that was too busy

	looked time.Time // when the oldest delivery was looked for

	mu    sync.Mutex
	stats Stats
}

// saved is what an endpoint keeps with its cursor.
type saved struct {
	Actions  uint64    `json:"actions"`            // number of the last action that was looked at
	Failing  int64     `json:"failing,omitempty"`  // ns; since when nothing but failures came; 0: something came through
	Disabled *disabled `json:"disabled,omitempty"` // nil: it is on
	Storm    storm     `json:"storm"`
}

// disabled says why an endpoint is off.
type disabled struct {
	At  int64  `json:"at"` // ns
	By  string `json:"by"`
	Why string `json:"why"`
}

// open takes the endpoint up where it was left.
func (e *endpoint) open() error {
	c, err := e.log.Cursor(e.set.name)
	if err != nil {
		return err
	}
	e.cursor, e.savedSeq = c, c.Seq
	if len(c.State) == 0 {
		e.saved.Actions = e.log.LastAction()
	} else if err := json.Unmarshal(c.State, &e.saved); err != nil {
		return fmt.Errorf("sink %s: what was kept beside its cursor can't be read: %w", e.set.name, err)
	}
	e.saved.Storm.look()
	var pending []alerts.Delivery
	if e.outbox, pending, err = e.log.OpenOutbox(e.set.name, KeepSettled); err != nil {
		return err
	}
	for i := range pending {
		e.push(&pending[i])
	}
	return nil
}

// push lets a pending delivery wait for its try.
func (e *endpoint) push(d *alerts.Delivery) {
	if d.Type == TypeTest {
		e.probes.push(e.set.groupOf(d), d)
		return
	}
	e.queue.push(e.set.groupOf(d), d)
}

// run delivers until ctx ends.
func (e *endpoint) run(ctx context.Context) {
	defer close(e.ended)
	for ctx.Err() == nil {
		news, acted := e.log.Changed(), e.log.Acted()
		more, err := e.fill()
		e.note(err)
		e.start(ctx)
		if more && err == nil {
			select {
			case r := <-e.results:
				e.settle(ctx, r)
			case f := <-e.calls:
				f()
			default:
			}
		} else {
			e.wait(ctx, news, acted, err != nil)
		}
		e.show()
	}
	for len(e.trying) > 0 {
		e.settle(ctx, <-e.results)
	}
	if e.cursor.Seq > e.savedSeq {
		e.note(e.save(nil))
	}
	e.client.CloseIdleConnections()
}

// wait waits for something to do.
func (e *endpoint) wait(ctx context.Context, news, acted <-chan struct{}, failed bool) {
	timer := time.NewTimer(e.rest(failed))
	defer timer.Stop()
	if failed {
		news, acted = nil, nil // the log is tried again later
	}
	select {
	case <-news:
	case <-acted:
	case r := <-e.results:
		e.settle(ctx, r)
	case f := <-e.calls:
		f()
	case <-timer.C:
	case <-ctx.Done():
	}
}

// rest is how long there is nothing to do by the clock.
func (e *endpoint) rest(failed bool) time.Duration {
	now, least := e.now(), time.Minute
	if failed {
		least = time.Second
	}
	soon := func(at time.Time) {
		least = min(least, max(at.Sub(now), 0))
	}
	if at, ok := e.probes.next(); ok {
		soon(time.Unix(0, at))
	}
	if at, ok := e.queue.next(); ok && e.saved.Disabled == nil && len(e.trying) < e.width {
		due := time.Unix(0, at)
		if due.Before(e.paused) {
			due = e.paused
		}
		soon(due)
	}
	if at := e.saved.Storm.next(); at != 0 && e.takesMore() {
		soon(time.Unix(0, at))
	}
	return least
}

// start begins the tries that are due.
func (e *endpoint) start(ctx context.Context) {
	now := e.now()
	for g := e.probes.due(now.UnixNano()); g != nil; g = e.probes.due(now.UnixNano()) {
		e.begin(ctx, g)
	}
	if e.saved.Disabled != nil || now.Before(e.paused) {
		return
	}
	for len(e.trying) < e.width {
		g := e.queue.due(now.UnixNano())
		if g == nil {
			return
		}
		e.begin(ctx, g)
	}
}

func (e *endpoint) begin(ctx context.Context, g *group) {
	d := g.items[0]
	e.trying[d] = g
	snapshot := *d // the worker reads it, while others may ask for it
	go func() {
		r := e.try(ctx, &snapshot)
		r.d = d
		e.results <- r
	}()
}

// settle notes what has become of a try.
func (e *endpoint) settle(ctx context.Context, r result) {
	d, g := r.d, e.trying[r.d]
	delete(e.trying, d)
	q := e.queue
	if d.Type == TypeTest {
		q = e.probes
	}
	if ctx.Err() != nil && r.verdict != accepted {
		q.again(g) // it was cut off, which says nothing of the receiver
		return
	}
	d.Add(r.attempt)
	e.judge(d, r)
	if err := e.outbox.Update(d, alerts.DeliveryPending); err != nil {
		e.note(err) // it goes on; after a crash the message would come again
	}
	if d.State == alerts.DeliveryPending {
		q.again(g)
	} else {
		q.pop(g)
		e.note(e.outbox.Trim())
	}
	if c := e.tested[d.N]; c != nil && d.Type == TypeTest {
		delete(e.tested, d.N)
		c <- *d
	}
	e.count(d, r)
}

// judge decides how a delivery goes on behind a try.
func (e *endpoint) judge(d *alerts.Delivery, r result) {
	now := e.now()
	switch {
	case r.verdict == accepted:
		d.State = alerts.DeliveryDelivered
		e.width = min(e.width+1, MaxWidth)
		if e.saved.Failing != 0 {
			e.saved.Failing = 0
			e.note(e.save(nil))
		}
		return
	case r.verdict == hopeless:
		d.State, d.Reason = alerts.DeliveryDead, r.why
		return
	case d.Type == TypeTest:
		d.State, d.Reason = alerts.DeliveryDead, "a test is sent once"
		return
	case r.verdict == slowDown:
		e.width = max(1, e.width/2)
		e.paused = now.Add(max(r.after, time.Second))
	}
	next, again := wait(d.Tries)
	if !again {
		d.State, d.Reason = alerts.DeliveryDead, fmt.Sprintf("given up after %d tries: %s", d.Tries, outcome(r.attempt))
	} else {
		d.Next = now.Add(max(next, r.after)).UnixNano()
	}
	if e.saved.Failing == 0 {
		e.saved.Failing = now.UnixNano()
		e.note(e.save(nil))
	}
	switch failing := now.Sub(time.Unix(0, e.saved.Failing)); {
	case e.saved.Disabled != nil:
	case r.verdict == gone:
		e.disable("weir", "the receiver answered 410: it wants no more messages")
	case failing >= e.set.disable:
		e.disable("weir", fmt.Sprintf("nothing but failures for %s, the last: %s", failing.Round(time.Minute), outcome(r.attempt)))
	}
}

// outcome says in words what a try brought.
func outcome(a alerts.Attempt) string {
	if a.Status != 0 {
		return strings.TrimSpace(fmt.Sprintf("answer %d %s", a.Status, http.StatusText(a.Status)))
	}
	return a.Error
}

// disable switches the endpoint off. What it has to deliver waits.
func (e *endpoint) disable(by, why string) {
	e.saved.Disabled = &disabled{At: e.now().UnixNano(), By: by, Why: why}
	e.note(e.save(nil))
	text := fmt.Sprintf("webhook %s was switched off: %s. Its alerts wait; switch it on with POST /api/v1/endpoints/%s/enable", e.set.name, why, e.set.name)
	e.logger.Error("a webhook was switched off; its alerts wait", "why", why, "by", by)
	if _, err := e.log.Note("endpoint_disabled", text, by); err != nil {
		e.note(err)
	}
	data, _ := json.Marshal(map[string]string{"text": text, "endpoint": e.set.name, "severity": "critical"}) // of texts: it can't fail
	at := e.saved.Disabled.At
	e.others(&alerts.Delivery{ID: fmt.Sprintf("disabled-%s-%d", e.set.name, at), Type: TypeDisabled, Message: data, Created: at, Next: at})
}

// enable switches it on again, and makes due what waits.
func (e *endpoint) enable(by string) error {
	e.saved.Disabled, e.saved.Failing = nil, 0
	e.paused = time.Time{}
	if err := e.save(nil); err != nil {
		return err
	}
	e.queue.hasten(e.now().UnixNano(), func(*alerts.Delivery) bool { return true })
	_, err := e.log.Note("endpoint_enabled", e.set.name, by)
	return err
}

// link is where an alert is looked at, "" if nobody said where the server is.
func (e *endpoint) link(seq uint64) string {
	switch {
	case e.base == "":
		return ""
	case seq == 0:
		return e.base + "/alerts"
	}
	return fmt.Sprintf("%s/alerts/%d", e.base, seq)
}
