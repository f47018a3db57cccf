package checkpoint

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// A kept checkpoint is checkpoints/NUMBER: the files of the database as they
// were, by hard links, and MANIFEST.json. A folder with another ending is what
// a crash has left, or what was set aside because it is damaged.
const (
	tmpEnding  = ".tmp"
	goneEnding = ".gone"
	badEnding  = ".damaged"
)

// keptCheckpoint is an older checkpoint that is still there.
type keptCheckpoint struct {
	seq      uint64
	dir      string
	manifest Manifest
}

// kept lists the kept checkpoints that are older than the newest, oldest first.
func (s *Store) kept() ([]keptCheckpoint, error) {
	fs := s.o.FS
	parent := fs.PathJoin(s.o.Dir, keptDir)
	names, err := fs.List(parent)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", parent, err)
	}
	var list []keptCheckpoint
	for _, name := range names {
		seq, err := strconv.ParseUint(name, 10, 64)
		if err != nil || s.has && seq >= s.manifest.Seq {
			continue
		}
		k := keptCheckpoint{seq: seq, dir: fs.PathJoin(parent, name)}
		if k.manifest, _, err = readManifestFile(fs, k.dir); err != nil {
			s.o.Logger.Warn("an older checkpoint is not usable", "dir", k.dir, "error", err)
			continue
		}
		list = append(list, k)
	}
	slices.SortFunc(list, func(a, b keptCheckpoint) int { return cmp.Compare(a.seq, b.seq) })
	return list, nil
}

// Kept returns the manifests of the older checkpoints, oldest first.
func (s *Store) Kept() ([]Manifest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list, err := s.kept()
	out := make([]Manifest, len(list))
	for i := range list {
		out[i] = list[i].manifest
	}
	return out, err
}

// keep links the newest checkpoint, which is about to be overtaken. If that
// fails there is one older checkpoint less.
func (s *Store) keep() {
	if s.o.Keep <= 0 || !s.has {
		return
	}
	list, err := s.kept()
	if n := len(list); err == nil && n > 0 && s.manifest.Time-list[n-1].manifest.Time < int64(s.o.KeepEvery) {
		return
	}
	dir := s.o.FS.PathJoin(s.o.Dir, keptDir, strconv.FormatUint(s.manifest.Seq, 10))
	if _, statErr := s.o.FS.Stat(dir); err == nil && statErr == nil {
		return // of the try before
	}
	if err == nil {
		err = s.link(dir, quick)
	}
	if err != nil {
		s.o.Logger.Warn("a checkpoint could not be kept", "dir", dir, "error", err)
	}
}

// link makes a folder of the newest checkpoint's files. Between commits nothing
// writes to the database, so what is on disk is what it would open. (Pebble's
// own Checkpoint copies an empty manifest if nothing was written since the
// database was opened.)
func (s *Store) link(dir string, sums fileSums) error {
	fs := s.o.FS
	tmp := dir + tmpEnding
	live, err := s.liveTables()
	if err != nil {
		return err
	}
	err = s.cloneDir(s.dir, tmp, func(fs vfs.FS, from, to string) error {
		if !live[fs.PathBase(from)] {
			return nil // waits to be removed
		}
		return vfs.LinkOrCopy(fs, from, to)
	})
	if err == nil {
		err = writeManifestFile(fs, tmp, &s.manifest, sums)
	}
	if err == nil {
		err = rename(fs, tmp, dir)
	}
	if err != nil {
		_ = fs.RemoveAll(tmp)
	}
	return err
}

// liveTables are the names of the tables that belong to the database.
func (s *Store) liveTables() (map[string]bool, error) {
	live := map[string]bool{}
	err := s.notes.call(func() error {
		levels, err := s.db.SSTables()
		for _, tables := range levels {
			for i := range tables {
				live[tables[i].BackingSSTNum.String()+tableEnding] = true
			}
		}
		return err
	})
	return live, ours("list the tables of", s.dir, err)
}

const (
	tableEnding = ".sst"
	logEnding   = ".log" // nothing is ever written to one
)

// rename moves a folder and makes that durable.
func rename(fs vfs.FS, from, to string) error {
	if err := fs.Rename(from, to); err != nil {
		return fmt.Errorf("rename %s: %w", from, err)
	}
	return syncDirs(fs, fs.PathDir(to))
}

// dropKept leaves so many older checkpoints.
func (s *Store) dropKept(n int) {
	list, err := s.kept()
	for len(list) > max(n, 0) && err == nil {
		if err = s.drop(list[0].dir); err == nil {
			list = list[1:]
		}
	}
	if err != nil {
		s.o.Logger.Warn("an older checkpoint could not be removed", "dir", s.o.Dir, "error", err)
	}
}

// DropKept removes the older checkpoints: nobody wants to go back.
func (s *Store) DropKept() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropKept(0)
}

// drop removes a folder: under another name first, so that a crash does not
// leave half of it.
func (s *Store) drop(dir string) error {
	if err := s.o.FS.Rename(dir, dir+goneEnding); err != nil {
		return fmt.Errorf("rename %s: %w", dir, err)
	}
	if err := s.o.FS.RemoveAll(dir + goneEnding); err != nil {
		return fmt.Errorf("remove %s: %w", dir+goneEnding, err)
	}
	return nil
}

// clear removes what crashes have left.
func (s *Store) clear() error {
	fs := s.o.FS
	for _, parent := range []string{s.o.Dir, fs.PathJoin(s.o.Dir, keptDir)} {
		names, err := fs.List(parent)
		if err != nil {
			return fmt.Errorf("list %s: %w", parent, err)
		}
		for _, name := range names {
			mine := parent != s.o.Dir || strings.HasPrefix(name, stateDir+".")
			if !mine || !strings.HasSuffix(name, tmpEnding) && !strings.HasSuffix(name, goneEnding) {
				continue
			}
			if err := fs.RemoveAll(fs.PathJoin(parent, name)); err != nil {
				return fmt.Errorf("remove what a crash has left: %w", err)
			}
		}
	}
	return nil
}

// Savepoint writes the newest checkpoint to a folder that must not exist, with
// a MANIFEST.json that holds a checksum of every file: it can be copied,
// checked with Verify and made the beginning of a store with Install.
func (s *Store) Savepoint(dir string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.ready(); err != nil {
		return err
	}
	if !s.has {
		return ErrEmpty
	}
	if _, err := s.o.FS.Stat(dir); err == nil {
		return fmt.Errorf("write a savepoint to %s: %w", dir, ErrExists)
	}
	return s.link(dir, thorough)
}

// linkDir makes another folder of a checkpoint's files: tables, which never
// change, by hard links.
func (s *Store) linkDir(from, to string) error { return s.cloneDir(from, to, vfs.LinkOrCopy) }

// cloneDir makes another folder of a checkpoint's files, its tables by table.
func (s *Store) cloneDir(from, to string, table func(fs vfs.FS, from, to string) error) error {
	fs := s.o.FS
	if err := fs.RemoveAll(to); err != nil {
		return fmt.Errorf("clear %s: %w", to, err)
	}
	if err := fs.MkdirAll(to, 0o755); err != nil {
		return fmt.Errorf("make %s: %w", to, err)
	}
	names, err := fs.List(from)
	if err != nil {
		return fmt.Errorf("list %s: %w", from, err)
	}
	for _, name := range names {
		if name == manifestFile || name == lockFile || strings.HasSuffix(name, logEnding) {
			continue
		}
		a, b := fs.PathJoin(from, name), fs.PathJoin(to, name)
		if strings.HasSuffix(name, tableEnding) {
			err = table(fs, a, b)
		} else if err = copyFile(fs, a, b); missing(err) {
			err = nil // an old manifest that was just removed
		}
		if err != nil {
			return fmt.Errorf("copy %s: %w", a, err)
		}
	}
	return syncDirs(fs, to)
}

// copyFile copies a file and makes it durable.
func copyFile(fs vfs.FS, from, to string) error {
	in, err := fs.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := fs.Create(to, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err == nil {
		err = out.Sync()
	}
	return errors.Join(err, out.Close())
}

// makeDir makes a folder and those above it, durably.
func makeDir(fs vfs.FS, dir string) error {
	if _, err := fs.Stat(dir); err == nil {
		return nil
	}
	parent := fs.PathDir(dir)
	if parent != dir {
		if err := makeDir(fs, parent); err != nil {
			return err
		}
	}
	if err := fs.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make %s: %w", dir, err)
	}
	return syncDirs(fs, parent)
}

// syncDirs makes durable what stands in folders.
func syncDirs(fs vfs.FS, dirs ...string) error {
	for _, dir := range dirs {
		d, err := fs.OpenDir(dir)
		if err != nil {
			return fmt.Errorf("open %s: %w", dir, err)
		}
		if err := errors.Join(d.Sync(), d.Close()); err != nil {
			return fmt.Errorf("sync %s: %w", dir, err)
		}
	}
	return nil
}

// unwritable says that the system does not let us write.
func unwritable(err error) bool {
	return errors.Is(err, os.ErrPermission) || strings.Contains(err.Error(), "read-only file system")
}

// systemError says that the system refused a file operation.
func systemError(err error) bool {
	var path *os.PathError
	var link *os.LinkError
	return errors.As(err, &path) || errors.As(err, &link) || pebble.ErrReadOnly == err
}
