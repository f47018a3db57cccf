package checkpoint

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/cockroachdb/pebble/v2"
)

// CorruptError says that a file is not what was written.
type CorruptError struct {
	File string // path, "" if it is not known
	Why  string
	Err  error // nil or the cause
}

func (e *CorruptError) Error() string {
	if e.File == "" {
		return "checkpoint is damaged: " + e.Why
	}
	return fmt.Sprintf("checkpoint is damaged: %s: %s", e.File, e.Why)
}

func (e *CorruptError) Unwrap() error { return e.Err }

// VersionError says that a file was written by a newer version of Weir.
type VersionError struct {
	File         string
	Found, Known int
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("%s has format %d, and this version of Weir knows formats up to %d: use the version that wrote it, or a newer one", e.File, e.Found, e.Known)
}

// LockedError says that another process has the store open.
type LockedError struct {
	Dir string
	Err error
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("%s is in use by another process: stop that one, or use another state directory (%v)", e.Dir, e.Err)
}

func (e *LockedError) Unwrap() error { return e.Err }

// Errors of asking for what is not there.
var (
	ErrEmpty  = errors.New("there is no checkpoint yet")
	ErrExists = errors.New("it exists already")
)

// ours turns an error of the database into one of ours: damage names the file.
func ours(verb, dir string, err error) error {
	if err == nil {
		return nil
	}
	if c := corrupt(dir, err); c != nil {
		return c
	}
	return fmt.Errorf("%s %s: %w", verb, dir, err)
}

// corrupt is the damage that an error tells of, nil if it is none.
func corrupt(dir string, err error) *CorruptError {
	var c *CorruptError
	switch {
	case errors.As(err, &c):
		return c
	case !pebble.IsCorruptionError(err):
		return nil
	}
	c = &CorruptError{File: dir, Why: err.Error(), Err: err}
	if info := pebble.ExtractDataCorruptionInfo(err); info != nil {
		c.File = info.Path
		if info.Details != nil {
			c.Why = info.Details.Error()
		}
	}
	return c
}

func missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
