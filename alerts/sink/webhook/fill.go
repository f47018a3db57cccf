package webhook

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/weir-cep/weir/alerts"
)

// takesMore says whether alerts are taken in: not while the endpoint is off or
// too many deliveries wait. They wait in the log then.
func (e *endpoint) takesMore() bool {
	return e.saved.Disabled == nil && e.queue.count < MaxPending
}

// fill takes in what the log has for the endpoint: a page of alerts, what was
// done to earlier ones, what was gathered. more says that there is still more.
func (e *endpoint) fill() (more bool, err error) {
	if !e.takesMore() {
		return false, nil
	}
	p, err := e.log.After(e.cursor.Seq, pageSize, alerts.Filter{Sink: e.set.name})
	if err != nil {
		return false, err
	}
	if p.Gone > 0 {
		e.lost(p.Gone)
	}
	before := e.saved.Actions
	var list []alerts.Delivery
	gathered := false
	for i := range p.Entries {
		entry := &p.Entries[i]
		list = append(list, e.over(entry.Logged)...)
		if e.saved.Storm.takes(entry, e.set.limit, e.set.group) {
			gathered = true
			continue
		}
		list = append(list, e.opened(entry))
	}
	if p.Next >= p.Head {
		list = append(list, e.over(e.now().UnixNano())...)
	}
	told, err := e.told(p.Next)
	if err != nil {
		return false, err
	}
	list = append(list, told...)
	e.cursor.Seq = max(e.cursor.Seq, p.Next)
	if len(list) > 0 || gathered || e.saved.Actions != before || e.cursor.Seq >= e.savedSeq+saveBehind {
		if err := e.save(list); err != nil {
			return false, err
		}
	}
	return p.Next < p.Head || e.saved.Actions < e.log.LastAction() && e.saved.Actions != before, nil
}

// save keeps the cursor and begins deliveries, in one step. If that fails, all
// is as it was kept last.
func (e *endpoint) save(list []alerts.Delivery) error {
	state, err := json.Marshal(&e.saved)
	if err != nil {
		return err
	}
	e.cursor.State = state
	if err := e.outbox.Add(e.cursor, list); err != nil {
		return errors.Join(err, e.back())
	}
	e.savedSeq = e.cursor.Seq
	for i := range list {
		e.push(&list[i])
	}
	return nil
}

// back takes up what was kept last.
func (e *endpoint) back() error {
	c, err := e.log.Cursor(e.set.name)
	if err != nil {
		return nil // as e.save says already
	}
	e.cursor = c
	if len(c.State) == 0 {
		return nil
	}
	e.saved = saved{}
	if err := json.Unmarshal(c.State, &e.saved); err != nil {
		return err
	}
	e.saved.Storm.look()
	return nil
}

// opened is the delivery of an alert.
func (e *endpoint) opened(a *alerts.Entry) alerts.Delivery {
	now := e.now().UnixNano()
	return alerts.Delivery{ID: fmt.Sprintf("%s-%d", hex.EncodeToString(a.ID[:]), a.Seq), Type: TypeOpened, Seq: a.Seq, Rule: a.Rule, Key: a.Key, Created: now, Next: now}
}

// over are the summaries of what was gathered until now.
func (e *endpoint) over(now int64) []alerts.Delivery {
	if at := e.saved.Storm.next(); at == 0 || at > now {
		return nil
	}
	return e.saved.Storm.over(now, e.set.name, e.link(0))
}

// told are the deliveries of what was done to alerts up to a number that went
// to the endpoint.
func (e *endpoint) told(upTo uint64) (list []alerts.Delivery, err error) {
	if !e.set.updates {
		e.saved.Actions = e.log.LastAction()
		return nil, nil
	}
	acts, _, err := e.log.ActionsAfter(e.saved.Actions, pageSize)
	if err != nil {
		return nil, err
	}
	now := e.now().UnixNano()
	for i := range acts {
		a := &acts[i]
		if a.Seq > upTo {
			return list, nil // first the alert, then what was done to it
		}
		e.saved.Actions = a.N
		if a.Seq == 0 {
			continue
		}
		entry, err := e.log.Get(a.Seq)
		if errors.Is(err, alerts.ErrNone) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if !e.isFor(&entry) {
			continue
		}
		d := alerts.Delivery{ID: fmt.Sprintf("%s-%d-%d", hex.EncodeToString(entry.ID[:]), a.Seq, a.N), Type: TypeUpdated,
			Seq: a.Seq, Action: a.N, Rule: entry.Rule, Key: entry.Key, Created: now, Next: now}
		if a.State == alerts.StateClosed && a.Kind == "close" {
			d.Type = TypeResolved
		}
		list = append(list, d)
	}
	return list, nil
}

// isFor says whether an alert went to the endpoint.
func (e *endpoint) isFor(a *alerts.Entry) bool {
	return !a.Shadow && a.Triage.Silence == "" && slices.Contains(a.To, e.set.name)
}

func (e *endpoint) lost(n uint64) {
	e.logger.Error("alerts were removed from the log before a webhook had sent them", "alerts", n, "behind", e.cursor.Seq)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stats.Lost += n
}
