package journal

import (
	"errors"
	"fmt"
	"os"
)

var (
	// ErrStalled says that the journal cannot be written: the disk is full or
	// failed. The record is not in the journal.
	ErrStalled = errors.New("the journal cannot be written")
	// ErrClosed says that the journal was closed.
	ErrClosed = errors.New("the journal is closed")
	// ErrGone says that retention has removed what was asked for.
	ErrGone = errors.New("no longer in the journal: it is older than what is kept")
	// ErrNone says that no record holds the row.
	ErrNone = errors.New("no record of the journal holds this row")
	// ErrTooLarge says that a record exceeds MaxData or MaxMeta.
	ErrTooLarge = errors.New("the record is too large for the journal")
	// ErrReserved says that a record has kind 0.
	ErrReserved = errors.New("kind 0 is the journal's own")
)

// CorruptError says that a file of the journal is not what was written.
type CorruptError struct {
	File   string
	Offset int64 // of the damage, in bytes
	Why    string
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("%s is damaged at byte %d: %s", e.File, e.Offset, e.Why)
}

// VersionError says that a file was written by a newer build.
type VersionError struct {
	File    string
	Version uint32 // of the file
	Newest  uint32 // that this build reads
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("%s has format %d, this build reads up to %d: use the build that wrote it, or a newer one",
		e.File, e.Version, e.Newest)
}

func isMissing(err error) bool { return errors.Is(err, os.ErrNotExist) }
