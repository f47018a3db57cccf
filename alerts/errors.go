package alerts

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/cockroachdb/pebble/v2"
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
	// ErrNoSilence says that no silence of that id is in force.
	ErrNoSilence = errors.New("no such silence is in force")
	// ErrLocked says that another process has the log open.
	ErrLocked = errors.New("the alert log is in use by another process: stop that one, or give another state directory")
)

// CorruptError tells of a file that does not hold what was written to it.
type CorruptError struct {
	File string // the directory, if it cannot be told which
	Why  string
	Err  error // nil or the cause
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("the alert log is damaged: %s: %s", e.File, e.Why)
}

func (e *CorruptError) Unwrap() error { return e.Err }

// VersionError tells of a log that a newer Weir wrote.
type VersionError struct {
	Dir string
	Why string
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("the alert log in %s was written by a newer Weir (%s): run that one, or give another state directory", e.Dir, e.Why)
}

// damaged is an error about what the database holds.
func (l *Log) damaged(format string, args ...any) error {
	return &CorruptError{File: l.opt.Dir, Why: fmt.Sprintf(format, args...)}
}

// openError says in one sentence why the log cannot be opened.
func (l *Log) openError(err error) error {
	switch text := err.Error(); {
	case pebble.IsCorruptionError(err):
		return l.corrupt(err)
	case strings.Contains(text, "unknown format major version"):
		return &VersionError{Dir: l.opt.Dir, Why: text[strings.Index(text, "format major version"):]}
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("the alert log in %s cannot be opened: give the user that runs weir the right to write there, or give another state directory: %w", l.opt.Dir, err)
	case errors.Is(err, fs.ErrNotExist):
		// A file that the database says it has is not there.
		return &CorruptError{File: l.fileIn(text), Why: text, Err: err}
	}
	return fmt.Errorf("open the alert log in %s: %w", l.opt.Dir, err)
}

// readError says what went wrong when the log was read.
func (l *Log) readError(err error) error {
	switch {
	case err == nil:
		return nil
	case pebble.IsCorruptionError(err):
		return l.corrupt(err)
	}
	return fmt.Errorf("read the alert log in %s: %w", l.opt.Dir, err)
}

// corrupt names the file that an error of the database is about.
func (l *Log) corrupt(err error) *CorruptError {
	c := &CorruptError{Why: err.Error(), Err: err}
	if info := pebble.ExtractDataCorruptionInfo(err); info != nil {
		c.File = info.Path
		if info.Details != nil {
			c.Why = info.Details.Error()
		}
		return c
	}
	c.File = l.fileIn(c.Why)
	return c
}

// fileIn is the file of the log that a text names, the directory if it names
// none. The database writes a log file's number only.
func (l *Log) fileIn(text string) string {
	names, _ := l.opt.FS.List(l.opt.Dir)
	for _, name := range names {
		if strings.Contains(text, name) {
			return l.opt.FS.PathJoin(l.opt.Dir, name)
		}
	}
	if strings.Contains(text, "WAL") || strings.Contains(text, "wal") {
		for _, name := range names {
			if number, ok := strings.CutSuffix(name, ".log"); ok && strings.Contains(text, number) {
				return l.opt.FS.PathJoin(l.opt.Dir, name)
			}
		}
		return l.newest(".log")
	}
	return l.opt.Dir
}

// newest is the newest file with an ending, the directory if there is none.
func (l *Log) newest(ending string) string {
	file := l.opt.Dir
	names, _ := l.opt.FS.List(l.opt.Dir)
	last := ""
	for _, name := range names {
		if strings.HasSuffix(name, ending) && name > last {
			last, file = name, l.opt.FS.PathJoin(l.opt.Dir, name)
		}
	}
	return file
}
