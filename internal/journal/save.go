package journal

import (
	"errors"
	"fmt"
	"os"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Save makes a journal in a new directory that holds the durable records from a
// position on, and perhaps some before. The segments are hard links, so that it
// costs no room and little time, or copies if dir is on another file system;
// later changes to either journal do not show in the other. dir must not exist.
// end is the position behind the last record of it.
func (j *Journal) Save(dir string, from Position) (end Position, err error) {
	j.maintain.Lock()
	defer j.maintain.Unlock()
	if _, err := j.fs.Stat(dir); !isMissing(err) {
		return 0, fmt.Errorf("save the journal to %s: %w", dir, errors.Join(os.ErrExist, err))
	}
	if end, err = j.save(dir, from); err != nil {
		j.fs.RemoveAll(dir)
		return 0, fmt.Errorf("save the journal to %s: %w", dir, err)
	}
	return end, nil
}

func (j *Journal) save(dir string, from Position) (Position, error) {
	if err := j.roll(); err != nil { // what is linked grows no more
		return 0, err
	}
	j.mu.RLock()
	segs := append([]*segment(nil), j.segs...)
	j.mu.RUnlock()
	if from < segs[0].first {
		return 0, ErrGone
	}
	if err := makeDir(j.fs, dir); err != nil {
		return 0, err
	}
	last := segs[len(segs)-1]
	for _, s := range segs[:len(segs)-1] {
		if s.sum.next <= from {
			continue
		}
		name := j.fs.PathJoin(dir, segmentName(s.seq))
		if err := vfs.LinkOrCopy(j.fs, s.name, name); err != nil {
			return 0, err
		}
		if err := vfs.LinkOrCopy(j.fs, indexName(s.name), indexName(name)); err != nil && !isMissing(err) {
			return 0, err
		}
	}
	f, err := j.fs.Create(j.fs.PathJoin(dir, segmentName(last.seq)), vfs.WriteCategoryUnspecified)
	if err != nil {
		return 0, err
	}
	_, err = f.Write(last.put(nil))
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return 0, err
	}
	return last.first, syncDir(j.fs, dir)
}
