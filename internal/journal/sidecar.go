package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// The index of a sealed segment is a file of two parts, each with a checksum:
// the summary, which Open reads of every segment, and the places, which are
// read when they are asked for. Little endian.
//
//	summary  [8] magic, u32 version, u32 bytes of the summary, u64 number and u64 salt of
//	         the segment, i64 its end, u64 next position, i64 least and i64 greatest time,
//	         u32 streams, u32 places; of each stream u32 number, u32 places, u64 first, u64 last row;
//	         u32 CRC-32C
//	places   (u64 position, u64 offset)…; of each stream (u64 row, u64 position, u64 offset)…;
//	         u32 CRC-32C
const (
	indexMagic      = "WEIRJIDX"
	indexVersion    = 1
	summaryFixed    = 72
	summaryStream   = 24
	summaryReadSize = 4 << 10 // of most indexes the whole summary
)

// errNoIndex says that an index does not fit its segment. It is built again.
var errNoIndex = errors.New("the index does not belong to the segment, or is damaged")

// encodeIndex is the index file of a segment.
func encodeIndex(s *segment, x *index) []byte {
	le := binary.LittleEndian
	size := summaryFixed + summaryStream*len(x.streams) + 4
	b := append(make([]byte, 0, size+x.bytes()+4), indexMagic...)
	b = le.AppendUint32(b, indexVersion)
	b = le.AppendUint32(b, uint32(size))
	b = le.AppendUint64(b, s.seq)
	b = le.AppendUint64(b, s.salt)
	b = le.AppendUint64(b, uint64(s.sum.end))
	b = le.AppendUint64(b, uint64(s.sum.next))
	b = le.AppendUint64(b, uint64(s.sum.minTime))
	b = le.AppendUint64(b, uint64(s.sum.maxTime))
	b = le.AppendUint32(b, uint32(len(x.streams)))
	b = le.AppendUint32(b, uint32(len(x.places)))
	for i := range x.streams {
		r := &x.streams[i]
		b = le.AppendUint32(b, r.stream)
		b = le.AppendUint32(b, uint32(len(r.rows)))
		b = le.AppendUint64(b, r.first)
		b = le.AppendUint64(b, r.last)
	}
	b = le.AppendUint32(b, crc32.Checksum(b, castagnoli))
	for _, p := range x.places {
		b = le.AppendUint64(b, uint64(p.pos))
		b = le.AppendUint64(b, uint64(p.off))
	}
	for i := range x.streams {
		for _, r := range x.streams[i].rows {
			b = le.AppendUint64(b, r.first)
			b = le.AppendUint64(b, uint64(r.pos))
			b = le.AppendUint64(b, uint64(r.off))
		}
	}
	return le.AppendUint32(b, crc32.Checksum(b[size:], castagnoli))
}

// decodeSummary reads the first part for the segment of a header, which ends at
// end (negative: anywhere). It returns how long the part is: more than it was
// given means that it needs so much.
func decodeSummary(b []byte, h *header, end int64) (sum summary, size int, err error) {
	le := binary.LittleEndian
	if len(b) < summaryFixed || string(b[:8]) != indexMagic || le.Uint32(b[8:]) != indexVersion {
		return sum, 0, errNoIndex
	}
	size = int(le.Uint32(b[12:]))
	streams := int64(le.Uint32(b[64:]))
	if int64(size) != summaryFixed+summaryStream*streams+4 {
		return sum, 0, errNoIndex
	}
	if size > len(b) {
		return sum, size, nil
	}
	sum = summary{
		end:     int64(le.Uint64(b[32:])),
		next:    Position(le.Uint64(b[40:])),
		minTime: int64(le.Uint64(b[48:])),
		maxTime: int64(le.Uint64(b[56:])),
	}
	if le.Uint32(b[size-4:]) != crc32.Checksum(b[:size-4], castagnoli) ||
		le.Uint64(b[16:]) != h.seq || le.Uint64(b[24:]) != h.salt || end >= 0 && sum.end != end {
		return sum, 0, errNoIndex
	}
	sum.streams = make([]rowSpan, streams)
	for i := range sum.streams {
		r := b[summaryFixed+summaryStream*i:]
		sum.streams[i] = rowSpan{le.Uint32(r), le.Uint64(r[8:]), le.Uint64(r[16:])}
	}
	return sum, size, nil
}

// decodePlaces reads the second part; summary is the first one as it stands in
// the file.
func decodePlaces(summary, b []byte) (*index, error) {
	le := binary.LittleEndian
	streams, places := int(le.Uint32(summary[64:])), int64(le.Uint32(summary[68:]))
	x := &index{slot: make(map[uint32]int, streams), streams: make([]streamIndex, streams)}
	total := 16*places + 4
	for i := range x.streams {
		total += 24 * int64(le.Uint32(summary[summaryFixed+summaryStream*i+4:]))
	}
	if int64(len(b)) != total || le.Uint32(b[total-4:]) != crc32.Checksum(b[:total-4], castagnoli) {
		return nil, errNoIndex
	}
	x.places = make([]place, places)
	for i := range x.places {
		x.places[i] = place{Position(le.Uint64(b)), int64(le.Uint64(b[8:]))}
		b = b[16:]
	}
	for i := range x.streams {
		r := summary[summaryFixed+summaryStream*i:]
		s := &x.streams[i]
		s.rowSpan = rowSpan{le.Uint32(r), le.Uint64(r[8:]), le.Uint64(r[16:])}
		s.rows = make([]rowPlace, le.Uint32(r[4:]))
		for k := range s.rows {
			s.rows[k] = rowPlace{le.Uint64(b), place{Position(le.Uint64(b[8:])), int64(le.Uint64(b[16:]))}}
			b = b[24:]
		}
		x.slot[s.stream] = i
	}
	return x, nil
}

// saveIndex writes the index of a segment that grows no more. It is a cache, so
// that its name is not made durable.
func (j *Journal) saveIndex(s *segment) error {
	name := indexName(s.name)
	f, err := j.fs.Create(name+unfinished, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	if _, err = f.Write(encodeIndex(s, s.idx)); err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = j.fs.Rename(name+unfinished, name)
	}
	if err != nil {
		j.fs.Remove(name + unfinished)
	}
	return err
}

// readSummary reads what the index of a sealed segment says of it.
func readSummary(fs vfs.FS, s *segment, end int64) (summary, error) {
	f, err := fs.Open(indexName(s.name))
	if err != nil {
		return summary{}, err
	}
	defer f.Close()
	sum, _, err := summaryOf(f, s, end)
	return sum, err
}

// summaryOf reads the first part of an index file and returns it raw, too.
func summaryOf(f vfs.File, s *segment, end int64) (sum summary, raw []byte, err error) {
	info, err := f.Stat()
	if err != nil {
		return sum, nil, err
	}
	for room := int64(summaryReadSize); ; {
		raw = make([]byte, min(room, info.Size()))
		n, err := readAt(f, raw, 0)
		if err != nil {
			return sum, nil, err
		}
		sum, size, err := decodeSummary(raw[:n], &s.header, end)
		switch {
		case err != nil:
			return sum, nil, err
		case size <= n:
			return sum, raw[:size], nil
		case n < len(raw) || int64(size) > info.Size():
			return sum, nil, errNoIndex
		}
		room = int64(size)
	}
}

// loadIndex reads the index of a sealed segment.
func loadIndex(fs vfs.FS, s *segment) (*index, error) {
	f, err := fs.Open(indexName(s.name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	_, raw, err := summaryOf(f, s, s.sum.end)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	rest := info.Size() - int64(len(raw))
	if rest < 4 {
		return nil, errNoIndex
	}
	b := make([]byte, rest)
	if n, err := readAt(f, b, int64(len(raw))); err != nil || n < len(b) {
		return nil, fmt.Errorf("read %s: %w", indexName(s.name), errors.Join(errNoIndex, err))
	}
	return decodePlaces(raw, b)
}
