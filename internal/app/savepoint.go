package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/weir-cep/weir/alerts"
	"github.com/weir-cep/weir/engine"
	"github.com/weir-cep/weir/internal/rulebook"
	"github.com/weir-cep/weir/server"
)

// alertsDir is where the alert log lies in a state directory and a savepoint.
const alertsDir = "alerts"

// writeSavepoint writes a copy of a runtime's state, of its alert log and of the
// rulebook of its state directory to a folder that must not exist.
func writeSavepoint(ctx context.Context, rt *engine.Runtime, log *alerts.Log, state, format, dir string) (server.Savepoint, error) {
	c, err := rt.Savepoint(ctx, dir, func(dir string) error {
		if err := writeDurably(filepath.Join(dir, formatFile), []byte(format)); err != nil {
			return err
		}
		if err := copyBook(state, dir); err != nil {
			return err
		}
		return log.Copy(filepath.Join(dir, alertsDir))
	})
	if err != nil {
		return server.Savepoint{}, err
	}
	return server.Savepoint{Dir: dir, Position: c.Position, Bytes: sizeOf(dir)}, nil
}

// sizeOf is how many bytes the files of a folder have; what can't be read
// counts nothing.
func sizeOf(dir string) (bytes int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				bytes += info.Size()
			}
		}
		return nil
	})
	return bytes
}

// restoreSavepoint makes a state directory of a savepoint. It is made beside
// its place and moved there when it is whole.
func restoreSavepoint(from, to string) error {
	if err := isSavepoint(from); err != nil {
		return err
	}
	if entries, err := os.ReadDir(to); err == nil && len(entries) > 0 {
		return fmt.Errorf("%s is not empty: a savepoint is restored into a folder that does not exist; move this one away, or give another with --state", to)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return unwritable(to, err)
	}
	if err := checkFormat(from); err != nil {
		return err
	}
	damaged, err := verify(from)
	if err != nil {
		return err
	}
	if len(damaged) > 0 {
		return fmt.Errorf("the savepoint is damaged, and nothing was restored: %s", damaged[0])
	}
	tmp := filepath.Clean(to) + ".restoring"
	if err := os.RemoveAll(tmp); err != nil {
		return unwritable(tmp, err)
	}
	if err := fillState(from, tmp); err != nil {
		return errors.Join(fmt.Errorf("restore %s: %w", from, err), os.RemoveAll(tmp))
	}
	if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return unwritable(to, err)
	}
	if err := os.Rename(tmp, to); err != nil {
		return fmt.Errorf("restore %s: %w", from, err)
	}
	return syncFolder(filepath.Dir(filepath.Clean(to)))
}

// isSavepoint says in words why a folder is none.
func isSavepoint(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, "checkpoint", "MANIFEST.json")); err == nil {
		return nil
	}
	if _, err := os.Stat(filepath.Join(dir, "state")); err == nil {
		return fmt.Errorf("%s is a state directory, not a savepoint: write one with \"weir state savepoint DIR\"", dir)
	}
	if _, err := os.Stat(dir); err != nil {
		return fmt.Errorf("there is no savepoint at %s: %w", dir, cause(err))
	}
	return fmt.Errorf("%s is not a savepoint: it has no checkpoint/MANIFEST.json", dir)
}

func fillState(from, to string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	if err := engine.RestoreSavepoint(vfs.Default, from, to); err != nil {
		return err
	}
	if err := copyFolder(filepath.Join(from, alertsDir), filepath.Join(to, alertsDir)); err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(from, formatFile))
	if err != nil {
		return err
	}
	if err := copyBook(from, to); err != nil {
		return err
	}
	return writeDurably(filepath.Join(to, formatFile), text)
}

// copyBook copies the rulebook, where there is one. It is replaced whole when it
// changes, so it can be read at any time.
func copyBook(from, to string) error {
	text, err := os.ReadFile(filepath.Join(from, rulebook.FileName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return writeDurably(filepath.Join(to, rulebook.FileName), text)
}

// copyFolder copies the files of a folder, durably.
func copyFolder(from, to string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() {
			err = copyFolder(filepath.Join(from, e.Name()), filepath.Join(to, e.Name()))
		} else if e.Name() != lockFile {
			err = vfs.Copy(vfs.Default, filepath.Join(from, e.Name()), filepath.Join(to, e.Name()))
		}
		if err != nil {
			return err
		}
	}
	return syncFolder(to)
}

// syncFolder makes durable which files are in a folder.
func syncFolder(path string) error {
	d, err := vfs.Default.OpenDir(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// verify reads every byte of a state directory or a savepoint, and says in
// words what is damaged: file, place, and what is wrong.
func verify(dir string) (damaged []string, err error) {
	report := func(file, why string) { damaged = append(damaged, fmt.Sprintf("%s: %s", file, why)) }
	if err := engine.VerifyState(vfs.Default, dir, report); err != nil {
		return nil, err
	}
	err = alerts.Verify(vfs.Default, filepath.Join(dir, alertsDir), report)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return damaged, err
}
