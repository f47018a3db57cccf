package checkpoint

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// The parts of a store's directory.
const (
	stateDir = "state"
	keptDir  = "checkpoints"
)

// Store is the checkpoints of one engine. Its methods may be called from
// several goroutines; they take turns.
type Store struct {
	o   Options
	dir string // of the database

	mu       sync.Mutex
	lock     io.Closer
	db       *pebble.DB
	notes    *notes
	manifest Manifest
	has      bool
	index    *index // of the pages; nil: not read yet
	broken   error  // a commit failed midway: the database is opened anew
	commits  int    // since the database was opened
}

// index knows every page of the newest checkpoint.
type index struct {
	units map[uint64]map[uint32]pageInfo
	pages int
	bytes int64
	sum   uint64
}

type pageInfo struct{ size, sum uint32 }

func newIndex() *index { return &index{units: map[uint64]map[uint32]pageInfo{}} }

func (x *index) put(unit uint64, number uint32, p pageInfo) {
	x.remove(unit, number)
	u := x.units[unit]
	if u == nil {
		u = map[uint32]pageInfo{}
		x.units[unit] = u
	}
	u[number] = p
	x.pages++
	x.bytes += int64(p.size)
	x.sum ^= pageSum(unit, number, p.sum)
}

func (x *index) remove(unit uint64, number uint32) {
	p, ok := x.units[unit][number]
	if !ok {
		return
	}
	delete(x.units[unit], number)
	x.pages--
	x.bytes -= int64(p.size)
	x.sum ^= pageSum(unit, number, p.sum)
}

func (x *index) removeUnit(unit uint64) {
	for number := range x.units[unit] {
		x.remove(unit, number)
	}
	delete(x.units, unit)
}

// Open opens a store, and makes it if there is none. Damage that shows at once
// is a *CorruptError; use Recover to go back to an older checkpoint then.
func Open(o Options) (*Store, error) {
	s := &Store{o: o.filled()}
	s.dir = s.o.FS.PathJoin(s.o.Dir, stateDir)
	if err := s.prepare(); err != nil {
		return nil, err
	}
	if err := s.openDatabase(); err != nil {
		_ = s.lock.Close()
		return nil, err
	}
	return s, nil
}

// prepare makes the directories, clears away what a crash left, and locks.
func (s *Store) prepare() error {
	fs := s.o.FS
	kept := fs.PathJoin(s.o.Dir, keptDir)
	if err := makeDir(fs, kept); err != nil {
		return err
	}
	if err := s.clear(); err != nil {
		return err
	}
	if _, err := fs.Stat(s.dir); missing(err) {
		// A crash while the newest was being set aside: the one before it is
		// the newest now.
		if list, err := s.kept(); err != nil {
			return err
		} else if len(list) > 0 {
			if err := s.install(list[len(list)-1]); err != nil {
				return err
			}
		}
	}
	if err := makeDir(fs, s.dir); err != nil {
		return err
	}
	// The folders may be there since a call that failed before it was durable.
	if err := syncDirs(fs, fs.PathDir(s.o.Dir)); err != nil && !unwritable(err) {
		return err
	}
	if err := syncDirs(fs, s.o.Dir, kept); err != nil {
		return err
	}
	lock, err := lockDir(fs, s.dir)
	s.lock = lock
	return err
}

// openDatabase opens the database and reads the manifest.
func (s *Store) openDatabase() error {
	s.notes = newNotes(s.o.Logger, s.dir)
	po := database(s.o.FS, s.notes, false)
	seq, manifest := s.readNewest(), s.ownManifest()
	po.ErrorIfNotExists = seq > 0 // never an empty one in its place
	db, m, has, err := openDatabase(s.dir, po, s.notes)
	if err != nil {
		return err
	}
	if seq > m.Seq {
		_ = s.notes.call(db.Close)
		return &CorruptError{File: manifest, Why: fmt.Sprintf("checkpoint %d was written, and it tells of %d: it has been changed, or files were removed", seq, m.Seq)}
	}
	if err := s.o.FS.RemoveAll(s.ingestDir()); err != nil {
		_ = s.notes.call(db.Close)
		return fmt.Errorf("clear %s: %w", s.ingestDir(), err)
	}
	s.db, s.manifest, s.has, s.index, s.broken, s.commits = db, m, has, nil, nil, 0
	return nil
}

// openDatabase opens a database and reads its manifest.
func openDatabase(dir string, po *pebble.Options, n *notes) (db *pebble.DB, m Manifest, has bool, err error) {
	err = n.call(func() (err error) {
		db, err = pebble.Open(dir, po)
		return err
	})
	if err != nil {
		return nil, m, false, openError(dir, err)
	}
	if m, has, err = readManifest(db, dir); err != nil {
		_ = n.call(db.Close)
		return nil, m, false, err
	}
	return db, m, has, nil
}

// openError tells damage from other reasons for which a database does not open.
// What Pebble finds inconsistent while it opens is damage even where it does
// not call it so, unless the system refused a file operation.
func openError(dir string, err error) error {
	text := err.Error()
	switch {
	case strings.Contains(text, "unknown format major version"):
		return &VersionError{File: dir, Found: int(databaseFormat) + 1, Known: int(databaseFormat)}
	case corrupt(dir, err) != nil:
		return corrupt(dir, err)
	case errors.Is(err, pebble.ErrDBDoesNotExist):
		return &CorruptError{File: dir, Why: "its files are missing", Err: err}
	case systemError(err) && !missing(err):
		return fmt.Errorf("open %s: %w", dir, err)
	}
	return &CorruptError{File: dir, Why: text, Err: err}
}

// Latest returns the newest checkpoint; false: there is none.
func (s *Store) Latest() (*Manifest, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.manifest
	return &m, s.has
}

// Need is the oldest place in the journal that a restore of any checkpoint in
// the store reads, 0 if there is none.
func (s *Store) Need() (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.has {
		return 0, nil
	}
	need := s.manifest.Need
	list, err := s.kept()
	for _, k := range list {
		need = min(need, k.manifest.Need)
	}
	return need, err
}

// Bytes is the space that the newest checkpoint takes on disk.
func (s *Store) Bytes() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.db == nil || s.notes.failed() != nil {
		return 0
	}
	return int64(s.db.Metrics().DiskSpaceUsage())
}

// Close lets the store go.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.closeDatabase()
	if s.lock != nil {
		err = errors.Join(err, s.lock.Close())
		s.lock = nil
	}
	return err
}

// closeDatabase closes the database, unless it has given up: that one is left
// to itself, since closing it may never return.
func (s *Store) closeDatabase() error {
	if s.db == nil {
		return nil
	}
	db := s.db
	s.db = nil
	if s.notes.failed() != nil {
		return nil
	}
	if err := s.notes.call(db.Close); err != nil {
		return fmt.Errorf("close %s: %w", s.dir, err)
	}
	return nil
}

// reopenAfter is the number of commits after which the database is opened anew.
// Its manifest begins anew then; as long as it is open it only grows, because a
// new one that cannot be written would end the process (see database).
const reopenAfter = 4096

// errClosed is the answer to calls behind Close.
var errClosed = errors.New("the checkpoint store is closed")

// ready opens the database anew after a failure.
func (s *Store) ready() error {
	if s.lock == nil {
		return errClosed
	}
	if s.broken == nil && s.notes.failed() == nil && s.db != nil && s.commits < reopenAfter {
		return nil
	}
	if err := s.closeDatabase(); err != nil {
		s.o.Logger.Warn("checkpoint store", "dir", s.dir, "error", err)
	}
	return s.openDatabase()
}

// ownManifest is the database's own manifest: it takes a damaged record of that
// for its end. The directory if there is none.
func (s *Store) ownManifest() string {
	names, err := s.o.FS.List(s.dir)
	if err != nil {
		return s.dir
	}
	newest := ""
	for _, name := range names {
		if strings.HasPrefix(name, "MANIFEST-") && name > newest {
			newest = name
		}
	}
	return s.o.FS.PathJoin(s.dir, newest)
}
