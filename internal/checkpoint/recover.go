package checkpoint

import (
	"errors"
	"fmt"
)

// Lost is a checkpoint that could not be used.
type Lost struct {
	Dir string // where its files are now
	Err error
}

// Recover opens a store and hands it to restore, and goes back to the
// checkpoint before as long as the newest turns out to be damaged: either does
// not open, or restore returns a *CorruptError. What is damaged is set aside
// and listed. When nothing older is left, the error is that of the newest.
func Recover(o Options, restore func(*Store) error) (*Store, []Lost, error) {
	var lost []Lost
	var first error
	for {
		s, err := Open(o)
		if err == nil {
			if err = restore(s); err == nil {
				return s, lost, nil
			}
		}
		var damage *CorruptError
		if !errors.As(err, &damage) {
			return nil, lost, errors.Join(err, closeStore(s))
		}
		if first == nil {
			first = err
		}
		if s != nil {
			if closeErr := s.Close(); closeErr != nil {
				s.o.Logger.Warn("checkpoint store", "dir", s.dir, "error", closeErr)
			}
		}
		l, ok, backErr := goBack(o, s)
		if backErr != nil {
			return nil, lost, errors.Join(err, backErr)
		}
		if !ok {
			return nil, lost, first
		}
		l.Err = err
		lost = append(lost, l)
	}
}

func closeStore(s *Store) error {
	if s == nil {
		return nil
	}
	return s.Close()
}

// goBack puts the newest kept checkpoint in the place of the damaged one; ok
// false: there is none. opened is the damaged store if it could be opened.
func goBack(o Options, opened *Store) (l Lost, ok bool, err error) {
	s := &Store{o: o.filled()}
	fs := s.o.FS
	s.dir = fs.PathJoin(s.o.Dir, stateDir)
	if opened != nil {
		s.manifest, s.has = opened.manifest, opened.has
	}
	list, err := s.kept()
	if err != nil || len(list) == 0 {
		return l, false, err
	}
	lock, err := lockDir(fs, s.dir)
	if err != nil {
		return l, false, err
	}
	defer lock.Close()
	k := list[len(list)-1]
	next := s.dir + ".next" + tmpEnding
	if err := s.linkDir(k.dir, next); err != nil {
		return l, false, err
	}
	if err := s.writeNewest(k.seq); err != nil {
		return l, false, err
	}
	l.Dir = s.dir + badEnding
	if err := fs.RemoveAll(l.Dir); err != nil {
		return l, false, fmt.Errorf("remove %s: %w", l.Dir, err)
	}
	if err := fs.Rename(s.dir, l.Dir); err != nil {
		return l, false, fmt.Errorf("set %s aside: %w", s.dir, err)
	}
	// It is in use now; if it is damaged too, the one before it is next.
	if err := rename(fs, next, s.dir); err != nil {
		return l, false, err
	}
	return l, true, s.drop(k.dir)
}

// install makes a kept checkpoint the newest.
func (s *Store) install(k keptCheckpoint) error {
	next := s.dir + ".next" + tmpEnding
	if err := s.linkDir(k.dir, next); err != nil {
		return err
	}
	return rename(s.o.FS, next, s.dir)
}
