package journal

import (
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Copy puts the records from a position on into a directory that has none yet:
// a journal that begins there, or a little before. Sealed segments are linked
// where the file system can do that, and must not be changed by anybody; what
// is in the newest one is copied as far as it is durable. Appends go on
// meanwhile. ErrGone says that retention has removed the position.
func (j *Journal) Copy(dir string, from Position) error {
	j.maintain.Lock() // neither Clean nor Erase meanwhile
	defer j.maintain.Unlock()
	j.mu.RLock()
	segs := append([]*segment(nil), j.segs...)
	ends := make([]int64, len(segs))
	for i, s := range segs {
		ends[i] = s.sum.end
	}
	first := j.first()
	j.mu.RUnlock()
	if from < first {
		return fmt.Errorf("copy the journal: %w", ErrGone)
	}
	if err := makeDir(j.fs, dir); err != nil {
		return fmt.Errorf("copy the journal: %w", err)
	}
	for i, s := range segs {
		to := j.fs.PathJoin(dir, segmentName(s.seq))
		var err error
		switch {
		case i == len(segs)-1:
			err = copyPrefix(j.fs, s.name, to, ends[i])
		case segs[i+1].first > from:
			err = vfs.LinkOrCopy(j.fs, s.name, to)
		default:
			continue // all of it is older
		}
		if err != nil {
			return fmt.Errorf("copy the journal: %w", err)
		}
	}
	if err := syncDir(j.fs, dir); err != nil {
		return fmt.Errorf("copy the journal: %w", err)
	}
	return nil
}

// copyPrefix copies the first bytes of a file, durably.
func copyPrefix(fs vfs.FS, from, to string, n int64) (err error) {
	in, err := fs.Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	out, err := fs.Create(to, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = io.CopyN(out, in, n)
	if err == nil {
		err = out.Sync()
	}
	return errors.Join(err, out.Close())
}
