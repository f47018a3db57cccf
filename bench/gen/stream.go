package gen

import (
	"container/heap"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/weir-cep/weir/cep"
)

const (
	secondNS = cep.Second
	minuteNS = cep.Minute
	hourNS   = cep.Hour
)

// Options fix a stream. The zero value of each field stands for its default.
type Options struct {
	Seed      uint64 // default 1
	Start     int64  // ns since the epoch; default 2026-03-02T00:00:00Z, a Monday
	Duration  int64  // ns; default 24h, at least 3h
	Events    int    // the stream ends after so many; default: with its duration
	Cards     int    // default 800, at least MinActors
	Users     int    // default 400, at least MinActors
	Sensors   int    // default 3
	Incidents int    // planted of each kind; default 3, -1 is none
	// Disorder is by how much events may come later than they happened, ns; at
	// most 25s, which the types of cards, the latest of the stream, tolerate.
	Disorder int64
}

// MinActors is how many cards and how many users there are at least: every
// incident needs its own.
const MinActors = 100

const maxDisorder = 25 * secondNS

func (o *Options) fill() error {
	def := func(p *int64, v int64) {
		if *p == 0 {
			*p = v
		}
	}
	defInt := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	if o.Seed == 0 {
		o.Seed = 1
	}
	def(&o.Start, 1_772_409_600*secondNS)
	def(&o.Duration, 24*hourNS)
	defInt(&o.Cards, 800)
	defInt(&o.Users, 400)
	defInt(&o.Sensors, 3)
	defInt(&o.Incidents, 3)
	o.Incidents = max(o.Incidents, 0)
	switch {
	case o.Cards < MinActors || o.Users < MinActors || o.Sensors < 1:
		return fmt.Errorf("gen: there must be at least %d cards, %d users and a sensor", MinActors, MinActors)
	case o.Duration < 3*hourNS:
		return errors.New("gen: the stream must last at least 3h")
	case o.Disorder < 0 || o.Disorder > maxDisorder:
		return errors.New("gen: the disorder can be 0s to 25s")
	case o.Incidents > 0 && o.slot() < 5*minuteNS:
		return fmt.Errorf("gen: %d incidents of each kind are too many for the time", o.Incidents)
	case o.Incidents*len(plots) > MinActors/2*max(1, min(o.Cards, o.Users)/MinActors):
		return fmt.Errorf("gen: %d incidents of each kind are too many for the cards and users", o.Incidents)
	}
	return nil
}

// lead and tail are left free of incidents.
func (o *Options) lead() int64 { return o.Duration / 20 }
func (o *Options) tail() int64 { return max(o.Duration/8, 35*minuteNS) }

// slot is the time from one incident to the next.
func (o *Options) slot() int64 {
	return (o.Duration - o.lead() - o.tail()) / int64(o.Incidents*len(plots))
}

// actor does something at its next time: emits at most one event, and sets the
// next time.
type actor interface {
	due() int64
	act(s *Stream)
}

// Stream generates events one by one.
type Stream struct {
	opt       Options
	merchants []merchant
	cards     []*card
	users     []*user
	sensors   []*sensor
	actors    queue
	waiting   arrivals // events that have happened and not yet come
	disorder  random
	incidents []Incident
	emitted   int // events that have come: the next one's position
	ids       [4]int
}

// New makes a stream.
func New(o Options) (*Stream, error) {
	if err := o.fill(); err != nil {
		return nil, err
	}
	s := &Stream{opt: o, disorder: seeded(o.Seed, 1)}
	s.merchants = makeMerchants(seeded(o.Seed, 2), 60+o.Cards/5)
	for i := range o.Cards {
		s.cards = append(s.cards, newCard(s, i))
		s.actors = append(s.actors, s.cards[i])
	}
	for i := range o.Users {
		s.users = append(s.users, newUser(s, i))
		s.actors = append(s.actors, s.users[i])
	}
	for i := range o.Sensors {
		s.sensors = append(s.sensors, newSensor(s, i))
		s.actors = append(s.actors, s.sensors[i].beat, s.sensors[i])
	}
	if plan := newPlan(s); len(plan.tasks) > 0 {
		s.actors = append(s.actors, plan)
	}
	heap.Init(&s.actors)
	return s, nil
}

// Next returns the next event as a line of JSON with its end, and when it
// happened. The line is good until the next call. ok is false behind the last.
func (s *Stream) Next() (line []byte, at int64, ok bool) {
	if s.opt.Events > 0 && s.emitted >= s.opt.Events {
		return nil, 0, false
	}
	end := s.opt.Start + s.opt.Duration
	for len(s.actors) > 0 {
		now := s.actors[0].due()
		if now >= end || len(s.waiting) > 0 && s.waiting[0].comes <= now {
			break
		}
		s.actors[0].act(s)
		heap.Fix(&s.actors, 0)
	}
	if len(s.waiting) == 0 {
		return nil, 0, false
	}
	e := heap.Pop(&s.waiting).(event)
	if e.incident >= 0 {
		s.incidents[e.incident].note(&e, s.emitted)
	}
	s.emitted++
	return e.line, e.at, true
}

// Incidents returns what was planted, by time, as far as it has come in the
// stream so far.
func (s *Stream) Incidents() []Incident {
	var list []Incident
	for _, i := range s.incidents {
		if len(i.Events) > 0 {
			list = append(list, i)
		}
	}
	slices.SortStableFunc(list, func(a, b Incident) int {
		switch {
		case a.First < b.First:
			return -1
		case a.First > b.First:
			return 1
		}
		return 0
	})
	return list
}

// Write writes a whole stream and returns its incidents.
func Write(w io.Writer, o Options) ([]Incident, error) {
	s, err := New(o)
	if err != nil {
		return nil, err
	}
	for {
		line, _, ok := s.Next()
		if !ok {
			return s.Incidents(), nil
		}
		if _, err := w.Write(line); err != nil {
			return nil, err
		}
	}
}

// event is an event on its way.
type event struct {
	at, comes int64
	order     int
	incident  int
	id        string // "" if its type has none
	line      []byte
}

// emit sends an event on its way: it comes when it happens or, with disorder,
// one in five somewhat later.
func (s *Stream) emit(at int64, incident int, id string, line []byte) {
	comes := at
	if s.opt.Disorder > 0 && s.disorder.chance(0.2) {
		comes += s.disorder.between(0, s.opt.Disorder)
	}
	s.ids[idOrder]++
	heap.Push(&s.waiting, event{at, comes, s.ids[idOrder], incident, id, line})
}

// queue orders actors by their next time; of equal ones the order is the
// heap's, which is the same in every run.
type queue []actor

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].due() < q[j].due() }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)        { *q = append(*q, x.(actor)) }
func (q *queue) Pop() any          { panic("gen: actors do not leave") }

// arrivals orders events by when they come.
type arrivals []event

func (q arrivals) Len() int { return len(q) }
func (q arrivals) Less(i, j int) bool {
	return q[i].comes < q[j].comes || q[i].comes == q[j].comes && q[i].order < q[j].order
}
func (q arrivals) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *arrivals) Push(x any)   { *q = append(*q, x.(event)) }
func (q *arrivals) Pop() any {
	old := *q
	e := old[len(old)-1]
	*q = old[:len(old)-1]
	return e
}
