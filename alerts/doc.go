// Package alerts is what becomes of a built alert: the log that numbers and
// keeps it, and what readers and sinks need to go on where they stopped.
//
// The log is the one place where an alert gets its number. Numbers count from 1
// without a gap and are never used twice, across crashes too: what a crash took
// from the log's end comes again when the runtime works off its journal, in the
// same order, and gets the same numbers; what the log still has is compared
// with what comes, byte for byte, and not appended.
//
// It knows nothing of how an alert was found, and of a sink only its name and
// how far it has read. It stands on a Pebble database of its own; see keys.go
// for what is in it.
package alerts
