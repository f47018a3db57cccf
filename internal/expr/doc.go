// Package expr turns expressions of the typed IR into closures over the
// current event, the events that a run has bound, windows and lookups. It is
// where the functions of the language's catalogue are carried out.
//
// Every closure is typed: one family for counts (bool, int, money, timestamp,
// duration, enum, severity: an int64), one each for numbers, strings, wide
// values (ip, point) and lists. A value closure returns ok = false for a
// missing value. What cannot be computed (a division by zero, an overflow, a
// failed conversion) sets Frame.Failed, and whoever owns the whole expression
// takes a failed condition as false and a failed value as missing.
//
// Invariants: evaluating allocates nothing (strings that functions build live
// in memory that the Frame lends); a closure has no state of its own but
// caches of compiled patterns, so that shards may share it; the result is the
// same on every processor; no number is ever NaN, infinite or -0.
//
// The package knows nothing of patterns, windows or storage.
package expr
