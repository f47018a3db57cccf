// Package window keeps the exact sliding aggregates of the language, per key.
//
// A Set is compiled from the aggregates of one owner (a rule or a feature)
// that share one stream of events and one key. The state of one key is one
// slab handle. An event goes through three calls:
//
//	h = set.Add(h, at, args)    the event becomes the current one
//	w, ok := set.Read(h, at, i) any aggregate, in any order
//	set.Settle(fired)           the event is past
//
// Between Add and Settle the event is the current one: `last`, calendar and
// `all time` windows hold it, `previous` windows do not. After Settle every
// window holds it, except those of `unless fired` if it fired.
//
// Invariants: events stand in the order of Add, which is the order of their
// times (an earlier time counts as the latest seen); every result is the one
// that a recomputation over the whole history gives, whatever has come and
// gone since. Costs are amortised constant an event; docs/windows.md names the
// algorithms and their bounds.
//
// The package knows neither rules nor key tables: who owns a handle, and when
// it is dropped, is the engine's matter.
package window
