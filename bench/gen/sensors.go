package gen

import (
	"fmt"

	"github.com/weir-cep/weir/internal/xmath"
)

const (
	readingEvery = 45 * secondNS
	beatEvery    = 60 * secondNS
)

// sensor reads a temperature that follows the day and drifts.
type sensor struct {
	agenda
	random
	id    string
	base  float64 // degrees
	drift float64
	hot   []heat
	beat  *beat
}

// heat is a time in which the sensor is hotter than it may be.
type heat struct {
	span
	degrees  float64
	incident int
}

// beat is the sensor's heartbeat, an actor of its own.
type beat struct {
	agenda
	random
	id     string
	silent []silence
}

// silence is a time without heartbeats and readings.
type silence struct {
	span
	incident int
}

func newSensor(s *Stream, i int) *sensor {
	d := &sensor{random: seeded(s.opt.Seed, 3<<32+uint64(i)), id: fmt.Sprintf("s%03d", i+1)}
	d.base = 42 + 16*d.unit()
	d.rhythm = s.opt.Start + d.between(0, readingEvery/secondNS)*secondNS
	d.beat = &beat{random: seeded(s.opt.Seed, 4<<32+uint64(i)), id: d.id}
	d.beat.rhythm = s.opt.Start + d.between(0, beatEvery/secondNS)*secondNS
	return d
}

func (d *sensor) act(s *Stream) {
	at := d.rhythm
	d.rhythm += readingEvery + d.between(-5, 5)*secondNS
	d.drift = float64(0.97*d.drift) + float64(0.4*d.normal())
	day := float64(at%(24*hourNS)) / float64(24*hourNS)
	t := d.base + float64(9*xmath.Sin(float64(2*3.141592653589793*day)-2)) + d.drift
	t = min(t, 76)
	incident := noIncident
	for _, h := range d.hot {
		if at >= h.from && at <= h.to {
			t, incident = h.degrees+float64(0.8*d.unit()), h.incident
		}
	}
	if !d.agenda.silent(at) {
		s.reading(at, incident, d.id, int64(t*100))
	}
}

func (b *beat) act(s *Stream) {
	at := b.rhythm
	b.rhythm += beatEvery + b.between(-5, 5)*secondNS
	incident := noIncident
	for _, q := range b.silent {
		if at >= q.from && at <= q.to {
			return
		}
		if at < q.from && b.rhythm >= q.from { // the last before it
			incident = q.incident
		}
	}
	s.heartbeat(at, incident, b.id)
}
