package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Open opens the journal of a directory. The tail of a crash, which never
// became durable, is cut off; *CorruptError names any other damage it meets,
// *VersionError a file of a newer build. Sealed segments are not read if they
// have an index: Verify does that.
func Open(opt Options) (*Journal, error) {
	if opt.FS == nil {
		opt.FS = vfs.Default
	}
	if opt.Segment <= 0 {
		opt.Segment = defaultSegment
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	j := &Journal{opt: opt, fs: opt.FS, log: opt.Logger, rows: map[uint32][]span{}, stopped: make(chan struct{})}
	j.queue.work.L, j.queue.space.L = &j.queue.mu, &j.queue.mu
	j.queue.every = probeEvery
	if err := j.recover(); err != nil {
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	go j.write()
	return j, nil
}

// Close writes what is queued and closes the journal. Readers stay usable.
func (j *Journal) Close() error {
	q := &j.queue
	q.mu.Lock()
	closed := q.closed
	q.closed = true
	q.mu.Unlock()
	q.work.Broadcast()
	q.space.Broadcast()
	<-j.stopped
	if closed {
		return ErrClosed
	}
	return nil
}

// recover finds the segments and what they hold.
func (j *Journal) recover() error {
	if err := makeDir(j.fs, j.opt.Dir); err != nil {
		return err
	}
	c, err := readChain(j.fs, j.opt.Dir)
	if err != nil {
		return err
	}
	if err := c.damage(); err != nil {
		return err
	}
	for _, name := range c.junk {
		if err := j.fs.Remove(j.path(name)); err != nil {
			return err
		}
	}
	j.out.seq, j.out.pos = c.newest+1, 1
	for i, s := range c.segs {
		if i < len(c.segs)-1 {
			err = j.know(s, c.ends[i])
		} else {
			err = j.recoverLast(s, c.sizes[i])
		}
		if err != nil {
			return err
		}
		if i > 0 && c.segs[i-1].sum.next != s.first {
			return &CorruptError{s.name, 0, fmt.Sprintf(
				"the segment begins with record %d, the one before ends behind record %d", s.first, c.segs[i-1].sum.next-1)}
		}
		j.segs = append(j.segs, s)
		j.bytes += s.sum.end
		for _, r := range s.sum.streams {
			j.rows[r.stream] = append(j.rows[r.stream], span{s.seq, r.first, r.last})
		}
		s.sum.streams = nil // they are in rows now
		j.out.pos = s.sum.next
	}
	return nil
}

// makeDir makes the directory, and its name durable: whether an earlier attempt
// came so far is not known.
func makeDir(fs vfs.FS, dir string) error {
	if err := fs.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return syncDir(fs, fs.PathDir(dir))
}

// chain is the files of a journal as their headers tie them together.
type chain struct {
	segs   []*segment // ascending
	ends   []int64    // of each, where it ends; negative: where its frames do
	sizes  []int64    // of their files
	newest uint64     // greatest number of any file
	junk   []string   // names of files that hold nothing: left by a crash
	faults []error    // *CorruptError, *VersionError; the chain is not whole
}

// damage is the first fault.
func (c *chain) damage() error {
	if len(c.faults) == 0 {
		return nil
	}
	return c.faults[0]
}

// candidate is a file that looks like a segment.
type candidate struct {
	*segment
	file string
	size int64
	err  error // of the header
}

// readChain reads the headers and follows them from the newest segment back.
func readChain(fs vfs.FS, dir string) (*chain, error) {
	names, err := fs.List(dir)
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	c := &chain{}
	found := map[uint64]*candidate{}
	var seqs []uint64
	for _, name := range names {
		if strings.HasSuffix(name, unfinished) {
			c.junk = append(c.junk, name)
		}
		seq, ok := parseName(name, segmentSuffix)
		if !ok {
			continue
		}
		s := &segment{name: fs.PathJoin(dir, name)}
		h, size, err := readHeader(fs, s.name)
		if err != nil && !isFault(err) {
			return nil, err
		}
		if s.header = h; err == nil && h.seq != seq {
			err = &CorruptError{s.name, 16, fmt.Sprintf("the file holds segment %d", h.seq)}
		}
		found[seq] = &candidate{s, name, size, err}
		seqs = append(seqs, seq)
		c.newest = max(c.newest, seq)
	}
	c.follow(fs, dir, found, seqs)
	for _, name := range names {
		if seq, ok := parseName(name, indexSuffix); ok && found[seq] == nil {
			c.junk = append(c.junk, name) // its segment is gone
		}
	}
	return c, nil
}

// isFault says that an error is about what a file holds.
func isFault(err error) bool {
	var corrupt *CorruptError
	var newer *VersionError
	return errors.As(err, &corrupt) || errors.As(err, &newer)
}

// follow builds the chain. Files that are in it nowhere were never part of the
// journal, or are no more: the attempts of a stalled disk, a segment that was
// being made in a crash. Behind a fault it goes on as if the journal ended
// there, for Verify.
func (c *chain) follow(fs vfs.FS, dir string, found map[uint64]*candidate, seqs []uint64) {
	slices.Sort(seqs)
	slices.Reverse(seqs)
	// A segment's header is durable before anything stands behind it.
	for len(seqs) > 0 && found[seqs[0]].unborn() {
		c.junk = append(c.junk, found[seqs[0]].file)
		seqs = seqs[1:]
	}
	const unknown = -1
	end, want := int64(unknown), uint64(0) // want: the number that must come next, 0: any
	for _, seq := range seqs {
		n := found[seq]
		switch {
		case want != 0 && seq > want, want == 0 && end != unknown:
			c.junk = append(c.junk, n.file)
			continue
		case want != 0 && seq < want && n.size <= headerSize:
			c.junk = append(c.junk, n.file)
			continue
		case want != 0 && seq < want:
			c.faults = append(c.faults, &CorruptError{fs.PathJoin(dir, segmentName(want)), 0,
				fmt.Sprintf("the segment is missing, though older ones such as %s are there", n.file)})
			end = unknown
		}
		if n.err != nil {
			c.faults = append(c.faults, n.err)
			end, want = unknown, 0
			continue
		}
		if n.flags&flagRewritten != 0 {
			end = n.end
		}
		c.segs = append(c.segs, n.segment)
		c.ends = append(c.ends, end)
		c.sizes = append(c.sizes, n.size)
		end, want = n.prevEnd, n.prev
	}
	slices.Reverse(c.segs)
	slices.Reverse(c.ends)
	slices.Reverse(c.sizes)
}

// unborn says that the file is a segment that was being made.
func (n *candidate) unborn() bool {
	return n.err != nil && n.size <= headerSize && !isNewer(n.err)
}

func isNewer(err error) bool {
	var newer *VersionError
	return errors.As(err, &newer)
}

// know learns what a sealed segment holds, from its index or by reading it.
func (j *Journal) know(s *segment, end int64) error {
	sum, err := readSummary(j.fs, s, end)
	if err == nil {
		s.sum = sum
		return nil
	}
	j.log.Info("building the index of a segment", slog.String("segment", s.name), slog.Any("because", err))
	if err := j.rebuild(s, end); err != nil {
		return err
	}
	if err := j.saveIndex(s); err != nil {
		j.log.Warn("the index of a segment was not written", slog.String("segment", s.name), slog.Any("error", err))
	}
	s.idx = nil
	return nil
}

// rebuild reads a segment up to its end and builds its index.
func (j *Journal) rebuild(s *segment, end int64) error {
	f, err := j.fs.Open(s.name)
	if err != nil {
		return err
	}
	defer f.Close()
	sc := &scanner{f: f, name: s.name, salt: s.salt, off: headerSize, limit: end, want: s.first}
	return s.learn(sc)
}

// learn reads frames to the limit or to what is no frame.
func (s *segment) learn(sc *scanner) error {
	s.idx = &index{}
	s.sum = summary{next: s.first, end: headerSize}
	for {
		f, _, err := sc.next()
		s.sum.end = sc.off
		if err != nil {
			s.sum.streams = s.idx.spans()
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		s.note(f)
	}
}

// recoverLast reads the newest segment, cuts off what was torn, and makes
// durable what was not: it is going to be read.
func (j *Journal) recoverLast(s *segment, size int64) error {
	if s.flags&flagRewritten != 0 {
		size = s.header.end
	}
	f, err := j.fs.OpenReadWrite(s.name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	defer f.Close()
	sc := &scanner{f: f, name: s.name, salt: s.salt, off: headerSize, limit: size, want: s.first}
	if err := s.learn(sc); err != nil {
		var damage *CorruptError
		if !errors.As(err, &damage) {
			return err
		}
		was, err := wasDurable(f, s.salt, s.sum.end, size)
		if err != nil {
			return err
		}
		if was || s.flags&flagRewritten != 0 {
			return damage
		}
		j.cut = size - s.sum.end
		j.log.Info("cut off what was being written when the process ended",
			slog.String("segment", s.name), slog.Int64("from", s.sum.end), slog.Int64("bytes", j.cut))
	}
	return f.Sync()
}

// wasDurable looks behind off for a frame which says that off was durable
// before it was written.
func wasDurable(f vfs.File, salt uint64, off, size int64) (bool, error) {
	_, found, err := searchFrame(f, salt, off, size, func(fr *frame) bool { return fr.durable > off })
	return found, err
}

// searchFrame looks from off on for the next header of a frame that will do.
func searchFrame(f vfs.File, salt uint64, off, size int64, will func(*frame) bool) (fr frame, found bool, err error) {
	const at = 6 // of the magic in a header
	b := make([]byte, min(readAhead, max(size-off, 0)))
	pattern := binary.LittleEndian.AppendUint16(nil, frameMagic)
	for off < size {
		n, err := readAt(f, b[:min(int64(len(b)), size-off)], off)
		if err != nil || n < frameSize {
			return fr, false, err
		}
		for i := at; ; i++ {
			k := bytes.Index(b[i:n], pattern)
			if k < 0 {
				break
			}
			i += k
			if fr.parse(b[i-at:n], salt, off+int64(i-at)) && will(&fr) {
				return fr, true, nil
			}
		}
		off += int64(n - frameSize + 1) // windows overlap by a frame
	}
	return fr, false, nil
}
