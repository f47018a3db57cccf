package webhook

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/weir-cep/weir/alerts"
)

// Selection says which deliveries are meant.
type Selection struct {
	Sink   string                 // of this one; "": of all
	States []alerts.DeliveryState // none: dead ones, or with IDs those in any
	Since  int64                  // ns; begun then or later; 0: ever
	IDs    []string               // these, as Handle writes them; none: all
}

// Handle names a delivery: sink/number.
func Handle(d *alerts.Delivery) string { return fmt.Sprintf("%s/%d", d.Sink, d.N) }

func (s *Selection) has(d *alerts.Delivery) bool {
	state := slices.Contains(s.States, d.State)
	if len(s.States) == 0 {
		state = d.State == alerts.DeliveryDead || len(s.IDs) > 0
	}
	return state && d.Created >= s.Since && (len(s.IDs) == 0 || slices.Contains(s.IDs, Handle(d)))
}

// none is the error of a selection that names messages of which there is none.
func (s *Selection) none(n int) error {
	if n > 0 || len(s.IDs) == 0 {
		return nil
	}
	return fmt.Errorf("%w, or it is on its way at this moment: %s", alerts.ErrNoDelivery, strings.Join(s.IDs, ", "))
}

// selected are the endpoints that a selection is about.
func (s *Endpoints) selected(sel *Selection) ([]*endpoint, error) {
	if sel.Sink == "" {
		return s.all(), nil
	}
	e, err := s.find(sel.Sink)
	return []*endpoint{e}, err
}

// Retry sends deliveries again, now: pending ones ahead of their time, dead and
// delivered ones anew, under the same id. It returns how many; more than
// MaxPending do not wait at once, so a second call may find more.
func (s *Endpoints) Retry(ctx context.Context, sel Selection) (n int, err error) {
	list, err := s.selected(&sel)
	if err != nil {
		return 0, err
	}
	for _, e := range list {
		err := e.do(ctx, func() error {
			m, err := e.retry(&sel)
			n += m
			return err
		})
		if err != nil {
			return n, err
		}
	}
	return n, sel.none(n)
}

func (e *endpoint) retry(sel *Selection) (n int, err error) {
	now := e.now().UnixNano()
	n = e.queue.hasten(now, func(d *alerts.Delivery) bool { return sel.has(d) && e.trying[d] == nil })
	if n > 0 {
		e.paused = e.now()
	}
	list, err := e.settled(sel)
	if err != nil {
		return n, err
	}
	for i := range list {
		if e.queue.count >= MaxPending {
			break
		}
		d := &list[i]
		was := d.State
		d.State, d.Next, d.Tries, d.Reason = alerts.DeliveryPending, now, 0, ""
		if err := e.outbox.Update(d, was); err != nil {
			return n, err
		}
		e.push(d)
		n++
	}
	return n, nil
}

// settled are the deliveries of a selection that do not wait, oldest first.
func (e *endpoint) settled(sel *Selection) (list []alerts.Delivery, err error) {
	all, err := e.log.Deliveries(alerts.DeliveryQuery{Sink: e.set.name, States: []alerts.DeliveryState{alerts.DeliveryDelivered, alerts.DeliveryDead}, Since: sel.Since})
	if err != nil {
		return nil, err
	}
	for i := range all {
		if sel.has(&all[i]) {
			list = append(list, all[i])
		}
	}
	slices.Reverse(list)
	return list, nil
}

// Purge gives deliveries up: pending ones are dead then, and dead or delivered
// ones are gone. Those that are being tried stay.
func (s *Endpoints) Purge(ctx context.Context, sel Selection, by string) (n int, err error) {
	list, err := s.selected(&sel)
	if err != nil {
		return 0, err
	}
	for _, e := range list {
		err := e.do(ctx, func() error {
			m, err := e.purge(&sel, by)
			n += m
			return err
		})
		if err != nil {
			return n, err
		}
	}
	return n, sel.none(n)
}

func (e *endpoint) purge(sel *Selection, by string) (n int, err error) {
	list, err := e.settled(sel)
	if err != nil {
		return 0, err
	}
	for i := range list {
		if err := e.outbox.Remove(&list[i]); err != nil {
			return n, err
		}
		n++
	}
	for _, d := range e.queue.remove(func(d *alerts.Delivery) bool { return sel.has(d) && e.trying[d] == nil }) {
		d.State, d.Reason = alerts.DeliveryDead, "purged by "+by
		if err := e.outbox.Update(d, alerts.DeliveryPending); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// Test sends a test message, as an alert would be sent, and returns what became
// of it. It goes out also while the endpoint is off.
func (s *Endpoints) Test(ctx context.Context, name string) (d alerts.Delivery, err error) {
	e, err := s.find(name)
	if err != nil {
		return d, err
	}
	done := make(chan alerts.Delivery, 1)
	err = e.do(ctx, func() error {
		now := e.now().UnixNano()
		id := make([]byte, 8)
		rand.Read(id) // never fails
		m := sample("test-" + hex.EncodeToString(id))
		list := []alerts.Delivery{{ID: m.ID, Type: TypeTest, Message: m.Data, Created: now, Next: now}}
		if err := e.save(list); err != nil {
			return err
		}
		e.tested[list[0].N] = done
		return nil
	})
	if err != nil {
		return d, err
	}
	select {
	case d = <-done:
		return d, nil
	case <-e.ended:
		return d, alerts.ErrClosed
	case <-ctx.Done():
		return d, ctx.Err()
	}
}

// Enable switches an endpoint on; what waits is sent now.
func (s *Endpoints) Enable(ctx context.Context, name, by string) error {
	e, err := s.find(name)
	if err != nil {
		return err
	}
	return e.do(ctx, func() error { return e.enable(by) })
}

// Disable switches an endpoint off; what it has to deliver waits.
func (s *Endpoints) Disable(ctx context.Context, name, by, why string) error {
	e, err := s.find(name)
	if err != nil {
		return err
	}
	return e.do(ctx, func() error {
		if e.saved.Disabled == nil {
			e.disable(by, why)
		}
		return nil
	})
}
