package checkpoint

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Verify reads every byte of a store or a savepoint and tells report what is
// damaged: the file, and what is wrong with it. The error says that it could
// not look. The store must not be open.
func Verify(fs vfs.FS, dir string, report func(file, why string)) error {
	places, err := databases(fs, dir)
	if err != nil {
		return err
	}
	for _, p := range places {
		if err := verifyOne(fs, p, report); err != nil {
			return err
		}
	}
	return nil
}

// databases are the folders of databases in a store, or the savepoint itself.
func databases(fs vfs.FS, dir string) ([]string, error) {
	if _, err := fs.Stat(fs.PathJoin(dir, manifestFile)); err == nil {
		return []string{dir}, nil
	}
	state := fs.PathJoin(dir, stateDir)
	if _, err := fs.Stat(state); err != nil {
		return nil, fmt.Errorf("%s is neither a state directory nor a savepoint: %w", dir, err)
	}
	places := []string{state}
	s := &Store{o: Options{FS: fs, Dir: dir}.filled(), dir: state}
	parent := fs.PathJoin(dir, keptDir)
	names, err := fs.List(parent)
	if missing(err) {
		return places, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", parent, err)
	}
	slices.Sort(names)
	for _, name := range names {
		if _, err := fs.Stat(fs.PathJoin(parent, name, manifestFile)); err == nil {
			places = append(places, fs.PathJoin(parent, name))
		}
	}
	return places, s.lockedElsewhere()
}

// lockedElsewhere is a *LockedError if another process has the store open.
func (s *Store) lockedElsewhere() error {
	lock, err := lockDir(s.o.FS, s.dir)
	if err != nil {
		return err
	}
	return lock.Close()
}

// verifyOne checks one database.
func verifyOne(fs vfs.FS, dir string, report func(file, why string)) error {
	m, files, err := readManifestFile(fs, dir)
	hasFile := err == nil
	if err != nil && !missing(err) {
		if err := told(err, report); err != nil {
			return err
		}
	}
	for _, f := range files {
		if err := verifyFile(fs, dir, f, report); err != nil {
			return err
		}
	}
	err = read(fs, dir, func(db *pebble.DB, found *Manifest, has bool) error {
		switch {
		case has && hasFile && found.Seq != m.Seq:
			return &CorruptError{File: fs.PathJoin(dir, manifestFile), Why: fmt.Sprintf("it tells of checkpoint %d, and the files hold %d", m.Seq, found.Seq)}
		case !has && hasFile:
			return &CorruptError{File: dir, Why: "the files hold no checkpoint"}
		case !has:
			return nil
		}
		if _, err := readPages(db, dir, found, nil); err != nil {
			return err
		}
		return eachBlob(db, dir, func(string, int) {})
	})
	return told(err, report)
}

// verifyFile holds a file against its size and checksum.
func verifyFile(fs vfs.FS, dir string, f savedFile, report func(file, why string)) error {
	path := fs.PathJoin(dir, f.Name)
	size, sum, err := fileSum(fs, path, fileSums(f.Sum != ""))
	switch {
	case missing(err):
		report(path, "it is missing")
	case err != nil:
		return fmt.Errorf("read %s: %w", path, err)
	case size != f.Size:
		report(path, fmt.Sprintf("it has %d bytes, and should have %d", size, f.Size))
	case sum != f.Sum:
		report(path, "its checksum is wrong")
	}
	return nil
}

// told reports damage; other errors stay errors.
func told(err error, report func(file, why string)) error {
	var c *CorruptError
	if errors.As(err, &c) {
		report(c.File, c.Why)
		return nil
	}
	return err
}

// read opens a database for reading only.
func read(fs vfs.FS, dir string, f func(db *pebble.DB, m *Manifest, has bool) error) (err error) {
	n := newNotes(slog.New(slog.DiscardHandler), dir)
	lock, err := lockDir(fs, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	db, m, has, err := openDatabase(dir, database(fs, n, true), n)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.call(db.Close)) }()
	return f(db, &m, has)
}

func eachBlob(db *pebble.DB, dir string, f func(name string, size int)) error {
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: []byte{blobKey}, UpperBound: []byte{blobKey + 1}})
	if err != nil {
		return ours("read", dir, err)
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		v, err := it.ValueAndErr()
		if err != nil {
			return ours("read", dir, err)
		}
		b, ok := open(it.Key(), v)
		if !ok {
			return &CorruptError{File: dir, Why: fmt.Sprintf("the checksum of %q is wrong", it.Key())}
		}
		f(string(it.Key()[1:]), len(b))
	}
	return ours("read", dir, it.Error())
}

// Info is what is in a store or a savepoint.
type Info struct {
	Manifest
	Units []UnitInfo // by unit
	Blobs []BlobInfo // by name
	Kept  []Manifest // older checkpoints of a store, oldest first
}

// UnitInfo says what a unit takes.
type UnitInfo struct {
	Unit  uint64
	Pages int
	Bytes int64
}

// BlobInfo says how large a blob is.
type BlobInfo struct {
	Name  string
	Bytes int
}

// Inspect says what is in a store, which must not be open, or a savepoint.
func Inspect(fs vfs.FS, dir string) (*Info, error) {
	places, err := databases(fs, dir)
	if err != nil {
		return nil, err
	}
	info := &Info{}
	err = read(fs, places[0], func(db *pebble.DB, m *Manifest, has bool) error {
		if !has {
			return ErrEmpty
		}
		info.Manifest = *m
		x, err := readPages(db, places[0], m, nil)
		if err != nil {
			return err
		}
		for unit, pages := range x.units {
			u := UnitInfo{Unit: unit, Pages: len(pages)}
			for _, p := range pages {
				u.Bytes += int64(p.size)
			}
			info.Units = append(info.Units, u)
		}
		slices.SortFunc(info.Units, func(a, b UnitInfo) int {
			if a.Unit < b.Unit {
				return -1
			}
			return 1
		})
		return eachBlob(db, places[0], func(name string, size int) {
			info.Blobs = append(info.Blobs, BlobInfo{name, size})
		})
	})
	if err != nil {
		return nil, err
	}
	if len(places) > 1 || places[0] != dir {
		s := &Store{o: Options{FS: fs, Dir: dir}.filled(), manifest: info.Manifest, has: true}
		list, err := s.kept()
		if err != nil {
			return nil, err
		}
		for _, k := range list {
			info.Kept = append(info.Kept, k.manifest)
		}
	}
	return info, nil
}

// Install makes a savepoint the newest checkpoint of a store that has none yet.
// The savepoint stays as it is, and is checked first.
func Install(fs vfs.FS, savepoint, dir string) (*Manifest, error) {
	m, _, err := readManifestFile(fs, savepoint)
	if err != nil {
		return nil, err
	}
	var damage *CorruptError
	if err := Verify(fs, savepoint, func(file, why string) { damage = &CorruptError{File: file, Why: why} }); err != nil {
		return nil, err
	}
	if damage != nil {
		return nil, damage
	}
	s := &Store{o: Options{FS: fs, Dir: dir}.filled(), dir: fs.PathJoin(dir, stateDir)}
	kept := fs.PathJoin(dir, keptDir)
	for _, path := range []string{s.dir, kept} {
		if names, err := fs.List(path); err == nil && len(names) > 0 {
			return nil, fmt.Errorf("restore to %s: %w", path, ErrExists)
		} else if err != nil && !missing(err) {
			return nil, fmt.Errorf("list %s: %w", path, err)
		}
	}
	if err := makeDir(fs, kept); err != nil {
		return nil, err
	}
	next := s.dir + ".next" + tmpEnding
	if err := s.copyDir(savepoint, next); err != nil {
		return nil, err
	}
	if err := fs.RemoveAll(s.dir); err != nil {
		return nil, fmt.Errorf("remove %s: %w", s.dir, err)
	}
	if err := rename(fs, next, s.dir); err != nil {
		return nil, err
	}
	return &m, s.writeNewest(m.Seq)
}

// copyDir is linkDir without links: the savepoint may be on its way elsewhere.
func (s *Store) copyDir(from, to string) error { return s.cloneDir(from, to, copyFile) }
