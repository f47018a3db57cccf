package journal

import (
	"encoding/binary"
	"hash/crc32"
)

// frameSize is what stands on disk before the body of a record. Little endian:
//
//	 0  u32  CRC-32C of the bytes from 4 on, xor a hash of salt and offset
//	 4  u8   kind; 0: a mark, which holds nothing but says what is durable
//	 5  u8   flags
//	 6  u16  frameMagic
//	 8  u32  bytes of Meta
//	12  u32  bytes of Data as stored
//	16  u32  bytes of Data
//	20  u32  CRC-32C of the body, Meta and stored Data
//	24  u32  stream
//	28  u32  zero
//	32  u64  offset up to which the segment was durable before this write
//	40  u64  position
//	48  u64  first row
//	56  u64  rows
//	64  i64  time
const frameSize = 72

// frameMagic makes the search for a frame in a damaged file quick.
const frameMagic = 0x57e1

const flagCompressed = 1 // Data is an s2 block

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// frame is the header of a record as it stands in a segment.
type frame struct {
	rec     Record // without Meta and Data
	off     int64  // of the header
	durable int64
	meta    uint32 // bytes
	stored  uint32
	raw     uint32
	sum     uint32 // of the body
	flags   uint8
}

func (f *frame) body() int64 { return int64(f.meta) + int64(f.stored) }

// end is where the next frame begins.
func (f *frame) end() int64 { return f.off + frameSize + f.body() }

func (f *frame) mark() bool { return f.rec.Kind == 0 }

// put appends the header to b.
func (f *frame) put(b []byte, salt uint64) []byte {
	n := len(b)
	le := binary.LittleEndian
	b = append(b, 0, 0, 0, 0, f.rec.Kind, f.flags)
	b = le.AppendUint16(b, frameMagic)
	b = le.AppendUint32(b, f.meta)
	b = le.AppendUint32(b, f.stored)
	b = le.AppendUint32(b, f.raw)
	b = le.AppendUint32(b, f.sum)
	b = le.AppendUint32(b, f.rec.Stream)
	b = le.AppendUint32(b, 0)
	b = le.AppendUint64(b, uint64(f.durable))
	b = le.AppendUint64(b, uint64(f.rec.Pos))
	b = le.AppendUint64(b, f.rec.First)
	b = le.AppendUint64(b, f.rec.Count)
	b = le.AppendUint64(b, uint64(f.rec.Time))
	le.PutUint32(b[n:], frameSum(b[n:n+frameSize], salt, f.off))
	return b
}

// frameSum is the checksum of a header: of the same bytes in another file or at
// another place it is another one.
func frameSum(b []byte, salt uint64, off int64) uint32 {
	k := (salt ^ uint64(off)) * 0x9e3779b97f4a7c15
	k = (k ^ k>>32) * 0xd6e8feb86659fd93
	return crc32.Checksum(b[4:frameSize], castagnoli) ^ uint32(k>>32)
}

// parse reads the header at off. It says no to everything that this package
// would not have written there.
func (f *frame) parse(b []byte, salt uint64, off int64) bool {
	le := binary.LittleEndian
	if len(b) < frameSize || le.Uint16(b[6:]) != frameMagic || le.Uint32(b) != frameSum(b, salt, off) {
		return false
	}
	f.rec = Record{
		Kind:   b[4],
		Stream: le.Uint32(b[24:]),
		Pos:    Position(le.Uint64(b[40:])),
		First:  le.Uint64(b[48:]),
		Count:  le.Uint64(b[56:]),
		Time:   int64(le.Uint64(b[64:])),
	}
	f.off = off
	f.flags = b[5]
	f.meta = le.Uint32(b[8:])
	f.stored = le.Uint32(b[12:])
	f.raw = le.Uint32(b[16:])
	f.sum = le.Uint32(b[20:])
	f.durable = int64(le.Uint64(b[32:]))
	switch {
	case f.flags&^flagCompressed != 0, f.meta > MaxMeta, f.raw > MaxData, f.stored > f.raw,
		f.flags == 0 && f.stored != f.raw, f.durable < headerSize, f.durable > off, f.rec.Pos == 0:
		return false
	case f.mark():
		return f.meta == 0 && f.raw == 0
	}
	return true
}
