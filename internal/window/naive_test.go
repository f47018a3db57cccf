package window

import (
	"math"
	mbig "math/big"
	"sort"
	"time"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// The naive reference: it keeps every event of a key for ever and computes
// each aggregate from the whole list.

type naiveEvent struct {
	at    int64
	args  []Arg
	fired bool
}

type naive struct {
	events  []naiveEvent // the last one may be current
	current bool
	zone    *time.Location
}

// window returns the events that a window holds at now.
func (m *naive) window(sp *Spec, now int64) []naiveEvent {
	var pop []naiveEvent
	for i, e := range m.events {
		isCurrent := m.current && i == len(m.events)-1
		if sp.UnlessFired && e.fired || isCurrent && sp.Window.Kind == dsl.WindowPrevious {
			continue
		}
		pop = append(pop, e)
	}
	w := sp.Window
	if w.N > 0 {
		return pop[max(0, len(pop)-w.N):]
	}
	var in []naiveEvent
	for _, e := range pop {
		ok := true
		switch w.Kind {
		case dsl.WindowLast, dsl.WindowPrevious:
			ok = e.at >= now-w.Ending-w.Dur && (w.Ending == 0 || e.at <= now-w.Ending)
		case dsl.WindowCalendar:
			ok = samePeriod(w.Unit, time.Unix(0, e.at).In(m.zone), time.Unix(0, now).In(m.zone))
		}
		if ok {
			in = append(in, e)
		}
	}
	return in
}

func samePeriod(u dsl.Calendar, a, b time.Time) bool {
	ay, am, ad := a.Date()
	by, bm, bd := b.Date()
	switch u {
	case dsl.Hour:
		_, ao := a.Zone()
		_, bo := b.Zone()
		return ay == by && am == bm && ad == bd && a.Hour() == b.Hour() && ao == bo
	case dsl.Day:
		return ay == by && am == bm && ad == bd
	case dsl.Week:
		ay, aw := a.ISOWeek()
		by, bw := b.ISOWeek()
		return ay == by && aw == bw
	}
	return ay == by && am == bm
}

// result is a value, or a range where the result is rounded from a root.
type result struct {
	ok     bool
	word   uint64
	approx bool
	value  *mbig.Float
	slack  float64 // absolute
}

func (m *naive) read(sp *Spec, now int64) result {
	var vals []uint64
	events := m.window(sp, now)
	for _, e := range events {
		switch {
		case sp.Input < 0:
			vals = append(vals, 0)
		case sp.Fn == dsl.AggCount:
			if a := e.args[sp.Input]; (a.Ok || !sp.Optional) && a.Word == 1 {
				vals = append(vals, 0)
			}
		default:
			if a := e.args[sp.Input]; a.Ok || !sp.Optional {
				if sp.In == cep.KindNumber && a.Word == 1<<63 {
					a.Word = 0
				}
				vals = append(vals, a.Word)
			}
		}
	}
	n := len(vals)
	switch sp.Fn {
	case dsl.AggCount:
		return result{ok: true, word: uint64(n)}
	case dsl.AggDistinct:
		set := map[uint64]bool{}
		for _, v := range vals {
			set[v] = true
		}
		return result{ok: true, word: uint64(len(set))}
	case dsl.AggSum:
		return m.number(sp, sum(sp.In, vals))
	}
	if n == 0 {
		return result{}
	}
	sorted := append([]uint64(nil), vals...)
	sort.SliceStable(sorted, func(i, j int) bool { return m.less(sp.In, sorted[i], sorted[j]) })
	switch sp.Fn {
	case dsl.AggMin:
		return result{ok: true, word: sorted[0]}
	case dsl.AggMax:
		return result{ok: true, word: sorted[n-1]}
	case dsl.AggFirst:
		return result{ok: true, word: vals[0]}
	case dsl.AggLast:
		return result{ok: true, word: vals[n-1]}
	case dsl.AggPercentile:
		rank := int(math.Ceil(float64(n) * sp.P / 100))
		return result{ok: true, word: sorted[max(rank, 1)-1]}
	case dsl.AggMedian:
		mid := []uint64{sorted[(n-1)/2], sorted[n/2]}
		return m.number(sp, sum(sp.In, mid).quo(2))
	case dsl.AggAvg:
		return m.number(sp, sum(sp.In, vals).quo(n))
	}
	if n < 2 {
		return result{}
	}
	mean := exactly(0)
	for _, v := range vals {
		mean.Add(mean, toBig(sp.In, v))
	}
	mean.Quo(mean, exactly(float64(n)))
	sq := exactly(0)
	for _, v := range vals {
		d := exactly(0).Sub(toBig(sp.In, v), mean)
		sq.Add(sq, d.Mul(d, d))
	}
	sd := sq.Sqrt(sq.Quo(sq, exactly(float64(n-1))))
	// The mean is rounded, so a deviation that should be zero is next to it.
	zero := allEqual(vals)
	if sp.Fn == dsl.AggStddev {
		if zero {
			return result{ok: true, word: 0}
		}
		f, _ := sd.Float64()
		slack := f*0x1p-50 + math.SmallestNonzeroFloat64
		if sp.Out != cep.KindNumber {
			slack += 0.5
		}
		return result{ok: true, approx: true, value: sd, slack: slack}
	}
	x := m.events[len(m.events)-1].args[sp.Input]
	if !m.current || zero || !x.Ok && sp.Optional {
		return result{}
	}
	z := exactly(0).Sub(toBig(sp.In, x.Word), mean)
	z.Quo(z, sd)
	f, _ := z.Float64()
	if math.IsInf(f, 0) {
		return result{}
	}
	return result{ok: true, approx: true, value: z, slack: math.Abs(f)*0x1p-49 + 1e-300}
}

func (m *naive) less(k cep.Kind, a, b uint64) bool {
	switch k {
	case cep.KindNumber:
		return cep.Number(a) < cep.Number(b)
	}
	return int64(a) < int64(b)
}

func allEqual(vals []uint64) bool {
	for _, v := range vals {
		if v != vals[0] {
			return false
		}
	}
	return true
}

// precision of the reference, in bits: enough for sums of everyday values. The
// tests with values from all over float64 raise it.
var precision uint = 400

func exactly(f float64) *mbig.Float { return new(mbig.Float).SetPrec(precision).SetFloat64(f) }

func toBig(k cep.Kind, w uint64) *mbig.Float {
	if k == cep.KindNumber {
		return exactly(cep.Number(w))
	}
	return exactly(0).SetInt64(int64(w))
}

// fraction is an exact sum over a count.
type fraction struct {
	sum *mbig.Float
	n   int
}

func sum(k cep.Kind, vals []uint64) fraction {
	s := exactly(0)
	for _, v := range vals {
		s.Add(s, toBig(k, v))
	}
	return fraction{s, 1}
}

func (f fraction) quo(n int) fraction { return fraction{f.sum, n} }

// number rounds a fraction to the type of the result.
func (m *naive) number(sp *Spec, f fraction) result {
	if sp.Out == cep.KindNumber {
		v, _ := f.sum.Float64()
		v /= float64(f.n)
		if math.IsInf(v, 0) {
			return result{}
		}
		return result{ok: true, word: cep.NumberWord(v)}
	}
	num, _ := f.sum.Int(nil)
	den := mbig.NewInt(int64(f.n))
	twice := new(mbig.Int).Add(new(mbig.Int).Lsh(num, 1), den)
	q, rem := new(mbig.Int).DivMod(twice, new(mbig.Int).Lsh(den, 1), new(mbig.Int))
	if rem.Sign() == 0 && q.Bit(0) == 1 && f.n > 1 {
		q.Sub(q, mbig.NewInt(1))
	}
	if !q.IsInt64() {
		return result{}
	}
	return result{ok: true, word: uint64(q.Int64())}
}

// matches reports whether a result is what the reference says.
func (want result) matches(sp *Spec, w uint64, ok bool) bool {
	if ok != want.ok || !ok {
		return ok == want.ok
	}
	if !want.approx {
		return w == want.word
	}
	got := toBig(sp.Out, w)
	d := got.Sub(got, want.value)
	return d.Abs(d).Cmp(exactly(want.slack)) <= 0
}
