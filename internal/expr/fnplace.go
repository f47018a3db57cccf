package expr

import (
	"math"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/xmath"
)

// earthKm is the mean radius of the earth (IUGG).
const earthKm = 6371.0088

// distance is the great-circle distance by the haversine formula, which is
// exact for near places and, with the clamp, for antipodes.
func distance(c *Compiler, e *dsl.Expr) fn[float64] {
	a, b := c.wides(e.Args[0]), c.wides(e.Args[1])
	return func(f *Frame) (float64, bool) {
		p, ok := a(f)
		if !ok {
			return 0, false
		}
		q, ok := b(f)
		if !ok {
			return 0, false
		}
		return haversine(p, q), true
	}
}

func haversine(p, q cep.Wide) float64 {
	const radian = math.Pi / 180
	lat1, lon1 := p.Point()
	lat2, lon2 := q.Point()
	s := xmath.Sin(float64((lat2 - lat1) * (radian / 2)))
	t := xmath.Sin(float64((lon2 - lon1) * (radian / 2)))
	cosines := float64(xmath.Cos(float64(lat1*radian)) * xmath.Cos(float64(lat2*radian)))
	h := float64(s*s) + float64(cosines*float64(t*t))
	return float64(2 * earthKm * xmath.Asin(math.Sqrt(min(h, 1))))
}

// point(lat, lon) fails outside the range of degrees.
func point(c *Compiler, e *dsl.Expr) fn[cep.Wide] {
	a, b := c.nums(e.Args[0]), c.nums(e.Args[1])
	c.fails = true
	return func(f *Frame) (cep.Wide, bool) {
		lat, ok1 := a(f)
		lon, ok2 := b(f)
		if !ok1 || !ok2 {
			return cep.Wide{}, false
		}
		w, ok := cep.WidePoint(lat, lon)
		if !ok {
			f.fail()
		}
		return w, ok
	}
}

// private are the networks of is_private.
var private = func() Nets {
	var vs []cep.Value
	for _, s := range []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", // private
		"127.0.0.0/8", "::1", // the host itself
		"169.254.0.0/16", "fe80::/10"} { // its link
		vs = append(vs, cep.Value{Type: cep.Type{Kind: cep.KindString}, Text: s})
	}
	nets, err := NewNets(vs)
	if err != nil {
		panic(err)
	}
	return nets
}()

func isPrivate(c *Compiler, e *dsl.Expr) Cond {
	a := c.wides(e.Args[0])
	return func(f *Frame) bool { w, ok := a(f); return ok && private.Has(w) }
}
