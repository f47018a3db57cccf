// Package evidence gives back the raw text of an event by its reference, for
// the alerts that it is part of.
//
// A plain file is read again at the event's place; what cannot be read again
// (compressed files, standard input, alerts that are events) is written to
// temporary files that have no name and vanish with the process. A sparse index
// from positions to offsets is kept meanwhile.
//
// A run that is to be taken up again after a crash saves its logs with its
// checkpoints: the index, and how far the files of text go that it keeps under
// names. What was written behind a checkpoint is not used again.
//
// Invariants: an event that was added before Raw is asked for is found, as
// long as its file is unchanged and its temporary file was not given up for
// newer ones; memory grows by some bytes a chunk of input, never by event.
//
// It is not an archive: nothing of it outlives the run.
package evidence
