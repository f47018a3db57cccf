package egress

import "net/netip"

// Range is addresses that are not somebody else's on the internet.
type Range struct {
	Prefix netip.Prefix
	Name   string
	Source string // the document that sets it apart
	// Exact ranges open only when they, or a part of them, are allowed
	// themselves: a wider allowance is not meant for them.
	Exact bool
}

// Ranges are the special-purpose addresses of the IANA registries for IPv4 and
// IPv6 (https://www.iana.org/assignments/iana-ipv4-special-registry and
// iana-ipv6-special-registry), and what embeds an IPv4 address in an IPv6 one,
// which would lead around the rest. The first range that holds an address is
// its range.
var Ranges = []Range{
	{p("169.254.169.254/32"), "metadata of a cloud", "RFC 3927", true},
	{p("100.100.100.200/32"), "metadata of a cloud", "RFC 6598", true},
	{p("fd00:ec2::254/128"), "metadata of a cloud", "RFC 4193", true},
	{p("168.63.129.16/32"), "platform service of a cloud", "RFC 6890", true},
	{p("0.0.0.0/8"), "this network", "RFC 791", false},
	{p("10.0.0.0/8"), "private", "RFC 1918", false},
	{p("100.64.0.0/10"), "shared by carriers", "RFC 6598", false},
	{p("127.0.0.0/8"), "loopback", "RFC 1122", false},
	{p("169.254.0.0/16"), "link-local", "RFC 3927", true},
	{p("172.16.0.0/12"), "private", "RFC 1918", false},
	{p("192.0.0.0/24"), "protocol assignments", "RFC 6890", false},
	{p("192.0.2.0/24"), "documentation", "RFC 5737", false},
	{p("192.31.196.0/24"), "AS112", "RFC 7535", false},
	{p("192.52.193.0/24"), "AMT", "RFC 7450", false},
	{p("192.88.99.0/24"), "6to4 relays", "RFC 7526", false},
	{p("192.168.0.0/16"), "private", "RFC 1918", false},
	{p("192.175.48.0/24"), "AS112", "RFC 7534", false},
	{p("198.18.0.0/15"), "benchmarks", "RFC 2544", false},
	{p("198.51.100.0/24"), "documentation", "RFC 5737", false},
	{p("203.0.113.0/24"), "documentation", "RFC 5737", false},
	{p("224.0.0.0/4"), "multicast", "RFC 5771", false},
	{p("240.0.0.0/4"), "reserved and broadcast", "RFC 1112, RFC 919", false},
	{p("::/128"), "unspecified", "RFC 4291", false},
	{p("::1/128"), "loopback", "RFC 4291", false},
	{p("::/96"), "IPv4-compatible", "RFC 4291", false},
	{p("::ffff:0:0/96"), "IPv4-mapped", "RFC 4291", false},
	{p("::ffff:0:0:0/96"), "IPv4-translated", "RFC 2765", false},
	{p("64:ff9b::/96"), "translation to IPv4", "RFC 6052", false},
	{p("64:ff9b:1::/48"), "local translation to IPv4", "RFC 8215", false},
	{p("100::/64"), "discard", "RFC 6666", false},
	{p("100:0:0:1::/64"), "dummy", "RFC 9780", false},
	{p("2001::/23"), "protocol assignments, Teredo, ORCHID", "RFC 2928, RFC 4380, RFC 7343", false},
	{p("2001:db8::/32"), "documentation", "RFC 3849", false},
	{p("2002::/16"), "6to4", "RFC 3056", false},
	{p("2620:4f:8000::/48"), "AS112", "RFC 7534", false},
	{p("3fff::/20"), "documentation", "RFC 9637", false},
	{p("5f00::/16"), "segment routing", "RFC 9602", false},
	{p("fc00::/7"), "private", "RFC 4193", false},
	{p("fe80::/10"), "link-local", "RFC 4291", true},
	{p("fec0::/10"), "site-local", "RFC 3879", false},
	{p("ff00::/8"), "multicast", "RFC 4291", false},
}

func p(s string) netip.Prefix { return netip.MustParsePrefix(s) }
