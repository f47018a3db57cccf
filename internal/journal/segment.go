package journal

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// version is the newest format of a segment, and the only one so far.
const version = 1

// headerSize is what a segment begins with. Little endian:
//
//	  0  [8]  magic
//	  8  u32  version
//	 12  u32  flags
//	 16  u64  number of the segment
//	 24  u64  number of the segment before, 0: there was none
//	 32  u64  offset at which that one ends
//	 40  u64  position of the first record
//	 48  u64  salt of the frames' checksums
//	 56  u64  offset at which this one ends, if it is rewritten
//	 64  i64  when it was created, ns since 1970
//	124  u32  CRC-32C of the bytes before
const headerSize = 128

const magic = "WEIRJRNL"

const flagRewritten = 1 // erased from: the file is complete and knows its end

// header is the start of a segment.
type header struct {
	flags     uint32
	seq, prev uint64
	prevEnd   int64
	first     Position
	salt      uint64
	end       int64
	created   int64
}

func (h *header) put(b []byte) []byte {
	n := len(b)
	le := binary.LittleEndian
	b = append(b, magic...)
	b = le.AppendUint32(b, version)
	b = le.AppendUint32(b, h.flags)
	b = le.AppendUint64(b, h.seq)
	b = le.AppendUint64(b, h.prev)
	b = le.AppendUint64(b, uint64(h.prevEnd))
	b = le.AppendUint64(b, uint64(h.first))
	b = le.AppendUint64(b, h.salt)
	b = le.AppendUint64(b, uint64(h.end))
	b = le.AppendUint64(b, uint64(h.created))
	b = append(b, make([]byte, headerSize-4-(len(b)-n))...)
	return le.AppendUint32(b, crc32.Checksum(b[n:], castagnoli))
}

// parse reads a header. name is for the error.
func (h *header) parse(b []byte, name string) error {
	le := binary.LittleEndian
	if len(b) < headerSize || string(b[:8]) != magic ||
		le.Uint32(b[headerSize-4:]) != crc32.Checksum(b[:headerSize-4], castagnoli) {
		return &CorruptError{name, 0, "the header of the segment has a wrong checksum"}
	}
	if v := le.Uint32(b[8:]); v != version {
		return &VersionError{name, v, version}
	}
	*h = header{
		flags:   le.Uint32(b[12:]),
		seq:     le.Uint64(b[16:]),
		prev:    le.Uint64(b[24:]),
		prevEnd: int64(le.Uint64(b[32:])),
		first:   Position(le.Uint64(b[40:])),
		salt:    le.Uint64(b[48:]),
		end:     int64(le.Uint64(b[56:])),
		created: int64(le.Uint64(b[64:])),
	}
	if h.flags&^flagRewritten != 0 || h.seq == 0 || h.prev >= h.seq || h.first == 0 ||
		h.prev != 0 && h.prevEnd < headerSize || h.flags&flagRewritten != 0 && h.end < headerSize {
		return &CorruptError{name, 0, "the header of the segment contradicts itself"}
	}
	return nil
}

// newSalt is random, so that what a record holds cannot pass for a frame.
func newSalt() uint64 {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return binary.LittleEndian.Uint64(b[:])
}

// segment is a file of the journal. The newest one grows; the others are
// sealed, nothing but idx and used changes any more. Guarded by Journal.mu.
type segment struct {
	header
	name string // path
	sum  summary
	idx  *index // nil: not in memory
	used uint64 // when idx was last asked, in a count of questions
}

// summary is what is known of a segment without its index.
type summary struct {
	next             Position // behind its last record
	end              int64    // offset behind what is durable
	minTime, maxTime int64    // of its records; 0 if it has none
	streams          []rowSpan
}

// empty says that the segment holds no record.
func (s *segment) empty() bool { return s.sum.next == s.first }

// note takes up a record that stands behind all others. It says whether the
// record is the first of its stream.
func (s *segment) note(f *frame) (fresh bool) {
	if s.empty() || f.rec.Time < s.sum.minTime {
		s.sum.minTime = f.rec.Time
	}
	if s.empty() || f.rec.Time > s.sum.maxTime {
		s.sum.maxTime = f.rec.Time
	}
	s.sum.next = f.rec.Pos + 1
	return s.idx.add(f)
}

// rowSpan is the rows of one stream in one segment.
type rowSpan struct {
	stream      uint32
	first, last uint64
}

const (
	segmentSuffix = ".seg"
	indexSuffix   = ".idx"
	unfinished    = ".tmp"
)

func segmentName(seq uint64) string { return fmt.Sprintf("%010d%s", seq, segmentSuffix) }

func indexName(segment string) string {
	return strings.TrimSuffix(segment, segmentSuffix) + indexSuffix
}

// parseName is the number of the segment that a file belongs to.
func parseName(name, suffix string) (seq uint64, ok bool) {
	digits, ok := strings.CutSuffix(name, suffix)
	if !ok {
		return 0, false
	}
	n, err := fmt.Sscanf(digits, "%d", &seq)
	return seq, err == nil && n == 1 && seq > 0 && fmt.Sprintf("%010d", seq) == digits
}

// readHeader reads the header of a segment and the size of its file.
func readHeader(fs vfs.FS, name string) (h header, size int64, err error) {
	f, err := fs.Open(name)
	if err != nil {
		return h, 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return h, 0, err
	}
	var b [headerSize]byte
	n, err := readAt(f, b[:min(info.Size(), headerSize)], 0)
	if err != nil {
		return h, 0, err
	}
	return h, info.Size(), h.parse(b[:n], name)
}
