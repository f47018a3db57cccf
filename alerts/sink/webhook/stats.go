package webhook

import (
	"fmt"
	"time"

	"github.com/weir-cep/weir/alerts"
)

// Stats tell how an endpoint is doing. Counts are since it was started.
type Stats struct {
	Sink      string    `json:"sink"`
	URL       string    `json:"url"`
	Order     string    `json:"order"`
	Cursor    uint64    `json:"cursor"`     // number of the last alert that it has taken in
	Lag       uint64    `json:"lag"`        // alerts of the log behind it, those for others included
	Pending   int       `json:"pending"`    // deliveries that wait
	Trying    int       `json:"trying"`     // of them, under way
	Width     int       `json:"width"`      // tries at once that it makes now
	Delivered uint64    `json:"delivered"`  // messages that were taken
	Failed    uint64    `json:"failed"`     // tries that were not
	Slowed    uint64    `json:"slowed"`     // of them, by a receiver that was too busy
	Dead      uint64    `json:"dead"`       // messages given up
	Gathered  uint64    `json:"summaries"`  // summaries begun
	Lost      uint64    `json:"lost"`       // alerts that were removed from the log before
	Dropped   uint64    `json:"dropped"`    // dead messages that made room for later ones
	Oldest    time.Time `json:"-"`          // when the delivery began that waits longest; zero: none waits
	Failing   time.Time `json:"-"`          // since when nothing but failures came; zero: it works
	Disabled  string    `json:"disabled"`   // why it is off, "": it is on
	Err       string    `json:"last_error"` // of the last try, "" if that was taken; or why the log can't be read
}

// count counts a try.
func (e *endpoint) count(d *alerts.Delivery, r result) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := &e.stats
	if r.verdict == accepted {
		s.Delivered++
		s.Err = ""
	} else {
		s.Failed++
		s.Err = outcome(r.attempt)
		if s.Err == "" {
			s.Err = r.why
		}
	}
	if r.verdict == slowDown {
		s.Slowed++
	}
	if d.State == alerts.DeliveryDead {
		s.Dead++
		e.logger.Error("a message is given up; it can be sent again", "id", d.ID, "seq", d.Seq, "why", d.Reason)
	}
}

// note shows what keeps the endpoint from its work; nil: nothing does.
func (e *endpoint) note(err error) {
	if err == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stats.Err != err.Error() {
		e.logger.Warn("a webhook can't read or write the alert log; it tries again", "error", err)
	}
	e.stats.Err = err.Error()
}

// show makes the goroutine's figures seen.
func (e *endpoint) show() {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := &e.stats
	s.Cursor, s.Pending, s.Trying, s.Width = e.cursor.Seq, e.queue.count+e.probes.count, len(e.trying), e.width
	s.Dropped = e.outbox.Dropped()
	s.Failing, s.Disabled = time.Time{}, ""
	// Finding the oldest goes over all that waits.
	if now := e.now(); e.queue.count == 0 || now.Sub(e.looked) >= time.Second {
		e.looked, s.Oldest = now, time.Time{}
		if at := e.queue.oldest(); at != 0 {
			s.Oldest = time.Unix(0, at)
		}
	}
	if e.saved.Failing != 0 {
		s.Failing = time.Unix(0, e.saved.Failing)
	}
	if d := e.saved.Disabled; d != nil {
		s.Disabled = d.Why
	}
}

// snapshot returns the endpoint's stats.
func (e *endpoint) snapshot() Stats {
	head := e.log.Head()
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.stats
	s.Sink, s.URL, s.Order = e.set.name, e.set.url, string(e.set.order)
	s.Lag = head - min(s.Cursor, head)
	return s
}

// Sentence says in words what keeps alerts from an endpoint, "" if nothing does.
func (s *Stats) Sentence(now time.Time) string {
	switch {
	case s.Disabled != "":
		return fmt.Sprintf("webhook %s is off (%d alerts wait): %s", s.Sink, s.Lag+uint64(s.Pending), s.Disabled)
	case !s.Failing.IsZero():
		return fmt.Sprintf("webhook %s takes nothing since %s (%d messages wait): %s", s.Sink, now.Sub(s.Failing).Round(time.Second), s.Pending, s.Err)
	}
	return ""
}
