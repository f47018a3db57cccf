package alerts

import (
	"fmt"
	"log/slog"

	"github.com/cockroachdb/pebble/v2"
)

// openDB opens the database.
func (l *Log) openDB() (*pebble.DB, error) {
	opt := &pebble.Options{
		FS:                 l.opt.FS,
		FormatMajorVersion: pebble.FormatNewest,
		Logger:             &dbLogger{log: l.opt.Logger, fatal: l.failed},
		MemTableSize:       16 << 20,
		MaxOpenFiles:       500,
	}
	db, err := pebble.Open(l.opt.Dir, opt)
	if err != nil {
		return nil, l.openError(err)
	}
	return db, nil
}

func (l *Log) openError(err error) error {
	if pebble.IsCorruptionError(err) {
		return &CorruptError{Why: err.Error()}
	}
	return fmt.Errorf("open the alert log in %s: %w", l.opt.Dir, err)
}

// readError says what went wrong when the log was read.
func (l *Log) readError(err error) error {
	switch {
	case err == nil:
		return nil
	case pebble.IsCorruptionError(err):
		return &CorruptError{Why: err.Error()}
	}
	return fmt.Errorf("read the alert log: %w", err)
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
