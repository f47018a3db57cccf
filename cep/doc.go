// Package cep is Weir's vocabulary: types, schemas, events in columnar
// batches, matches and alerts. Everything else speaks in these words; the
// package itself imports nothing of the project.
//
// Invariants: a batch is immutable once decoded; times are int64 nanoseconds
// since the Unix epoch, UTC; money is an int64 count of millionths of its
// currency's unit.
//
// It is not the place for how events are read, kept or matched.
package cep
