package window

import (
	"time"

	"github.com/weir-cep/weir/dsl"
)

// bucket is a window that events only enter: all time, or a calendar period,
// which is emptied when the next one begins.
type bucket struct {
	lane     int
	calendar bool
	unit     dsl.Calendar
	start    int // root place of the period's first instant, of a calendar bucket
	off      int // root place of the number of its events
	accs     []acc
	distinct []int // of the population, to be emptied with it
}

func (b *bucket) see(s *Set, r []uint64, args []Arg) {
	r[b.off]++
	for i := range b.accs {
		a := &b.accs[i]
		s.enter(r, a, args[a.input])
	}
}

// turn empties a calendar bucket when now is in another period than its
// events.
func (s *Set) turn(p *population, b *bucket, r []uint64, now uint64) {
	if !b.calendar {
		return
	}
	start, _ := s.cal.period(b.unit, int64(now^1<<63))
	if r[b.start] == stamp(start) {
		return
	}
	r[b.start] = stamp(start)
	r[b.off] = 0
	s.clear(r, b.accs)
	for _, i := range b.distinct {
		p.distinct[i].clear(s, r)
	}
}

// calendar finds the periods of a time zone. It remembers the latest of each
// unit, since events come in the order of time.
type calendar struct {
	zone  *time.Location
	units [dsl.Month + 1]struct{ start, end int64 } // end 0 and start 0: none yet
}

func newCalendar(zone *time.Location) *calendar {
	if zone == nil {
		zone = time.UTC
	}
	return &calendar{zone: zone}
}

// period returns the first instant of the period that holds at, and the first
// behind it, in ns. A day, week or month begins at the first instant of its
// first date, whatever the clocks do there. An hour is one turn of the minute
// hand: where clocks go back, the repeated hour is another hour, and where
// they change in the middle of one, it ends there.
func (c *calendar) period(unit dsl.Calendar, at int64) (start, end int64) {
	u := &c.units[unit]
	if at < u.start || at >= u.end {
		u.start, u.end = c.find(unit, at)
	}
	return u.start, u.end
}

func (c *calendar) find(unit dsl.Calendar, at int64) (start, end int64) {
	t := time.Unix(0, at).In(c.zone)
	y, m, d := t.Date()
	switch unit {
	case dsl.Hour:
		return c.hour(t)
	case dsl.Day:
		return c.date(y, m, d), c.date(y, m, d+1)
	case dsl.Week:
		d -= (int(t.Weekday()) + 6) % 7
		return c.date(y, m, d), c.date(y, m, d+7)
	}
	return c.date(y, m, 1), c.date(y, m+1, 1)
}

func (c *calendar) hour(t time.Time) (start, end int64) {
	_, offset := t.Zone()
	const hour = int64(time.Hour)
	at := t.UnixNano()
	into := (at + int64(offset)*int64(time.Second)) % hour
	if into < 0 {
		into += hour
	}
	start = at - into
	end = start + hour
	from, to := t.ZoneBounds()
	if !from.IsZero() {
		start = max(start, from.UnixNano())
	}
	if !to.IsZero() {
		end = min(end, to.UnixNano())
	}
	return start, end
}

// date returns the first instant of a date. time.Date alone may give another:
// where clocks jump over midnight it may answer with the day before, and where
// they fall back over it, with the second midnight.
func (c *calendar) date(y int, m time.Month, d int) int64 {
	noon := time.Date(y, m, d, 12, 0, 0, 0, c.zone)
	t := time.Date(y, m, d, 0, 0, 0, 0, c.zone)
	if t.Day() != noon.Day() {
		_, t = t.ZoneBounds() // midnight is missing: the day begins where the clocks change
	}
	from, _ := t.ZoneBounds()
	if from.IsZero() {
		return t.UnixNano()
	}
	// The same midnight by the clock before the last change, if that is one.
	_, now := t.Zone()
	_, then := from.Add(-1).Zone()
	if u := t.Add(time.Duration(now-then) * time.Second); u.Before(from) && u.In(c.zone).Day() == noon.Day() {
		return u.UnixNano()
	}
	return t.UnixNano()
}
