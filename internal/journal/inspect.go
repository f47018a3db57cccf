package journal

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Inspect says what is in the directory of a journal that nobody has open, and
// changes nothing. Of the figures those that a running journal counts are 0.
func Inspect(fs vfs.FS, dir string) (s Stats, err error) {
	c, err := readChain(fs, dir)
	if err == nil {
		err = c.damage()
	}
	if err != nil {
		return s, fmt.Errorf("inspect the journal: %w", err)
	}
	s.First, s.End, s.Segments = 1, 1, len(c.segs)
	for i, seg := range c.segs {
		sum, err := summarize(fs, seg, c.ends[i], c.sizes[i])
		if err != nil {
			return s, fmt.Errorf("inspect the journal: %w", err)
		}
		if i == 0 {
			s.First, s.FirstTime = seg.first, sum.minTime
		}
		s.End, s.Bytes = sum.next, s.Bytes+sum.end
		s.LastTime = max(s.LastTime, sum.maxTime)
	}
	return s, nil
}

// summarize reads what the index of a sealed segment says, or its frames.
func summarize(fs vfs.FS, s *segment, end, size int64) (summary, error) {
	if end >= 0 {
		if sum, err := readSummary(fs, s, end); err == nil {
			return sum, nil
		}
		size = end
	}
	f, err := fs.Open(s.name)
	if err != nil {
		return summary{}, err
	}
	defer f.Close()
	again := &segment{header: s.header, name: s.name}
	err = again.learn(&scanner{f: f, name: s.name, salt: s.salt, off: headerSize, limit: size, want: s.first})
	if end < 0 && errors.As(err, new(*CorruptError)) {
		err = nil // a tail that was being written
	}
	return again.sum, err
}
