package feed

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/weir-cep/weir/alerts"
)

// Want is what a client asks for.
type Want struct {
	ID       string // by which it tells its subscriptions apart
	Filter   alerts.Filter
	After    *uint64 // go on behind this alert; nil: begin with a snapshot
	Action   *uint64 // and behind this action; nil: with what comes
	Snapshot int     // alerts in the snapshot at most; 0: Limits.Page
	Coarse   bool    // no more than one frame each Limits.Slowest
}

// Session is one client. Next is for the goroutine that writes to it; the
// other methods may be called beside.
type Session struct {
	hub  *Hub
	lane int
	mu   sync.Mutex
	subs []*sub
	turn int           // of the subscription that is looked at next
	news chan struct{} // subscriptions have changed
	said []*Frame      // answers that go out first
	beat time.Time     // of the last sign of life
	done bool
}

// sub is a subscription.
type sub struct {
	want   Want
	filter string
	seq    uint64 // number of the last alert that it is done with
	action uint64
	fresh  bool // its snapshot is still to come
	live   bool // it was up to date once
}

// maxSaid bounds the answers that wait for a client.
const maxSaid = 64

// Open begins a session; ErrFull: there are enough.
func (h *Hub) Open() (*Session, error) {
	if h.clients.Add(1) > int64(h.limits.Clients) {
		h.clients.Add(-1)
		return nil, ErrFull
	}
	select {
	case h.woken <- struct{}{}:
	default:
	}
	return &Session{hub: h, lane: h.enter(), news: make(chan struct{}, 1), beat: h.now()}, nil
}

// Close ends the session.
func (s *Session) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.done {
		s.done = true
		s.hub.leave(s.lane)
	}
}

// Subscribe begins a subscription, or one in place of another of its ID.
func (s *Session) Subscribe(w Want) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.subs, func(o *sub) bool { return o.want.ID == w.ID })
	if i < 0 && len(s.subs) >= s.hub.limits.Subs {
		return fmt.Errorf("%d subscriptions, it can be no more: end one, or widen a filter", len(s.subs))
	}
	n := &sub{want: w, filter: w.Filter.String(), action: s.hub.log.LastAction()}
	if w.After == nil {
		n.fresh = true
	} else {
		n.seq = min(*w.After, s.hub.log.Head())
		if w.Action != nil {
			n.action = min(*w.Action, n.action)
		}
	}
	if i < 0 {
		s.subs = append(s.subs, n)
	} else {
		s.subs[i] = n
	}
	s.wake()
	return nil
}

// Unsubscribe ends a subscription.
func (s *Session) Unsubscribe(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.subs = slices.DeleteFunc(s.subs, func(o *sub) bool { return o.want.ID == id })
	s.wake()
}

// Say sends the client an answer, ahead of what it subscribed to. A client that
// takes none loses the newest.
func (s *Session) Say(f *Frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.said) < maxSaid {
		s.said = append(s.said, f)
	}
	s.wake()
}

func (s *Session) wake() {
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// Next waits for the next frame, and says where a client stands that has it and
// all before; an answer of Say's changes nothing there, and has none. The error
// is ErrClosed, ctx's, or says why the log can't be read.
func (s *Session) Next(ctx context.Context) (*Frame, Place, error) {
	for {
		h := s.hub
		h.mu.RLock()
		fine, coarse := h.fine.pulse[s.lane], h.coarse.pulse[s.lane]
		h.mu.RUnlock()
		f, at, err := s.ready(fine, coarse)
		if err != nil {
			return nil, at, err
		}
		if f != nil {
			h.frames.Add(1)
			h.bytes.Add(uint64(len(f.Text)))
			return f, at, nil
		}
		if err := s.wait(ctx, fine, coarse); err != nil {
			return nil, at, err
		}
	}
}

// wait waits until there may be a frame.
func (s *Session) wait(ctx context.Context, fine, coarse *pulse) error {
	timer := time.NewTimer(max(s.beat.Add(s.hub.limits.Beat).Sub(s.hub.now()), 0))
	defer timer.Stop()
	fineNext, coarseNext := fine.next, coarse.next
	if s.coarse() {
		fineNext = nil
	} else {
		coarseNext = nil
	}
	select {
	case <-fineNext:
	case <-coarseNext:
	case <-s.news:
	case <-timer.C:
	case <-s.hub.ended:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// coarse says whether all subscriptions want few frames.
func (s *Session) coarse() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !slices.ContainsFunc(s.subs, func(o *sub) bool { return !o.want.Coarse })
}

// ready makes the next frame, nil if there is none yet.
func (s *Session) ready(fine, coarse *pulse) (*Frame, Place, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.said) > 0 {
		f := s.said[0]
		s.said = s.said[1:]
		return f, Place{}, nil
	}
	for range s.subs {
		n := s.subs[s.turn%len(s.subs)]
		s.turn++
		p := fine
		if n.want.Coarse {
			p = coarse
		}
		f, err := n.frame(s.hub, p)
		if f != nil || err != nil {
			s.beat = s.hub.now()
			return f, Place{n.seq, n.action}, err
		}
	}
	if now := s.hub.now(); now.Sub(s.beat) >= s.hub.limits.Beat {
		s.beat = now
		f, at := s.beatOf(fine, now)
		return f, at, nil
	}
	return nil, Place{}, nil
}

// beatOf is a sign of life: where the log is, and what the client has.
func (s *Session) beatOf(p *pulse, now time.Time) (*Frame, Place) {
	at := Place{p.head, p.action}
	for _, n := range s.subs {
		at = Place{min(at.Seq, n.seq), min(at.Action, n.action)}
	}
	return beatFrame(p.head, at.Seq, at.Action, now), at
}

// frame makes a subscription's next frame up to a pulse, nil if there is none.
// It goes at least a page on, so a call takes bounded time.
func (n *sub) frame(h *Hub, p *pulse) (*Frame, error) {
	switch {
	case n.fresh:
		return n.snapshot(h)
	case n.seq < p.head:
		f, err := n.alerts(h, p)
		if f != nil || err != nil {
			return f, err
		}
	}
	if n.seq >= p.head && n.action < p.action {
		return n.actions(h, p)
	}
	return nil, nil
}

// snapshot is the newest alerts, oldest first.
func (n *sub) snapshot(h *Hub) (*Frame, error) {
	limit := n.want.Snapshot
	if limit <= 0 {
		limit = h.limits.Page
	}
	action := h.log.LastAction() // before: what is in the snapshot is as of then or later
	p, err := h.log.Last(min(limit, h.limits.Snapshot), 0, n.want.Filter)
	if err != nil {
		return nil, err
	}
	slices.Reverse(p.Entries)
	texts := make([][]byte, len(p.Entries))
	for i := range p.Entries {
		texts[i] = p.Entries[i].AppendJSON(nil)
	}
	n.fresh, n.seq, n.action = false, p.Head, action
	return batchFrame("snapshot", n.want.ID, 0, p.Head, action, texts, h.now()), nil
}

// alerts is the next batch.
func (n *sub) alerts(h *Hub, p *pulse) (*Frame, error) {
	if n.live && p.head-n.seq > h.limits.Behind {
		from := n.seq + 1
		n.seq = p.head
		h.gaps.Add(1)
		return gapFrame(n.want.ID, "slow_client", from, p.head), nil
	}
	for n.seq < p.head {
		f, known, err := n.fromRecent(h, p)
		if !known {
			f, err = n.fromLog(h, p)
		}
		if f != nil || err != nil {
			return f, err
		}
	}
	n.live = true
	return nil, nil
}

// fromRecent makes a batch of the alerts at hand; known is false if they do not
// reach back so far.
func (n *sub) fromRecent(h *Hub, p *pulse) (f *Frame, known bool, err error) {
	h.mu.RLock()
	items, known := h.recent.behind(n.seq)
	if !known {
		h.mu.RUnlock()
		return nil, false, nil
	}
	to := min(p.head, n.seq+uint64(h.limits.Page))
	items = items[:min(uint64(len(items)), to-n.seq)]
	items = slices.Clip(items)
	key := shareKey{n.want.ID, n.filter, n.seq, to}
	shared := h.shared[key]
	h.mu.RUnlock()
	from := n.seq + 1
	if shared == nil {
		shared = n.batch(h, items, from, to)
		h.mu.Lock()
		if len(h.shared) < maxShared {
			h.shared[key] = shared
		}
		h.mu.Unlock()
	}
	n.seq = to
	if n.seq >= p.head {
		n.live = true
	}
	if shared.Text == nil {
		return nil, true, nil
	}
	return shared, true, nil
}

// maxShared bounds the frames that are kept for others, between two pulses.
const maxShared = 256

// batch writes the alerts that pass; its text is nil if none does.
func (n *sub) batch(h *Hub, items []item, from, to uint64) *Frame {
	var texts [][]byte
	for i := range items {
		if n.want.Filter.Matches(&items[i].entry) {
			texts = append(texts, items[i].text)
		}
	}
	if len(texts) == 0 {
		return &Frame{}
	}
	return batchFrame("batch", n.want.ID, from, to, 0, texts, h.now())
}

// fromLog makes a batch of older alerts.
func (n *sub) fromLog(h *Hub, p *pulse) (*Frame, error) {
	page, err := h.log.After(n.seq, h.limits.Page, n.want.Filter)
	if err != nil {
		return nil, err
	}
	from := n.seq + 1
	if page.Gone > 0 {
		n.seq += page.Gone
		h.gaps.Add(1)
		return gapFrame(n.want.ID, "gone", from, n.seq), nil
	}
	// What was logged behind the pulse comes with the next one.
	texts, to := make([][]byte, 0, len(page.Entries)), min(page.Next, p.head)
	for i := range page.Entries {
		if e := &page.Entries[i]; e.Seq <= to {
			texts = append(texts, e.AppendJSON(nil))
		}
	}
	n.seq = to
	if len(texts) == 0 {
		return nil, nil
	}
	return batchFrame("batch", n.want.ID, from, to, 0, texts, h.now()), nil
}

// actions is what was made of alerts, or a notice.
func (n *sub) actions(h *Hub, p *pulse) (*Frame, error) {
	list, _, err := h.log.ActionsAfter(n.action, h.limits.Page)
	if err != nil {
		return nil, err
	}
	var about []alerts.Action
	from := n.action + 1
	for i := range list {
		a := &list[i]
		if a.N > p.action {
			break
		}
		if a.Seq == 0 && strings.HasPrefix(a.Kind, "endpoint_") {
			if len(about) > 0 {
				break // first what was before
			}
			n.action = a.N
			return noticeFrame(n.want.ID, a), nil
		}
		n.action = a.N
		if a.Seq != 0 {
			about = append(about, *a)
		}
	}
	if len(list) == 0 { // the trail does not reach back so far
		n.action = p.action
	}
	if len(about) == 0 {
		return nil, nil
	}
	return updateFrame(n.want.ID, from, n.action, about), nil
}
