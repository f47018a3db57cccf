package journal

import (
	"hash/crc32"
	"math/bits"
	"sync"

	"github.com/klauspost/compress/s2"
)

// leastCompressed is the length from which on Data is worth compressing.
const leastCompressed = 96

// body is a record's Meta and Data as they are stored, in a buffer that is used
// again.
type body struct {
	buf []byte
	f   frame // lengths, checksum and flags; the rest is set when it is written
}

// encode stores Meta and Data in a buffer.
func encode(r *Record) body {
	room := len(r.Meta) + len(r.Data)
	if len(r.Data) >= leastCompressed {
		room = len(r.Meta) + max(len(r.Data), s2.MaxEncodedLen(len(r.Data)))
	}
	b := body{buf: append(buffer(room), r.Meta...), f: frame{rec: *r}}
	b.f.rec.Meta, b.f.rec.Data = nil, nil
	b.f.meta = uint32(len(r.Meta))
	b.f.raw = uint32(len(r.Data))
	if len(r.Data) >= leastCompressed {
		at := len(b.buf)
		if c := s2.Encode(b.buf[at:cap(b.buf)], r.Data); len(c) < len(r.Data) {
			b.buf = b.buf[:at+len(c)] // c is that part of buf: there was room
			b.f.flags = flagCompressed
		}
	}
	if b.f.flags == 0 {
		b.buf = append(b.buf, r.Data...)
	}
	b.f.stored = uint32(len(b.buf)) - b.f.meta
	b.f.sum = crc32.Checksum(b.buf, castagnoli)
	return b
}

// decode puts a body into r, whose Meta and Data are used again if they have
// room. Its checksum has been compared.
func (f *frame) decode(body []byte, r *Record) (ok bool) {
	meta, data := r.Meta[:0], r.Data[:0]
	*r = f.rec
	r.Meta = append(meta, body[:f.meta]...)
	stored := body[f.meta:]
	if f.flags&flagCompressed == 0 {
		r.Data = append(data, stored...)
		return true
	}
	if n, err := s2.DecodedLen(stored); err != nil || n != int(f.raw) {
		return false
	}
	if cap(data) < int(f.raw) {
		data = make([]byte, f.raw)
	}
	d, err := s2.Decode(data[:cap(data)], stored)
	if err != nil {
		return false
	}
	r.Data = d
	return true
}

// Buffers come in powers of two between these; larger ones are left to the
// garbage collector.
const leastBuffer, mostBuffer = 10, 22

var buffers [mostBuffer + 1]sync.Pool

// buffer returns an empty buffer with room for n bytes.
func buffer(n int) []byte {
	c := max(bits.Len(uint(max(n, 1)-1)), leastBuffer)
	if c > mostBuffer {
		return make([]byte, 0, n)
	}
	if p, ok := buffers[c].Get().(*[]byte); ok {
		return (*p)[:0]
	}
	return make([]byte, 0, 1<<c)
}

// release gives a buffer back.
func release(b []byte) {
	c := bits.Len(uint(cap(b))) - 1
	if c < leastBuffer || c > mostBuffer || cap(b) != 1<<c {
		return
	}
	buffers[c].Put(&b)
}
