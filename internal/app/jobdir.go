package app

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// jobFormat is the layout of the state of a job (weir run --state): the line in
// its FORMAT.
const (
	jobFormat      = jobFormatBegin + "1"
	jobFormatBegin = "weir job "
)

// jobDir is the state directory of a job, on which no other process works.
type jobDir struct {
	path string
	lock io.Closer
}

// openJobDir makes the state directory of a job, or takes it up. Its errors
// say what to do.
func openJobDir(path string) (*jobDir, error) {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, unwritable(path, err)
	}
	if err := checkJobFormat(path); err != nil {
		return nil, err
	}
	lock, err := vfs.Default.Lock(filepath.Join(path, lockFile))
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrNotExist), isReadOnly(err):
		return nil, unwritable(path, err)
	case err != nil:
		return nil, &inUseError{path}
	}
	if err := writeDurably(filepath.Join(path, formatFile), []byte(jobFormat+"\n")); err != nil {
		return nil, errors.Join(unwritable(path, err), lock.Close())
	}
	return &jobDir{path, lock}, nil
}

// checkJobFormat refuses a directory that is not a job's.
func checkJobFormat(path string) error {
	text, err := os.ReadFile(filepath.Join(path, formatFile))
	first := strings.TrimSpace(string(text))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return onlyOurs(path)
	case err != nil:
		return fmt.Errorf("read the state directory: %w", err)
	case first == jobFormat:
		return nil
	case strings.HasPrefix(first, "weir state "):
		return fmt.Errorf("%s is the state of a server (weir serve): give the job a folder of its own with --state", path)
	case strings.HasPrefix(first, jobFormatBegin):
		return fmt.Errorf("%s was written by a newer version of Weir (%q, this one knows %q): go on with that version, or begin anew in another folder", path, first, jobFormat)
	}
	return fmt.Errorf("%s is damaged: it begins with %.40q and not with %q; begin anew in another folder", filepath.Join(path, formatFile), first, jobFormat)
}

// onlyOurs refuses a directory of somebody else: it may hold only what Weir
// makes before it writes the format.
func onlyOurs(path string) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return fmt.Errorf("read the state directory: %w", err)
	}
	for _, e := range entries {
		if e.Name() != lockFile && e.Name() != formatFile+".tmp" {
			return fmt.Errorf("%s is not a state directory of Weir (it holds %s, and no file %s): give an empty folder, or one that does not exist", path, e.Name(), formatFile)
		}
	}
	return nil
}

// close lets others work on the directory.
func (d *jobDir) close() error { return d.lock.Close() }
