package feed

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weir-cep/weir/alerts"
)

// Log is what the feed shows; *alerts.Log has it.
type Log interface {
	Head() uint64
	After(seq uint64, limit int, f alerts.Filter) (alerts.Page, error)
	Last(limit int, before uint64, f alerts.Filter) (alerts.Page, error)
	Changed() <-chan struct{}
	LastAction() uint64
	ActionsAfter(n uint64, limit int) (list []alerts.Action, next uint64, err error)
	Acted() <-chan struct{}
}

// Limits bound what clients can ask for. A zero field takes its default.
type Limits struct {
	Clients  int           // at once
	Subs     int           // of one client
	Recent   int           // alerts that are kept as they are written out
	Bytes    int           // of their texts
	Page     int           // alerts in a frame
	Snapshot int           // alerts in a snapshot
	Behind   uint64        // alerts that a client may fall behind once it was up to date; beyond, it is told of a gap
	Beat     time.Duration // between signs of life
	Slowest  time.Duration // between pulses when there are many clients
}

// DefaultLimits are the limits that are published.
var DefaultLimits = Limits{Clients: 4000, Subs: 16, Recent: 20_000, Bytes: 64 << 20, Page: 500, Snapshot: 1000, Behind: 10_000, Beat: 15 * time.Second, Slowest: 100 * time.Millisecond}

func (l Limits) fill() Limits {
	d := DefaultLimits
	for _, f := range []struct{ have, def *int }{{&l.Clients, &d.Clients}, {&l.Subs, &d.Subs}, {&l.Recent, &d.Recent}, {&l.Bytes, &d.Bytes}, {&l.Page, &d.Page}, {&l.Snapshot, &d.Snapshot}} {
		if *f.have == 0 {
			*f.have = *f.def
		}
	}
	if l.Behind == 0 {
		l.Behind = d.Behind
	}
	if l.Beat == 0 {
		l.Beat = d.Beat
	}
	if l.Slowest == 0 {
		l.Slowest = d.Slowest
	}
	return l
}

// How far apart pulses are: a client costs perClient, but they are never closer
// than quickest, nor further apart than Limits.Slowest. With few clients an
// alert is on its way at once; with a thousand there are ten frames a second.
// Where pulses are further apart than spread, clients do not have theirs at the
// same moment but one lane after the other: a thousand writers that wake at once
// would stand before whatever else the machine has to do.
const (
	perClient = 100 * time.Microsecond
	quickest  = 2 * time.Millisecond
	spread    = 20 * time.Millisecond
	lanes     = 32
	inLane    = 16 // clients for which a lane is not divided
)

// Hub is the feed of one log.
type Hub struct {
	log    Log
	limits Limits
	logger *slog.Logger
	now    func() time.Time

	clients atomic.Int64
	frames  atomic.Uint64
	bytes   atomic.Uint64
	gaps    atomic.Uint64

	woken chan struct{} // the first client has come
	ended chan struct{}
	stop  context.CancelFunc

	mu     sync.RWMutex
	users  [lanes]int // clients in each lane
	fine   beats
	coarse beats // of those who want no more than one each Limits.Slowest
	recent ring
	shared map[shareKey]*Frame
}

// pulse is how far clients are to go. The next one closes it.
type pulse struct {
	head   uint64 // number of the last alert
	action uint64 // and of the last action
	next   chan struct{}
}

// beats are the pulses of the lanes.
type beats struct {
	pulse [lanes]*pulse
	last  [lanes]time.Time // when each was given
	any   time.Time        // when the last of all was given
}

func (b *beats) begin(head, action uint64) {
	for i := range b.pulse {
		b.pulse[i] = &pulse{head, action, make(chan struct{})}
	}
}

// New begins the feed of a log.
func New(log Log, limits Limits, logger *slog.Logger) *Hub {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	ctx, stop := context.WithCancel(context.Background())
	h := &Hub{log: log, limits: limits.fill(), logger: logger, now: time.Now, woken: make(chan struct{}, 1), ended: make(chan struct{}), stop: stop, shared: map[shareKey]*Frame{}}
	head, action := log.Head(), log.LastAction()
	h.fine.begin(head, action)
	h.coarse.begin(head, action)
	h.recent.reset(head)
	go h.run(ctx)
	return h
}

// Close ends the feed, and with it every session.
func (h *Hub) Close() {
	h.stop()
	<-h.ended
}

// ErrClosed says that the feed has ended.
var ErrClosed = errors.New("the feed has ended")

// ErrFull says that there are as many clients as there may be.
var ErrFull = errors.New("as many clients watch the feed as may")

// run reads the log's end and gives pulses.
func (h *Hub) run(ctx context.Context) {
	defer close(h.ended)
	for ctx.Err() == nil {
		news, acted := h.log.Changed(), h.log.Acted()
		if h.clients.Load() == 0 {
			// Nobody watches: the log is not read for anybody.
			select {
			case <-h.woken:
				h.restart()
			case <-ctx.Done():
			}
			continue
		}
		more, err := h.read()
		if err != nil && ctx.Err() == nil {
			h.logger.Warn("the feed can't read the alert log; it tries again", "error", err)
			sleep(ctx, time.Second)
			continue
		}
		now := h.now()
		wait := min(h.beat(&h.fine, now, h.distance()), h.beat(&h.coarse, now, h.limits.Slowest))
		if !more {
			h.rest(ctx, news, acted, wait)
		}
	}
}

// rest waits for news, or until a pulse that is held back is due.
func (h *Hub) rest(ctx context.Context, news, acted <-chan struct{}, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-news:
	case <-acted:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// distance is how far apart pulses are now.
func (h *Hub) distance() time.Duration {
	return min(max(time.Duration(h.clients.Load())*perClient, quickest), h.limits.Slowest)
}

// beat gives the pulses that are due, that of the lane which has waited longest
// first, and says when the next one is.
func (h *Hub) beat(b *beats, now time.Time, distance time.Duration) (wait time.Duration) {
	between := time.Duration(0)
	if distance >= spread {
		between = distance / lanes
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		next := -1
		for i, p := range b.pulse {
			if h.users[i] > 0 && (p.head < h.recent.head || p.action < h.recent.action) && (next < 0 || b.last[i].Before(b.last[next])) {
				next = i
			}
		}
		if next < 0 {
			return time.Hour // there is nothing new
		}
		due := b.last[next].Add(distance)
		if other := b.any.Add(between); other.After(due) {
			due = other
		}
		if due.After(now) {
			return due.Sub(now)
		}
		if now.Sub(due) > distance {
			due = now // there was nothing new for a while; else the beat is held
		}
		old := b.pulse[next]
		b.pulse[next], b.last[next], b.any = &pulse{h.recent.head, h.recent.action, make(chan struct{})}, due, due
		clear(h.shared)
		close(old.next)
	}
}

// enter finds a lane for a client: that with the fewest.
func (h *Hub) enter() (lane int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	used := min(max(int(h.clients.Load())/inLane, 1), lanes)
	for i := range used {
		if h.users[i] < h.users[lane] {
			lane = i
		}
	}
	h.users[lane]++
	if h.users[lane] == 1 { // nobody waits for the lane's pulses, which are old
		h.fine.pulse[lane] = &pulse{h.recent.head, h.recent.action, make(chan struct{})}
		h.coarse.pulse[lane] = &pulse{h.recent.head, h.recent.action, make(chan struct{})}
	}
	return lane
}

func (h *Hub) leave(lane int) {
	h.clients.Add(-1)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.users[lane]--
}

// restart begins to read at the log's end.
func (h *Hub) restart() {
	h.mu.Lock()
	defer h.mu.Unlock()
	action := h.log.LastAction()
	h.recent.reset(h.log.Head())
	h.recent.action = action
}

// read takes the next alerts of the log up, and says whether there are more.
// The last action is looked at first: whatever it is about is then read too.
func (h *Hub) read() (more bool, err error) {
	action := h.log.LastAction()
	h.mu.RLock()
	from := h.recent.head
	h.mu.RUnlock()
	p, err := h.log.After(from, h.limits.Page, alerts.Filter{})
	if err != nil {
		return false, err
	}
	items := make([]item, len(p.Entries))
	for i := range p.Entries {
		items[i] = item{p.Entries[i], p.Entries[i].AppendJSON(nil)}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if p.Gone > 0 {
		h.recent.reset(p.Next)
	}
	for i := range items {
		h.recent.add(items[i], h.limits.Recent, h.limits.Bytes)
	}
	h.recent.head = p.Next
	if p.Next >= p.Head {
		h.recent.action = max(h.recent.action, action)
	}
	return p.Next < p.Head, nil
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// Limits are those in force.
func (h *Hub) Limits() Limits { return h.limits }

// Stats tell how the feed is doing. Counts are since it began.
type Stats struct {
	Clients int64
	Frames  uint64 // taken by clients' writers
	Bytes   uint64
	Gaps    uint64 // times that a client was told of one
	Recent  int    // alerts at hand
}

// Stats returns figures of the feed.
func (h *Hub) Stats() Stats {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return Stats{h.clients.Load(), h.frames.Load(), h.bytes.Load(), h.gaps.Load(), len(h.recent.items)}
}
