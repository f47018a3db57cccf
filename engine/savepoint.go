package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/weir-cep/weir/internal/checkpoint"
	"github.com/weir-cep/weir/internal/journal"
)

// Savepoint checkpoints and writes a copy of all that is needed to go on from
// there to dir, which must not exist: the checkpoint, the records of the
// journal that recovery reads, and, by copySink, what the sink keeps. copySink
// is given a folder to write into; what it copies may be newer than the
// checkpoint, and the journal's copy is newer than both. Nothing stands still
// meanwhile. RestoreSavepoint makes the beginning of a RuntimeConfig.Dir of it.
//
// An error says that dir does not exist. That it did before is fs.ErrExist.
func (r *Runtime) Savepoint(ctx context.Context, dir string, copySink func(dir string) error) (Checkpoint, error) {
	c, err := r.Checkpoint(ctx)
	if err != nil {
		return Checkpoint{}, err
	}
	n, err := r.current()
	if err != nil {
		return Checkpoint{}, err
	}
	files := r.cfg.FS
	if _, err := files.Stat(dir); err == nil {
		return Checkpoint{}, &fs.PathError{Op: "write a savepoint to", Path: dir, Err: fs.ErrExist}
	}
	tmp := dir + ".tmp"
	if err := files.RemoveAll(tmp); err != nil {
		return Checkpoint{}, fmt.Errorf("clear %s: %w", tmp, err)
	}
	if err = n.savepoint(tmp, copySink); err == nil {
		err = n.rename(tmp, dir)
	}
	if err != nil {
		return Checkpoint{}, errors.Join(fmt.Errorf("write a savepoint to %s: %w", dir, err), files.RemoveAll(tmp))
	}
	return c, nil
}

// savepoint writes the parts in an order in which each has what the one before
// it rests on: alerts come from records of the journal.
func (n *node) savepoint(dir string, copySink func(dir string) error) error {
	files := n.cfg.FS
	if err := files.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	// A checkpoint that comes meanwhile needs less of the journal.
	m, ok := n.store.Latest()
	if !ok {
		return errors.New("there is no checkpoint")
	}
	if err := n.store.Savepoint(files.PathJoin(dir, savedCheckpoint)); err != nil {
		return err
	}
	if err := copySink(dir); err != nil {
		return err
	}
	_, err := n.j.Save(files.PathJoin(dir, savedJournal), journal.Position(min(m.Need, m.Position+1)))
	return err
}

// What a savepoint holds beside what the sink writes.
const (
	savedCheckpoint = "checkpoint"
	savedJournal    = "journal"
)

// rename puts the folder in place, durably.
func (n *node) rename(from, to string) error {
	if err := syncFolder(n.cfg.FS, from); err != nil {
		return err
	}
	if err := n.cfg.FS.Rename(from, to); err != nil {
		return err
	}
	return syncFolder(n.cfg.FS, n.cfg.FS.PathDir(to))
}

func syncFolder(files vfs.FS, path string) error {
	d, err := files.OpenDir(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// RestoreSavepoint makes dir, which must hold no state, the RuntimeConfig.Dir
// of a runtime that goes on from a savepoint. The savepoint is checked first and
// stays as it is. What the sink has written there is its owner's to bring.
func RestoreSavepoint(files vfs.FS, savepoint, dir string) error {
	from := files.PathJoin(savepoint, savedJournal)
	if err := damageIn(func(report func(string, int64, string)) error { return journal.Verify(files, from, report) }); err != nil {
		return err
	}
	if _, err := checkpoint.Install(files, files.PathJoin(savepoint, savedCheckpoint), dir); err != nil {
		return err
	}
	to := files.PathJoin(dir, "journal")
	if err := files.MkdirAll(to, 0o755); err != nil {
		return err
	}
	names, err := files.List(from)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := vfs.Copy(files, files.PathJoin(from, name), files.PathJoin(to, name)); err != nil {
			return err
		}
	}
	if err := syncFolder(files, to); err != nil {
		return err
	}
	return syncFolder(files, dir)
}

// damageIn is the first damage that a check reports, as an error.
func damageIn(check func(report func(file string, offset int64, why string)) error) error {
	var first error
	err := check(func(file string, offset int64, why string) {
		if first == nil {
			first = &journal.CorruptError{File: file, Offset: offset, Why: why}
		}
	})
	return errors.Join(err, first)
}

// VerifyState reads every byte of a RuntimeConfig.Dir that no runtime has open,
// or of a savepoint, and tells report what is damaged. The error says that it
// could not look. What the sink has written there is its owner's to check.
func VerifyState(files vfs.FS, dir string, report func(file, why string)) error {
	if err := checkpoint.Verify(files, storeIn(files, dir), report); err != nil {
		return err
	}
	return journal.Verify(files, files.PathJoin(dir, savedJournal), func(file string, offset int64, why string) {
		report(file, fmt.Sprintf("at byte %d: %s", offset, why))
	})
}

// storeIn is where the checkpoint of a state directory or a savepoint is.
func storeIn(files vfs.FS, dir string) string {
	saved := files.PathJoin(dir, savedCheckpoint)
	if _, err := files.Stat(saved); err == nil {
		return saved
	}
	return dir
}

// StateInfo is what is in a state directory or a savepoint.
type StateInfo struct {
	Checkpoint *checkpoint.Info // nil: there is none yet
	Journal    journal.Stats    // of a state directory or a savepoint
}

// InspectState says what is in a directory that no runtime has open, or in a
// savepoint.
func InspectState(files vfs.FS, dir string) (info StateInfo, err error) {
	info.Checkpoint, err = checkpoint.Inspect(files, storeIn(files, dir))
	if err != nil && !errors.Is(err, checkpoint.ErrEmpty) {
		return info, err
	}
	info.Journal, err = journal.Inspect(files, files.PathJoin(dir, savedJournal))
	return info, err
}
