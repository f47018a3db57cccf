package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/weir-cep/weir/engine"
)

// A state directory holds journal/, state/ and alerts/, which belong to the
// packages that write them, and beside them three files of its own.
const (
	formatFile = "FORMAT"      // which version of Weir's layout it is
	lockFile   = "LOCK"        // held while a process works on it
	serverFile = "server.json" // where that process listens, while it does
)

// stateFormat is the layout that this program writes; the first line of
// FORMAT. The second says how many shards share the keys, which stays as it was
// when the directory was made.
const stateFormat = "weir state 1"

// stateDir is a state directory that no other process works on.
type stateDir struct {
	path   string
	shards int
	lock   io.Closer
}

// openStateDir makes a state directory, for so many shards (0: one per
// processor), or takes it up. Its errors say what to do.
func openStateDir(path string, shards int) (*stateDir, error) {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, unwritable(path, err)
	}
	if err := checkFormat(path); err != nil {
		return nil, err
	}
	lock, err := vfs.Default.Lock(filepath.Join(path, lockFile))
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrNotExist), isReadOnly(err):
		return nil, unwritable(path, err)
	case err != nil:
		return nil, &inUseError{path}
	}
	d := &stateDir{path: path, lock: lock}
	if err := d.begin(shards); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return d, nil
}

// checkFormat refuses a directory of another layout, or of somebody else.
func checkFormat(path string) error {
	_, err := readFormat(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return onlyOurs(path)
}

// readFormat reads for how many shards a directory was made.
func readFormat(path string) (shards int, err error) {
	name := filepath.Join(path, formatFile)
	text, err := os.ReadFile(name)
	if err != nil {
		return 0, err
	}
	first, rest, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	if first != stateFormat {
		if strings.HasPrefix(first, jobFormatBegin) {
			return 0, fmt.Errorf("%s is the state of a job (weir run --state), not of a server: give another with --state", path)
		}
		if strings.HasPrefix(first, "weir state ") {
			return 0, fmt.Errorf("%s was written by a newer version of Weir (%q, this one knows %q): use that version, or another directory", path, first, stateFormat)
		}
		return 0, fmt.Errorf("%s is damaged: it begins with %.40q and not with %q; restore a savepoint with \"weir state restore\"", name, first, stateFormat)
	}
	if _, err := fmt.Sscanf(rest, "shards %d", &shards); err != nil || shards < 1 || shards > engine.MaxShards {
		return 0, fmt.Errorf("%s is damaged: its second line is %.40q and not \"shards N\"; restore a savepoint with \"weir state restore\"", name, rest)
	}
	return shards, nil
}

// format is what FORMAT holds.
func (d *stateDir) format() string { return fmt.Sprintf("%s\nshards %d\n", stateFormat, d.shards) }

// begin writes the format of a new directory, and finds out that an old one can
// be written.
func (d *stateDir) begin(shards int) (err error) {
	d.shards, err = readFormat(d.path)
	if errors.Is(err, fs.ErrNotExist) {
		if d.shards = shards; shards == 0 {
			d.shards = min(runtime.NumCPU(), engine.MaxShards)
		}
		if err := writeDurably(filepath.Join(d.path, formatFile), []byte(d.format())); err != nil {
			return unwritable(d.path, err)
		}
		return nil
	}
	if err != nil {
		return err
	}
	if shards != 0 && shards != d.shards {
		return fmt.Errorf("the state in %s is spread over %d shards, and that can't be changed to %d: leave out --shards, or begin another state directory", d.path, d.shards, shards)
	}
	probe, err := os.CreateTemp(d.path, ".write-*")
	if err == nil {
		err = errors.Join(probe.Close(), os.Remove(probe.Name()))
	}
	if err != nil {
		return unwritable(d.path, err)
	}
	return nil
}

// writeDurably puts a file in place whole or not at all.
func writeDurably(name string, text []byte) error {
	tmp := name + ".tmp"
	f, err := os.Create(tmp)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	if err := os.Rename(tmp, name); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(name))
}

func unwritable(path string, err error) error {
	return fmt.Errorf("the state directory %s cannot be written (%w): make it writable for this user, or give another with --state", path, cause(err))
}

// cause is an error of the system without the path that it names: the message
// around it names one already.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// inUseError says that another process works on a state directory.
type inUseError struct{ path string }

func (e *inUseError) Error() string {
	who := ""
	if r, err := readServerFile(e.path); err == nil {
		who = fmt.Sprintf(" (process %d, %s)", r.PID, r.URL)
	}
	return fmt.Sprintf("the state directory %s is in use by another process%s: stop that one, or give another with --state", e.path, who)
}

// close lets others work on the directory.
func (d *stateDir) close() error { return d.lock.Close() }

// runningServer is what the file says of the server at work.
type runningServer struct {
	URL string `json:"url"`
	PID int    `json:"pid"`
}

// announce notes where the server listens, for weir state and others who want
// to talk to it.
func (d *stateDir) announce(url string) error {
	text, err := json.Marshal(runningServer{URL: url, PID: os.Getpid()})
	if err != nil {
		return err
	}
	return writeDurably(filepath.Join(d.path, serverFile), append(text, '\n'))
}

// retract removes the note.
func (d *stateDir) retract() error {
	err := os.Remove(filepath.Join(d.path, serverFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func readServerFile(path string) (r runningServer, err error) {
	text, err := os.ReadFile(filepath.Join(path, serverFile))
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(text, &r)
}
