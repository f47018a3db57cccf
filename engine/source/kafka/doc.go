// Package kafka reads events from a topic of Kafka: each record's value is one
// JSON event.
//
// Membership is that of a consumer group; each partition that falls to this
// member is a partition of the source, with the same number, and is read by a
// loop of its own. Positions are the offsets.
//
// Where a partition is read on is told, in this order, by the cursor in the
// journal, by the group's committed offset, and by the option from. Offsets are
// committed when their records are in the journal; they only tell others how
// far this one is.
//
// Only committed records are read. The broker sends the records of aborted
// transactions along with a list of them; they are dropped here, as are the
// markers that end transactions. Checksums are verified.
//
// The fetches go over kafka-go's Transport, which knows the cluster, logs in
// and encrypts. Its reading of records allocates for each of them, so the
// request here reads its answer itself (Transport lets it): a batch is walked
// in place and its values are copied once, into the chunk.
//
// An offset that the broker does not have any more is never skipped silently:
// with a cursor the source refuses to go on and says what is lost; without one
// it begins at from.
package kafka
