// Package patient is a file system for a database that cannot live with a
// failed write: one that fails waits and is tried again until it succeeds, so
// that the database above sees a slow disk instead of a broken one. It goes on
// by itself when there is room again, without being closed and recovered.
//
// A failed fsync is not simply repeated. The kernel may have dropped the pages
// that it could not write and called them clean, and the next fsync would
// succeed over lost data. So what a file was given since it was last known to
// be on disk is kept, written again, and then synced.
//
// Invariant: an operation that returned without an error did what it says, and
// one that failed on the way did it once.
//
// What it does not do: wait where waiting is no help. A name that is not there,
// or is there already, is an answer and passed on, and so is everything before
// Wait is called: a directory that cannot be written is told to who opens it.
package patient
