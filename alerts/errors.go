package alerts

import (
	"errors"
	"fmt"
)

var (
	// ErrClosed is what a log says that is closed.
	ErrClosed = errors.New("the alert log is closed")
	// ErrStalled says that the disk takes no writes: nothing of what was asked
	// for is done, and may be asked for again. The log goes on by itself when
	// the disk does.
	ErrStalled = errors.New("the alert log cannot be written")
	// ErrNone says that the log has no such alert.
	ErrNone = errors.New("no such alert in the log")
)

// CorruptError tells of a file that does not hold what was written to it.
type CorruptError struct {
	File string // "" if it cannot be told
	Why  string
}

func (e *CorruptError) Error() string {
	if e.File == "" {
		return "the alert log is damaged: " + e.Why
	}
	return fmt.Sprintf("%s is damaged: %s", e.File, e.Why)
}

// VersionError tells of a log that a newer Weir wrote.
type VersionError struct {
	Dir string
	Why string
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("the alert log in %s was written by a newer Weir (%s): run that one, or give another state directory", e.Dir, e.Why)
}
