// Package decode turns bytes into typed, columnar batches by schema: NDJSON
// and CSV, plain or compressed, one event type or many in a stream.
//
// The way of a chunk of complete records: the scanner walks each record once,
// checks its syntax to the last byte and notes where the values stand that any
// schema reads; the type field picks the schema; the conversions of the
// language turn the noted texts into words; the row is added to its table. A
// record that fails anywhere on that way is a dead letter with its reason and
// leaves no trace in the batch.
//
// Invariants: strings point into the chunk and nothing is allocated per event;
// every record takes a position, rejected and skipped ones too; the same
// records give the same rows and dead letters however they are cut into
// chunks. Of a key that comes twice in an object the last counts.
//
// It knows nothing of rules, of time, or of what becomes of a batch.
package decode
