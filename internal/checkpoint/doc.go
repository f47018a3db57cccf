// Package checkpoint keeps the saved state of an engine: pages of memory by
// unit and number, a few named blobs, and the place in the journal that they
// belong to.
//
// A Store is a directory with two parts: state/, a Pebble database that holds
// the newest checkpoint, and checkpoints/, complete older ones that share its
// files by hard links. A Commit writes what has changed into tables of its own
// and then takes them into the database in one step: after a crash at any
// moment the store holds the checkpoint before or the one after, never a
// mixture. There is no log and nothing is kept in memory for later, so a
// Commit that returns is on disk.
//
// Invariant: nothing that is damaged is handed out. Every value carries its
// own checksum, the manifest knows how many pages there are and what they sum
// up to, and Pebble guards its own files. Damage is a *CorruptError that names
// the file; Recover then goes back to an older checkpoint and says so.
//
// The package does not know what a page or a blob means, does not decide when
// a checkpoint is due, and reads no journal.
package checkpoint
