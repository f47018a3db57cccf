package expr

import (
	"time"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// zone is the time zone of a calendar function: its second argument, which the
// checker has found to exist, or the file's.
func (c *Compiler) zone(e *dsl.Expr) *time.Location {
	if len(e.Args) == 2 {
		z, err := time.LoadLocation(e.Args[1].Const.Text)
		if err != nil {
			bad(e, "%s", err)
		}
		return z
	}
	if c.Zone != nil {
		return c.Zone
	}
	return time.UTC
}

// timeOf is time(text).
func timeOf(c *Compiler, e *dsl.Expr) fn[int64] {
	a, zone := c.strs(e.Args[0]), c.zone(e)
	c.fails = true
	return func(f *Frame) (int64, bool) {
		s, ok := a(f)
		if !ok {
			return 0, false
		}
		t, err := cep.ParseTime(s, "", zone)
		return done(f, t, true, err == nil)
	}
}

// calendar compiles the parts of a date. In UTC they are arithmetic; elsewhere
// the zone's rules are asked.
func calendar(c *Compiler, e *dsl.Expr) fn[int64] {
	var get func(time.Time) int
	switch e.Func.Name {
	case "year":
		get = time.Time.Year
	case "month":
		get = func(t time.Time) int { return int(t.Month()) }
	case "day":
		get = time.Time.Day
	case "weekday":
		get = func(t time.Time) int { return (int(t.Weekday())+6)%7 + 1 }
	case "hour":
		get = time.Time.Hour
	case "minute":
		get = time.Time.Minute
	default:
		bad(e, "no such part of a date")
	}
	a, zone := c.ints(e.Args[0]), c.zone(e)
	return func(f *Frame) (int64, bool) {
		ns, ok := a(f)
		if !ok {
			return 0, false
		}
		return int64(get(time.Unix(0, ns).In(zone))), true
	}
}
