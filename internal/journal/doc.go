// Package journal is an append-only log of records on disk: the only input of
// the runtime, and the archive of what the sources brought.
//
// Records are appended in groups: while one group is written and synced, the
// next one collects. A ticket is done when its record is durable, or when it is
// certain that it is not in the journal. Positions count the durable records
// from 1 without a gap.
//
// # Files
//
// A journal is a directory of segments, NNNNNNNNNN.seg. Each begins with a
// header that is durable before the first record is written, and that says
// where the segment before it ends. So a tail that was written and never became
// durable is cut off by the next header; no file is ever truncated or written
// to again, except that the start of a tail that failed is blanked. The frame
// of a record has a checksum of its own, keyed by a random salt of the segment
// and by its offset, and says up to where the segment was durable when the frame was
// written. That tells a torn tail (nothing behind it claims that it was ever
// durable) from damage.
//
// A sealed segment has an index beside it, NNNNNNNNNN.idx: which rows of which
// stream begin where. It is a cache: it carries a checksum and the salt of its
// segment, and is built again when it does not fit.
//
// # Invariants
//
// What was acknowledged is read back unchanged, in order, once, or an error
// names the file and the offset. What failed is not read. Retention and erasure
// leave alone what recovery needs.
//
// The package does not know what a record means. It does not lock the
// directory: one process opens it at a time.
package journal
