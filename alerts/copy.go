package alerts

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/weir-cep/weir/internal/patient"
)

// Copy writes the log as it stands to a directory that does not exist: a log of
// its own, which shares files with this one where the file system can link
// them. Alerts may be committed meanwhile; whether the copy has them is open.
func (l *Log) Copy(dir string) error {
	if err := l.beginWrite(); err != nil {
		return err
	}
	defer l.endWrite()
	if err := l.db.Checkpoint(dir, pebble.WithFlushedWAL()); err != nil {
		return fmt.Errorf("copy the alert log: %w", err)
	}
	if err := l.noteCopy(dir); err != nil {
		return fmt.Errorf("copy the alert log: %w", err)
	}
	return nil
}

// noteCopy writes down what a copy holds, so that damage to it shows.
func (l *Log) noteCopy(dir string) error {
	fs := l.disk
	names, err := fs.List(dir)
	if err != nil {
		return err
	}
	held := synced{batches: l.batches, files: map[string]patient.Prefix{}}
	for _, name := range names {
		if !isNoted(name) {
			continue
		}
		f, err := fs.Open(fs.PathJoin(dir, name))
		if err != nil {
			return err
		}
		p, err := patient.PrefixOf(f)
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
		held.files[name] = p
	}
	return replaceFile(fs, dir, syncedNext, syncedFile, held.encode())
}

// Inspect returns the numbers of the oldest and the last alert of a log that
// nobody has open, and changes nothing.
func Inspect(fs vfs.FS, dir string) (first, head uint64, err error) {
	l := &Log{opt: Options{FS: fs, Dir: dir, Logger: slog.New(slog.DiscardHandler)}}
	err = l.reading(func() error { return nil })
	return l.First(), l.Head(), err
}
