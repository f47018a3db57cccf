package simulator

import (
	"bytes"
	"container/heap"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/weir-cep/weir/bench/gen"
)

// Options fix what is played. The zero value of each field stands for its
// default.
type Options struct {
	Seed  uint64    // default 1
	Start time.Time // of the first event
	Rate  float64   // events a second, about; default 20
}

// One stream: its length, and events a second that it brings, about.
const (
	length    = 6 * time.Hour
	perStream = 0.6
	incidents = 3                // of each kind in a stream
	spread    = 45 * time.Minute // between the stream that has come least and the one that has come furthest
	maxRate   = 1_000
)

// Simulator brings events in the order of their times. It serves one goroutine.
type Simulator struct {
	opt     Options
	streams streams
	planted []gen.Incident // of streams that have ended
}

// stream is one of the streams that are interleaved.
type stream struct {
	g      *gen.Stream
	prefix []byte // of its ids
	number int
	round  int // times that it has begun anew
	start  time.Time
	line   []byte
	at     int64
}

// New makes a simulator.
func New(o Options) (*Simulator, error) {
	if o.Seed == 0 {
		o.Seed = 1
	}
	if o.Rate == 0 {
		o.Rate = 20
	}
	if o.Rate < 0 || o.Rate > maxRate {
		return nil, fmt.Errorf("a rate of %g events a second: it can be up to %d", o.Rate, maxRate)
	}
	n := max(1, int(o.Rate/perStream+0.5))
	s := &Simulator{opt: o}
	for i := range n {
		// Incidents begin after a twentieth of a stream's time. Each stream has
		// come further than the one before, so that there is some of everything.
		st := &stream{number: i, start: o.Start.Add(-length/20 - spread*time.Duration(i)/time.Duration(n))}
		if err := s.begin(st); err != nil {
			return nil, err
		}
		for st.at < o.Start.UnixNano() {
			if err := s.advance(st); err != nil {
				return nil, err
			}
		}
		s.streams = append(s.streams, st)
	}
	heap.Init(&s.streams)
	return s, nil
}

// begin begins a stream, or begins it anew.
func (s *Simulator) begin(st *stream) (err error) {
	seed := s.opt.Seed*1_000_003 + uint64(st.number)*101 + uint64(st.round)
	st.g, err = gen.New(gen.Options{Seed: seed, Start: st.start.UnixNano(), Duration: int64(length), Incidents: incidents})
	if err != nil {
		return err
	}
	st.prefix = fmt.Appendf(nil, "%d-", st.number)
	if st.round > 0 {
		st.prefix = fmt.Appendf(nil, "%d.%d-", st.number, st.round)
	}
	return s.advance(st)
}

// advance reads a stream's next event.
func (s *Simulator) advance(st *stream) error {
	line, at, ok := st.g.Next()
	if !ok {
		s.planted = append(s.planted, st.named()...)
		st.round++
		st.start = st.start.Add(length)
		return s.begin(st)
	}
	st.line = bytes.ReplaceAll(line, idField, append(slices.Clone(idField), st.prefix...))
	st.at = at
	return nil
}

// idField is how the fields of ids end, and their values begin.
var idField = []byte(`_id":"`)

// Next returns the next event, as a line of JSON with its end, and when it
// happened, ns. The line is good until the next call.
func (s *Simulator) Next() (line []byte, at int64, err error) {
	st := s.streams[0]
	line, at = slices.Clone(st.line), st.at
	if err := s.advance(st); err != nil {
		return nil, 0, err
	}
	heap.Fix(&s.streams, 0)
	return line, at, nil
}

// Peek is when the next event happens, ns.
func (s *Simulator) Peek() int64 { return s.streams[0].at }

// Incidents are what was planted, as far as it has come, by stream.
func (s *Simulator) Incidents() []gen.Incident {
	list := slices.Clone(s.planted)
	for _, st := range s.streams {
		list = append(list, st.named()...)
	}
	return list
}

// named are a stream's incidents, by the ids that its events have here.
func (st *stream) named() []gen.Incident {
	list := st.g.Incidents()
	for i := range list {
		if _, err := netip.ParseAddr(list[i].Key); err != nil {
			list[i].Key = string(st.prefix) + list[i].Key
		}
	}
	return list
}

// streams are a heap by the time of their next event.
type streams []*stream

func (h streams) Len() int { return len(h) }
func (h streams) Less(i, j int) bool {
	if h[i].at != h[j].at {
		return h[i].at < h[j].at
	}
	return h[i].number < h[j].number
}
func (h streams) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *streams) Push(x any)   { *h = append(*h, x.(*stream)) }
func (h *streams) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}
