package window

import (
	"testing"
	"time"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/slab"
)

func TestPeriods(t *testing.T) {
	for _, c := range []struct {
		zone       string
		unit       dsl.Calendar
		at         string
		start, end string
	}{
		{"UTC", dsl.Hour, "2026-01-31T10:20:30Z", "2026-01-31T10:00:00Z", "2026-01-31T11:00:00Z"},
		{"UTC", dsl.Hour, "1969-12-31T23:30:00Z", "1969-12-31T23:00:00Z", "1970-01-01T00:00:00Z"},
		{"UTC", dsl.Day, "2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z"},
		{"UTC", dsl.Week, "2026-02-01T12:00:00Z", "2026-01-26T00:00:00Z", "2026-02-02T00:00:00Z"}, // a Sunday
		{"UTC", dsl.Week, "2026-02-02T00:00:00Z", "2026-02-02T00:00:00Z", "2026-02-09T00:00:00Z"}, // a Monday
		{"UTC", dsl.Month, "2025-12-31T23:59:59Z", "2025-12-01T00:00:00Z", "2026-01-01T00:00:00Z"},
		{"Asia/Kolkata", dsl.Hour, "2026-01-31T10:20:30Z", "2026-01-31T09:30:00Z", "2026-01-31T10:30:00Z"},
		{"Asia/Kolkata", dsl.Day, "2026-01-31T20:00:00Z", "2026-01-31T18:30:00Z", "2026-02-01T18:30:00Z"},
		// Clocks go forward on 8 March 2026 in New York, back on 1 November.
		{"America/New_York", dsl.Day, "2026-03-08T12:00:00Z", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"},
		{"America/New_York", dsl.Day, "2026-11-01T12:00:00Z", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"},
		{"America/New_York", dsl.Hour, "2026-11-01T05:30:00Z", "2026-11-01T05:00:00Z", "2026-11-01T06:00:00Z"},
		{"America/New_York", dsl.Hour, "2026-11-01T06:30:00Z", "2026-11-01T06:00:00Z", "2026-11-01T07:00:00Z"},
		{"America/New_York", dsl.Month, "2026-03-20T12:00:00Z", "2026-03-01T05:00:00Z", "2026-04-01T04:00:00Z"},
		// Half an hour, back on 5 April 2026 at 02:00.
		{"Australia/Lord_Howe", dsl.Hour, "2026-04-04T14:45:00Z", "2026-04-04T14:00:00Z", "2026-04-04T15:00:00Z"},
		{"Australia/Lord_Howe", dsl.Hour, "2026-04-04T15:10:00Z", "2026-04-04T15:00:00Z", "2026-04-04T15:30:00Z"},
		// Midnight of 12 August 2018 does not exist in Santiago.
		{"America/Santiago", dsl.Day, "2018-08-12T12:00:00Z", "2018-08-12T04:00:00Z", "2018-08-13T03:00:00Z"},
		{"America/Santiago", dsl.Day, "2018-08-12T03:30:00Z", "2018-08-11T04:00:00Z", "2018-08-12T04:00:00Z"},
		// Midnight of 1 November 2026 comes twice in Havana: clocks go back at 01:00.
		{"America/Havana", dsl.Day, "2026-11-01T12:00:00Z", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"},
		// And in Amman on 29 October 2021.
		{"Asia/Amman", dsl.Day, "2021-10-29T12:00:00Z", "2021-10-28T21:00:00Z", "2021-10-29T22:00:00Z"},
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		parse := func(s string) int64 {
			p, err := time.Parse(time.RFC3339, s)
			if err != nil {
				t.Fatal(err)
			}
			return p.UnixNano()
		}
		start, end := newCalendar(zone).period(c.unit, parse(c.at))
		if start != parse(c.start) || end != parse(c.end) {
			t.Errorf("%s unit %d of %s: %s to %s, want %s to %s", c.zone, c.unit, c.at,
				time.Unix(0, start).UTC().Format(time.RFC3339), time.Unix(0, end).UTC().Format(time.RFC3339), c.start, c.end)
		}
	}
}

// Over years of every zone with odd clocks, periods hold the time asked for,
// adjoin, and every instant of a day has the day's date.
func TestPeriodsAdjoin(t *testing.T) {
	for _, name := range []string{"America/New_York", "America/Havana", "America/Santiago", "Australia/Lord_Howe", "Asia/Beirut", "Asia/Amman", "Atlantic/Azores"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for unit := dsl.Hour; unit <= dsl.Month; unit++ {
			c := newCalendar(zone)
			at := time.Date(2015, 1, 1, 0, 30, 0, 0, zone).UnixNano()
			until := time.Date(2027, 1, 1, 0, 0, 0, 0, zone).UnixNano()
			if unit == dsl.Hour {
				at = time.Date(2025, 1, 1, 0, 30, 0, 0, zone).UnixNano()
			}
			_, before := c.period(unit, at)
			for at < until {
				at = before
				start, end := c.period(unit, at)
				if start != at || end <= start {
					t.Fatalf("%s unit %d: the period after %d begins at %d and ends at %d", name, unit, at, start, end)
				}
				first, last := time.Unix(0, start).In(zone), time.Unix(0, end-1).In(zone)
				if !samePeriod(unit, first, last) {
					t.Fatalf("%s unit %d: %v and %v are one period", name, unit, first, last)
				}
				if s2, e2 := newCalendar(zone).period(unit, end-1); s2 != start || e2 != end {
					t.Fatalf("%s unit %d: %v has another period at its end", name, unit, first)
				}
				before = end
			}
		}
	}
}

func TestIdle(t *testing.T) {
	day := dsl.Window{Kind: dsl.WindowCalendar, Unit: dsl.Day}
	delayed := previous(50)
	delayed.Ending = 70
	noon := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC).UnixNano()
	for _, c := range []struct {
		specs []Spec
		at    int64
		ok    bool
	}{
		{[]Spec{count(last(10)), count(previous(100))}, noon + 100, true},
		{[]Spec{count(delayed)}, noon + 120, true},
		{[]Spec{count(day), count(last(10))}, time.Date(2026, 5, 2, 0, 0, 0, 0, time.UTC).UnixNano() - 1, true},
		{[]Spec{count(last(10)), count(lastN(10))}, 0, false},
		{[]Spec{count(dsl.Window{Kind: dsl.WindowAllTime})}, 0, false},
		{[]Spec{count(last(1<<63 - 1))}, 0, false},
	} {
		s, _ := mustNew(t, c.specs, slab.NewSymbols())
		h := s.Add(0, noon, nil)
		if at, ok := s.Idle(h); at != c.at || ok != c.ok {
			t.Errorf("%+v: idle at %d %v, want %d %v", c.specs, at, ok, c.at, c.ok)
		}
	}
}

// An event whose time is before the latest stands at the latest (arrival order).
func TestClock(t *testing.T) {
	s, _ := mustNew(t, []Spec{count(last(10)), of(dsl.AggLast, 0, cep.KindInt, last(10))}, slab.NewSymbols())
	h := s.Add(0, 100, []Arg{{1, true}})
	h = s.Add(h, 50, []Arg{{2, true}})
	s.Settle(false)
	if n, _ := s.Read(h, 60, 0); n != 2 {
		t.Fatalf("%d events", n)
	}
	if v, ok := s.Read(h, 110, 1); v != 2 || !ok {
		t.Fatalf("last is %d %v", v, ok)
	}
	if n, _ := s.Read(h, 111, 0); n != 0 {
		t.Fatalf("%d events", n)
	}
	s.Read(h, 200, 0)
	h = s.Add(h, 150, []Arg{{3, true}}) // a read has moved the clock too
	s.Settle(false)
	if n, _ := s.Read(h, 210, 0); n != 1 {
		t.Fatalf("%d events", n)
	}
}
