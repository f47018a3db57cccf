package evidence

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// ErrDamaged tells that what was saved of a log is not there as it was.
var ErrDamaged = errors.New("damaged")

// Saved is what a log has to remember for another process. The index is in
// blocks, of which all but the last stay as they are.
type Saved struct {
	Entries  int            `json:"entries"` // of the index
	Stride   int64          `json:"stride"`
	End      int64          `json:"end"`
	Segments []SavedSegment `json:"segments,omitempty"` // of kept text

	Blocks map[int][]byte `json:"-"` // of the index, by number: those that have changed
}

// SavedSegment is a file of kept text, as far as it counts.
type SavedSegment struct {
	Number int    `json:"number"`
	Start  int64  `json:"start"`
	Bytes  int64  `json:"bytes"`
	Sum    uint32 `json:"sum"` // CRC-32C
}

const (
	blockEntries = 4096
	entryBytes   = 16
)

// Blocks is how many blocks the index of so many entries has.
func Blocks(entries int) int { return (entries + blockEntries - 1) / blockEntries }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Save returns what is to be remembered; full: of blocks all, not only those
// that have changed since the last Save. What it says of kept text is true
// when sync has returned, which may run while the log grows.
func (l *Log) Save(full bool) (s Saved, sync func() error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if full {
		l.saved = 0
	}
	s = Saved{Entries: len(l.index), Stride: l.stride, End: l.end, Blocks: map[int][]byte{}}
	for from := l.saved / blockEntries * blockEntries; from < len(l.index); from += blockEntries {
		block := make([]byte, 0, blockEntries*entryBytes)
		for _, e := range l.index[from:min(from+blockEntries, len(l.index))] {
			block = binary.LittleEndian.AppendUint64(block, e.position)
			block = binary.LittleEndian.AppendUint64(block, uint64(e.offset))
		}
		s.Blocks[from/blockEntries] = block
	}
	l.saved = len(l.index)
	if l.spool == nil || l.spool.fs == nil {
		return s, func() error { return nil }
	}
	s.Segments, sync = l.spool.save()
	return s, sync
}

// Settle says that what the last Save returned is saved: files that it did
// without are removed.
func (l *Log) Settle() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.spool; s != nil {
		for _, g := range s.gone[:s.going] {
			g.file.Close()
			_ = s.fs.Remove(s.path(g.number)) // what stays is removed by Clean
		}
		s.gone, s.going = slices.Delete(s.gone, 0, s.going), 0
	}
}

// Restore makes a log that was opened alike go on from what was saved. block
// returns the blocks of the index. It is an ErrDamaged if kept text is not what
// was saved.
func (l *Log) Restore(s Saved, block func(number int) ([]byte, error)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.index, l.stride, l.end, l.saved = l.index[:0], s.Stride, s.End, s.Entries
	for n := range Blocks(s.Entries) {
		text, err := block(n)
		if err != nil {
			return err
		}
		if want := entryBytes * min(blockEntries, s.Entries-n*blockEntries); len(text) != want {
			return fmt.Errorf("%w: the index of events has %d bytes in block %d, not %d", ErrDamaged, len(text), n, want)
		}
		for ; len(text) > 0; text = text[entryBytes:] {
			l.index = append(l.index, entry{binary.LittleEndian.Uint64(text), int64(binary.LittleEndian.Uint64(text[8:]))})
		}
	}
	if l.spool == nil || l.spool.fs == nil {
		return nil
	}
	return l.spool.restore(s.Segments, s.End)
}

// Clean removes the kept files that no log has: what a crash has left.
func (s *Store) Clean() error {
	if s.opt.Kept == "" {
		return nil
	}
	fs, known := s.opt.FS, map[string]bool{}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.logs {
		if l.spool == nil || l.spool.fs == nil {
			continue
		}
		for _, g := range l.spool.segments {
			known[fs.PathBase(l.spool.path(g.number))] = true
		}
	}
	names, err := fs.List(s.opt.Kept)
	for _, name := range names {
		if !known[name] && strings.HasSuffix(name, keptEnding) && err == nil {
			err = fs.Remove(fs.PathJoin(s.opt.Kept, name))
		}
	}
	if err != nil {
		return fmt.Errorf("clear %s: %w", s.opt.Kept, err)
	}
	return nil
}

const keptEnding = ".events"

func (s *spool) path(number int) string {
	return s.fs.PathJoin(s.dir, fmt.Sprintf("%s%06d%s", s.prefix, number, keptEnding))
}

// growKept begins a segment in a file of a name that is new.
func (s *spool) growKept() error {
	path := s.path(s.number + 1)
	_ = s.fs.Remove(path) // of a process that crashed
	f, err := s.fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return fmt.Errorf("keep raw events: %w", err)
	}
	s.number++
	s.fresh, s.sealed = true, false
	s.segments = append(s.segments, segment{file: f, number: s.number, start: s.end})
	return nil
}

// save returns what is there, and how it is made durable.
func (s *spool) save() (list []SavedSegment, sync func() error) {
	var files []vfs.File
	for i := range s.segments {
		g := &s.segments[i]
		list = append(list, SavedSegment{Number: g.number, Start: g.start, Bytes: g.n, Sum: g.sum})
		if f, ok := g.file.(vfs.File); ok && g.synced < g.n {
			files = append(files, f)
			g.synced = g.n
		}
	}
	fresh := s.fresh
	s.going, s.fresh = len(s.gone), false
	return list, func() error {
		for _, f := range files {
			if err := f.SyncData(); err != nil {
				return fmt.Errorf("keep raw events in %s: %w", s.dir, err)
			}
		}
		if !fresh {
			return nil
		}
		d, err := s.fs.OpenDir(s.dir)
		if err == nil {
			err = errors.Join(d.Sync(), d.Close())
		}
		if err != nil {
			return fmt.Errorf("keep raw events in %s: %w", s.dir, err)
		}
		return nil
	}
}

// restore opens the files of saved segments. The next chunk begins a new one:
// what a crash has left behind the last is not written over.
func (s *spool) restore(list []SavedSegment, end int64) error {
	for _, g := range append(s.segments, s.gone...) {
		g.file.Close()
	}
	s.segments, s.gone, s.going, s.end = nil, nil, 0, end
	for _, g := range list {
		path := s.path(g.Number)
		f, err := s.fs.Open(path)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		s.segments = append(s.segments, segment{file: f, number: g.Number, start: g.Start, n: g.Bytes, synced: g.Bytes, sum: g.Sum})
		s.number = max(s.number, g.Number)
		sum := crc32.New(castagnoli)
		n, err := io.Copy(sum, io.NewSectionReader(f, 0, g.Bytes))
		switch {
		case err != nil:
			return fmt.Errorf("read %s: %w", path, err)
		case n < g.Bytes:
			return fmt.Errorf("%w: %s has %d bytes, and had %d", ErrDamaged, path, n, g.Bytes)
		case sum.Sum32() != g.Sum:
			return fmt.Errorf("%w: the checksum of the first %d bytes of %s is wrong", ErrDamaged, g.Bytes, path)
		}
	}
	s.sealed = len(list) > 0
	return nil
}
