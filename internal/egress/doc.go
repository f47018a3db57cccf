// Package egress lets the program call out to addresses that rule files name,
// and to no others: an address on this machine, on the network that it stands
// in, or of a cloud's metadata service is refused unless it is allowed by name.
//
// Invariant: the check is made of the address that a connection is about to be
// opened to, after names are resolved. What a name resolved to when it was
// written down, or a moment ago, counts for nothing. No proxy of the environment
// is used, since it would open the connection in our place; no redirect is
// followed.
package egress
