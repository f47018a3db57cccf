// Package server is Weir over HTTP: events come in, alerts, dead letters and
// the state of the pipeline go out, and operators ask how things are.
//
// Invariant: an answer of 200 to events says that they are durable. Everything
// that a client can make large is bounded by a limit of Limits, and what is
// beyond it is refused with what to do, never cut off in silence. No key and no
// value of an event is a label of a metric or stands in a log above debug.
//
// The package knows nothing of matching, rule text or files: it is given a
// Runtime and an AlertLog, and says in those interfaces what it needs.
package server
