package egress

import (
	"fmt"
	"net/netip"
	"strings"
	"syscall"
)

// Guard says which addresses may be connected to. The zero Guard opens none of
// Ranges.
type Guard struct {
	allow []netip.Prefix
}

// New makes a guard that lets through the given ranges, beside what is open to
// all: "10.0.0.0/8", "127.0.0.1". An error names what is no range.
func New(allow ...string) (*Guard, error) {
	g := &Guard{}
	for _, text := range allow {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			addr, aerr := netip.ParseAddr(text)
			if aerr != nil || addr.Zone() != "" {
				return nil, fmt.Errorf("%q is no range of addresses: write it like \"10.0.0.0/8\" or \"192.168.1.7\"", text)
			}
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		if prefix.Addr().Is4In6() && prefix.Bits() >= 96 {
			prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-96)
		}
		if prefix != prefix.Masked() {
			return nil, fmt.Errorf("%q is no range of addresses: did you mean %q?", text, prefix.Masked())
		}
		g.allow = append(g.allow, prefix)
	}
	return g, nil
}

// RefusedError says that an address may not be connected to.
type RefusedError struct {
	Addr  netip.Addr
	Range Range
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("the address %s is %s (%s, %s) and may not be called: if that is meant, allow it: [\"%s\"]",
		e.Addr, e.Range.Name, e.Range.Prefix, e.Range.Source, e.Range.Prefix)
}

// Check says whether an address may be connected to; the error is a
// *RefusedError.
func (g *Guard) Check(addr netip.Addr) error {
	addr = addr.Unmap().WithZone("")
	for _, r := range Ranges {
		if !r.Prefix.Contains(addr) {
			continue
		}
		for _, a := range g.allow {
			if a.Contains(addr) && (!r.Exact || r.Prefix.Bits() <= a.Bits()) {
				return nil
			}
		}
		return &RefusedError{addr, r}
	}
	return nil
}

// Control is a net.Dialer's: it is told the address that a socket is about to be
// connected to.
func (g *Guard) Control(network, address string, _ syscall.RawConn) error {
	if !strings.HasPrefix(network, "tcp") {
		return fmt.Errorf("only TCP connections are made, not %s", network)
	}
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("connect to %q: %w", address, err)
	}
	return g.Check(at.Addr())
}
