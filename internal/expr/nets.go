package expr

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/weir-cep/weir/cep"
)

// Nets is a set of ip networks as disjoint ranges in order, so that a test is
// a binary search whatever their number.
type Nets []netRange

type netRange struct{ lo, hi cep.Wide }

// NewNets reads networks ("10.0.0.0/8", "2001:db8::/32") and single addresses
// from strings or ips. A v4 network is the v4-mapped v6 one, as addresses are.
func NewNets(values []cep.Value) (Nets, error) {
	ranges := make(Nets, 0, len(values))
	for _, v := range values {
		if v.Type.Kind == cep.KindIP {
			ranges = append(ranges, netRange{v.Wide, v.Wide})
			continue
		}
		r, ok := readNet(v.Text)
		if !ok {
			return nil, fmt.Errorf("%q is neither an ip address nor a network like 10.0.0.0/8", v.Text)
		}
		ranges = append(ranges, r)
	}
	slices.SortFunc(ranges, func(a, b netRange) int { return cmpWide(a.lo, b.lo) })
	var out Nets
	for _, r := range ranges {
		if n := len(out); n > 0 && cmpWide(r.lo, out[n-1].hi) <= 0 {
			if cmpWide(r.hi, out[n-1].hi) > 0 {
				out[n-1].hi = r.hi
			}
			continue
		}
		out = append(out, r)
	}
	return out, nil
}

func readNet(s string) (netRange, bool) {
	if !strings.Contains(s, "/") {
		w, err := cep.ParseIP(s)
		return netRange{w, w}, err == nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netRange{}, false
	}
	bits := p.Bits()
	if p.Addr().Is4() {
		bits += 96
	}
	w := cep.WideIP(p.Addr())
	var mask cep.Wide // of the host's bits
	switch {
	case bits <= 64:
		mask = cep.Wide{^uint64(0) >> bits, ^uint64(0)}
	default:
		mask = cep.Wide{0, ^uint64(0) >> (bits - 64)}
	}
	return netRange{cep.Wide{w[0] &^ mask[0], w[1] &^ mask[1]}, cep.Wide{w[0] | mask[0], w[1] | mask[1]}}, true
}

func cmpWide(a, b cep.Wide) int {
	if c := cmp.Compare(a[0], b[0]); c != 0 {
		return c
	}
	return cmp.Compare(a[1], b[1])
}

// Has says whether an address lies in one of the networks.
func (n Nets) Has(ip cep.Wide) bool {
	lo, hi := 0, len(n)
	for lo < hi {
		if m := int(uint(lo+hi) >> 1); cmpWide(n[m].hi, ip) < 0 {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return lo < len(n) && cmpWide(n[lo].lo, ip) <= 0
}
