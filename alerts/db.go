package alerts

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"runtime"

	"github.com/cockroachdb/pebble/v2"

	"github.com/weir-cep/weir/internal/patient"
)

// openDB opens the database. Its writes wait for the disk from then on: it
// could not live with one that fails.
func (l *Log) openDB() (err error) {
	l.disk = patient.New(l.opt.FS, l.opt.pause)
	if err := l.makeDir(); err != nil {
		return err
	}
	if l.lock, err = l.lockDir(); err != nil {
		return err
	}
	if err := l.openLocked(); err != nil {
		return errors.Join(err, l.lock.Close())
	}
	l.disk.Wait()
	return nil
}

// openLocked opens the database once the directory is locked.
func (l *Log) openLocked() (err error) {
	if err := l.readSynced(); err != nil {
		return err
	}
	if err := l.checkFiles(); err != nil {
		return err
	}
	opt := l.options()
	opt.FS, opt.Lock = l.disk, l.lock
	if l.db, err = pebbleOpen(l.opt.Dir, opt); err != nil {
		return l.openError(err)
	}
	if err := l.whole(); err != nil {
		return errors.Join(err, l.db.Close())
	}
	return nil
}

// makeDir makes the directory so that a crash does not take it away again.
func (l *Log) makeDir() error {
	fs, dir := l.opt.FS, l.opt.Dir
	missing := []string{dir}
	for d := fs.PathDir(dir); d != fs.PathDir(d); d = fs.PathDir(d) {
		if _, err := fs.Stat(d); err == nil {
			break
		}
		missing = append(missing, d)
	}
	if err := fs.MkdirAll(dir, 0o755); err != nil {
		return l.openError(err)
	}
	for _, d := range missing {
		if err := syncDir(fs, fs.PathDir(d)); err != nil {
			return l.openError(err)
		}
	}
	return nil
}

// closeDB closes the database and lets go of the directory.
func (l *Log) closeDB() error { return errors.Join(l.db.Close(), l.lock.Close()) }

func (l *Log) lockDir() (*pebble.Lock, error) {
	lock, err := pebble.LockDirectory(l.opt.Dir, l.opt.FS)
	switch {
	case err == nil:
		return lock, nil
	case errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrNotExist):
		return nil, l.openError(err)
	}
	return nil, fmt.Errorf("%s: %w (%w)", l.opt.Dir, ErrLocked, err)
}

// options are the database's: for rows that are written once in ascending
// order, and read soon after or in runs.
func (l *Log) options() *pebble.Options {
	return &pebble.Options{
		FormatMajorVersion: pebble.FormatNewest,
		Logger:             &dbLogger{log: l.opt.Logger, fatal: l.failed},
		EventListener: &pebble.EventListener{
			DataCorruption: func(info pebble.DataCorruptionInfo) {
				l.failed(&CorruptError{File: info.Path, Why: info.Details.Error(), Err: info.Details})
			},
		},
		MemTableSize: 16 << 20,
		MaxOpenFiles: 500,
	}
}

// pebbleOpen opens a database. It panics with some errors of the file system,
// having given up what it held.
func pebbleOpen(dir string, opt *pebble.Options) (db *pebble.DB, err error) {
	defer func() {
		if p := recover(); p != nil {
			failed, ok := p.(error)
			if _, bug := p.(runtime.Error); !ok || bug {
				panic(p)
			}
			err = failed
		}
	}()
	return pebble.Open(dir, opt)
}

// failed notes that the database cannot go on.
func (l *Log) failed(err error) {
	if l.fatal.CompareAndSwap(nil, &err) {
		l.opt.Logger.Error("the alert log cannot go on", "error", err)
	}
}

// dbLogger takes what the database says. Where it would end the process, the
// log is marked as failed instead.
type dbLogger struct {
	log   *slog.Logger
	fatal func(error)
}

func (d *dbLogger) Infof(format string, args ...any) {}

func (d *dbLogger) Errorf(format string, args ...any) {
	d.log.Warn("alert log: " + fmt.Sprintf(format, args...))
}

func (d *dbLogger) Fatalf(format string, args ...any) {
	d.fatal(fmt.Errorf("alert log: "+format, args...))
}
