package alerts

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Verify reads everything in a log that nobody has open, and tells report which
// file is damaged, and how. The error says that it could not look.
func Verify(fs vfs.FS, dir string, report func(file, why string)) error {
	l := &Log{opt: Options{FS: fs, Dir: dir, Logger: slog.New(slog.DiscardHandler)}}
	err := l.verify()
	var c *CorruptError
	if errors.As(err, &c) {
		report(c.File, c.Why)
		return nil
	}
	return err
}

func (l *Log) verify() error {
	return l.reading(func() error {
		if err := l.verifyAlerts(); err != nil {
			return err
		}
		if err := l.verifyTrail(); err != nil {
			return err
		}
		// Whatever else there is has only to be readable.
		if err := l.each(nil, func(key, v []byte) error { return nil }); err != nil {
			return err
		}
		return l.verifyTables()
	})
}

// reading opens the log for reading only.
func (l *Log) reading(f func() error) (err error) {
	if _, err := l.opt.FS.Stat(l.opt.Dir); err != nil {
		return fmt.Errorf("there is no alert log: %w", err)
	}
	if l.lock, err = l.lockDir(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.lock.Close()) }()
	if err := l.readSynced(); err != nil {
		return err
	}
	if err := l.checkFiles(); err != nil {
		return err
	}
	opt := l.options()
	opt.FS, opt.Lock, opt.ReadOnly = l.opt.FS, l.lock, true
	if l.db, err = pebbleOpen(l.opt.Dir, opt); err != nil {
		return l.openError(err)
	}
	defer func() { err = errors.Join(err, l.db.Close()) }()
	if err := l.whole(); err != nil {
		return err
	}
	l.dead = shelf{name: deadName, rows: keyDead, index: keyDeadAt}
	l.late = shelf{name: lateName, rows: keyLate, index: keyLateAt}
	if err := l.readSelf(); err != nil {
		return err
	}
	return f()
}

// verifyTables checks the checksums of all blocks of the tables, also those
// that a reader does not ask for.
func (l *Log) verifyTables() error {
	levels, err := l.db.SSTables()
	if err != nil {
		return l.readError(err)
	}
	for _, tables := range levels {
		for i := range tables {
			name := fmt.Sprintf("%06d.sst", uint64(tables[i].BackingSSTNum))
			if err := l.verifyTable(l.opt.FS.PathJoin(l.opt.Dir, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *Log) verifyTable(file string) error {
	f, err := l.opt.FS.Open(file)
	if err != nil {
		return l.openError(err)
	}
	source, err := sstable.NewSimpleReadable(f)
	if err != nil {
		return errors.Join(l.openError(err), f.Close())
	}
	// The reader owns the file from here on.
	r, err := sstable.NewReader(context.Background(), source, sstable.ReaderOptions{})
	if err == nil {
		err = errors.Join(r.ValidateBlockChecksums(), r.Close())
	}
	if pebble.IsCorruptionError(err) {
		return &CorruptError{File: file, Why: err.Error(), Err: err}
	}
	return err
}

// verifyAlerts checks that the rows of alerts are whole, follow one another,
// and are found by what they say.
func (l *Log) verifyAlerts() error {
	next := l.first.Load()
	it, err := l.rows(0, l.head.Load())
	if err != nil {
		return err
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		r, err := l.rowAt(it)
		if err != nil {
			return err
		}
		if seq := number(it.Key()); seq != next {
			return l.damaged("alert %d is missing", next)
		}
		id, err := lineID(r.line)
		if err != nil {
			return l.badRow(next, err)
		}
		keys := [][]byte{idKey(nil, id, next)}
		if r.event != 0 {
			keys = append(keys, eventKey(nil, r.event))
		}
		for _, key := range keys {
			if err := l.has(key); err != nil {
				return err
			}
		}
		next++
	}
	if err := it.Error(); err != nil {
		return l.readError(err)
	}
	if next != l.head.Load()+1 {
		return l.damaged("alert %d is missing", next)
	}
	return nil
}

// verifyTrail checks that actions follow one another, and that whatever people
// have made of an alert belongs to one that is there.
func (l *Log) verifyTrail() error {
	next := l.oldest.Load()
	err := l.each([]byte{keyAction}, func(key, v []byte) error {
		n := number(key)
		if n != next {
			return l.damaged("action %d is missing", next)
		}
		next++
		_, err := l.parseAction(n, v)
		return err
	})
	if err != nil {
		return err
	}
	for _, kind := range []byte{keyTriage, keyHistory} {
		err := l.each([]byte{kind}, func(key, _ []byte) error {
			if seq := number(key[:8]); seq < l.first.Load() || seq > l.head.Load() {
				return l.damaged("something was done to alert %d, which is not there", seq)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// has fails if there is no such key.
func (l *Log) has(key []byte) error {
	_, done, err := l.db.Get(key)
	switch {
	case errors.Is(err, pebble.ErrNotFound):
		return l.damaged("key %x is missing", key)
	case err != nil:
		return l.readError(err)
	}
	return done.Close()
}
