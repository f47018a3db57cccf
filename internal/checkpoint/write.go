package checkpoint

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/objstorage/objstorageprovider"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Written says what a commit cost.
type Written struct {
	Seq       uint64
	Pages     int           // written, those that are gone left out
	Bytes     int64         // of the pages and all else that the commit brought
	File      int64         // bytes of the tables that were written for it
	Compacted int64         // bytes of tables that were written to keep the store small
	Took      time.Duration // in all
	Keep      time.Duration // of that, for keeping the checkpoint before
	Compact   time.Duration // of that, for compacting
}

// Commit makes c the newest checkpoint. When it returns without an error, c is
// on disk. After an error the newest checkpoint is the one before or c itself,
// and nobody can tell what pages it knows: the next commit has to be Full.
func (s *Store) Commit(c *Commit) (w Written, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	start := time.Now()
	if err := s.ready(); err != nil {
		return w, err
	}
	if s.index == nil {
		if s.index, err = s.readIndex(c.Full); err != nil {
			return w, err
		}
	}
	s.keep()
	w.Keep = time.Since(start)
	t := &tables{s: s, format: s.db.TableFormat()}
	m, err := t.write(c)
	if err != nil {
		s.index = nil
		t.remove()
		return w, err
	}
	if err := s.ingest(t.paths, c); err != nil {
		s.broken = err
		return w, err
	}
	s.manifest, s.has, s.commits = m, true, s.commits+1
	w.Seq, w.Pages, w.Bytes, w.File = m.Seq, t.pages, t.bytes, t.file
	// c is on disk. What fails from here on fails again with the next commit.
	if err := s.writeNewest(m.Seq); err != nil {
		s.o.Logger.Warn("the number of the newest checkpoint could not be noted", "dir", s.dir, "error", err)
	}
	s.dropKept(s.o.Keep)
	before := time.Now()
	if w.Compacted, err = s.compact(); err != nil {
		s.o.Logger.Warn("the checkpoint store could not be compacted", "dir", s.dir, "error", err)
		s.broken = s.notes.failed()
	}
	w.Compact, w.Took = time.Since(before), time.Since(start)
	return w, nil
}

// readIndex learns which pages there are, where the caller has not read them.
func (s *Store) readIndex(full bool) (*index, error) {
	if full || !s.has {
		return newIndex(), nil
	}
	return readPages(s.db, s.dir, &s.manifest, nil)
}

// ingest takes tables into the database in one step.
func (s *Store) ingest(paths []string, c *Commit) error {
	err := s.notes.call(func() error {
		if !c.Full && c.FullTo == 0 {
			return s.db.Ingest(context.Background(), paths)
		}
		span := pebble.KeyRange{Start: []byte{pageKey}, End: []byte(pagesEnd)}
		if !c.Full {
			span.End = appendPageKey(nil, c.FullTo, 0)
		}
		_, err := s.db.IngestAndExcise(context.Background(), paths, nil, nil, span)
		return err
	})
	return ours("commit a checkpoint to", s.dir, err)
}

// Compaction limits: how many commits may lie on top of each other, and how
// much of the store may be hidden by newer pages.
const (
	someLayers = 16 // if together they are an eighth of the rest
	mostLayers = 128
	maxWaste   = 2.5
)

// compact merges the commits of level 0 into the level below when there are too
// many of them or what they hide takes too much space.
func (s *Store) compact() (written int64, err error) {
	m := s.db.Metrics()
	top, below := &m.Levels[0], &m.Levels[len(m.Levels)-1]
	layers := int(top.Sublevels)
	switch {
	case layers == 0:
		return 0, nil
	case layers >= mostLayers:
	case layers >= someLayers && top.TablesSize >= below.TablesSize/8:
	case float64(top.TablesSize+below.TablesSize) > maxWaste*float64(s.manifest.PageBytes)+tableBytes:
	default:
		return 0, nil
	}
	err = s.notes.call(func() error { return s.db.Compact(context.Background(), []byte{0}, []byte{0xff}, false) })
	if s.notes.failed() != nil {
		return 0, ours("compact", s.dir, err)
	}
	after := s.db.Metrics()
	for i := range after.Levels {
		written += int64(after.Levels[i].TableBytesCompacted - m.Levels[i].TableBytesCompacted)
	}
	return written, ours("compact", s.dir, err)
}

// tables writes a commit as tables to be taken into the database: one for the
// manifest and the blobs, then those of the pages.
type tables struct {
	s      *Store
	format sstable.TableFormat
	paths  []string
	w      *sstable.Writer
	key    []byte
	buf    []byte
	size   int64 // of the table at hand
	pages  int
	bytes  int64
	file   int64
}

func (s *Store) ingestDir() string { return s.o.FS.PathJoin(s.o.Dir, stateDir+".ingest") }

// write writes everything and returns the manifest. The index then knows the
// pages of the commit.
func (t *tables) write(c *Commit) (m Manifest, err error) {
	s := t.s
	dir := s.ingestDir()
	if err := s.o.FS.RemoveAll(dir); err != nil {
		return m, fmt.Errorf("clear %s: %w", dir, err)
	}
	if err := s.o.FS.MkdirAll(dir, 0o755); err != nil {
		return m, fmt.Errorf("make %s: %w", dir, err)
	}
	defer func() {
		if err != nil && t.w != nil {
			_ = t.w.Close()
			t.w = nil
		}
	}()
	if err := t.writePages(c); err != nil {
		return m, err
	}
	x := s.index
	m = Manifest{Format: Format, Seq: s.manifest.Seq + 1, Position: c.Position, Need: c.Need, Time: s.o.Now().UnixNano(), Layout: c.Layout,
		Pages: x.pages, PageBytes: x.bytes, Sum: x.sum, Meta: append([]byte{}, c.Meta...)}
	return m, t.writeHead(c, &m)
}

func (t *tables) writePages(c *Commit) error {
	x := t.s.index
	c.expand(x)
	if c.Full {
		*x = *newIndex()
	}
	for unit := range x.units {
		if unit < c.FullTo {
			x.removeUnit(unit)
		}
	}
	for i := range c.Pages {
		p := &c.Pages[i]
		if i > 0 && p.Unit == c.Pages[i-1].Unit && p.Number == c.Pages[i-1].Number {
			return fmt.Errorf("page %d of unit %x comes twice in a commit", p.Number, p.Unit)
		}
		if i > 0 && p.Unit/UnitSpan != c.Pages[i-1].Unit/UnitSpan {
			if err := t.end(); err != nil {
				return err
			}
		}
		t.key = appendPageKey(t.key[:0], p.Unit, p.Number)
		if p.Data == nil {
			if x.remove(p.Unit, p.Number); !c.Full && p.Unit >= c.FullTo {
				if err := t.delete(t.key); err != nil {
					return err
				}
			}
			continue
		}
		if err := t.set(t.key, p.Data); err != nil {
			return err
		}
		t.pages++
		x.put(p.Unit, p.Number, pageInfo{size: uint32(len(p.Data)), sum: sumOf(t.buf)})
	}
	return t.end()
}

// sumOf is the checksum that a sealed value ends with.
func sumOf(v []byte) uint32 { return binary.LittleEndian.Uint32(v[len(v)-sumBytes:]) }

// expand puts the pages of units that are gone among the others, and sorts
// them.
func (c *Commit) expand(x *index) {
	if !c.Full && len(c.GoneUnits) > 0 {
		gone := map[uint64]map[uint32]bool{}
		for _, unit := range c.GoneUnits {
			if unit < c.FullTo {
				continue
			}
			gone[unit] = map[uint32]bool{}
			for number := range x.units[unit] {
				gone[unit][number] = true
			}
		}
		for i := range c.Pages {
			delete(gone[c.Pages[i].Unit], c.Pages[i].Number)
		}
		for unit, numbers := range gone {
			for number := range numbers {
				c.Pages = append(c.Pages, Page{Unit: unit, Number: number})
			}
		}
	}
	slices.SortFunc(c.Pages, func(a, b Page) int {
		return cmp.Or(cmp.Compare(a.Unit, b.Unit), cmp.Compare(a.Number, b.Number))
	})
}

// writeHead writes the blobs and the manifest.
func (t *tables) writeHead(c *Commit, m *Manifest) error {
	names := make([]string, 0, len(c.Blobs))
	for name := range c.Blobs {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		t.key = append(append(t.key[:0], blobKey), name...)
		var err error
		if b := c.Blobs[name]; b == nil {
			err = t.delete(t.key)
		} else {
			err = t.set(t.key, b)
		}
		if err != nil {
			return err
		}
	}
	if err := t.set([]byte(manifestKey), m.encode()); err != nil {
		return err
	}
	if err := t.set([]byte(metaKey), m.Meta); err != nil {
		return err
	}
	return t.end()
}

// begin starts a table unless one is at hand.
func (t *tables) begin() error {
	if t.w != nil {
		return nil
	}
	fs := t.s.o.FS
	path := fs.PathJoin(t.s.ingestDir(), fmt.Sprintf("%04d.sst", len(t.paths)))
	f, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return t.failed(err)
	}
	f = vfs.NewSyncingFile(f, vfs.SyncingFileOptions{BytesPerSync: syncBytes})
	t.paths, t.size = append(t.paths, path), 0
	t.w = sstable.NewWriter(objstorageprovider.NewFileWritable(f), sstable.WriterOptions{
		TableFormat: t.format, BlockSize: blockBytes, Compression: compression,
		MergerName: pebble.DefaultMerger.Name, Comparer: pebble.DefaultComparer,
	})
	return nil
}

func (t *tables) set(key, value []byte) error {
	if err := t.begin(); err != nil {
		return err
	}
	t.buf = sealed(t.buf[:0], key, value)
	if err := t.w.Set(key, t.buf); err != nil {
		return t.failed(err)
	}
	t.size += int64(len(t.buf))
	t.bytes += int64(len(key) + len(t.buf))
	if t.size >= tableBytes && !bytes.HasPrefix(key, []byte{blobKey}) {
		return t.end()
	}
	return nil
}

func (t *tables) delete(key []byte) error {
	if err := t.begin(); err != nil {
		return err
	}
	if err := t.w.Delete(key); err != nil {
		return t.failed(err)
	}
	return nil
}

// end closes the table at hand, if there is one: it is on disk then.
func (t *tables) end() error {
	if t.w == nil {
		return nil
	}
	w := t.w
	t.w = nil
	if err := w.Close(); err != nil {
		return t.failed(err)
	}
	if m, err := w.Metadata(); err == nil {
		t.file += int64(m.Size)
	}
	return nil
}

func (t *tables) failed(err error) error {
	return fmt.Errorf("write a checkpoint to %s: %w", t.s.o.Dir, err)
}

// remove takes back what was written.
func (t *tables) remove() {
	if err := t.s.o.FS.RemoveAll(t.s.ingestDir()); err != nil {
		t.s.o.Logger.Warn("checkpoint store", "dir", t.s.dir, "error", err)
	}
}
