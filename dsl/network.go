package dsl

import "net/netip"

// isNetwork says whether a text is an address or a network in CIDR form.
func isNetwork(s string) bool {
	if _, err := netip.ParsePrefix(s); err == nil {
		return true
	}
	_, err := netip.ParseAddr(s)
	return err == nil
}
