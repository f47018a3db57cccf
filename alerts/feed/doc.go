// Package feed shows alerts to many as they happen: each client says what it
// wants and where it goes on, and gets alerts, what is made of them, and a word
// where some are left out.
//
// A client pulls: whoever writes to it asks its session for the next frame when
// the last one is gone. So nothing is queued for anybody, and a client that
// takes no frames costs a cursor. One goroutine reads the log's end, keeps the
// newest alerts as they are written out, and lets clients know in pulses, whose
// distance grows with their number; clients that want the same and stand at the
// same place get the same frame, made once.
//
// Invariant: alerts reach a client in the order of their numbers, each once; a
// client that has fallen too far behind is told which it did not get. Nothing
// here is ever waited for by what logs alerts.
//
// The package knows nothing of HTTP, WebSockets or who a client is.
package feed
