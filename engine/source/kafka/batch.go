package kafka

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/segmentio/kafka-go/compress"
)

// batch is one record batch of an answer.
type batch struct {
	base, last int64 // offsets of the first and last record, also of those that are gone
	attributes int16
	producer   int64
	count      int32
	body       []byte // the records, perhaps packed
}

// Bits of batch.attributes.
const (
	attrCompression   = 0x07
	attrTransactional = 0x10
	attrControl       = 0x20
)

func (b *batch) transactional() bool { return b.attributes&attrTransactional != 0 }
func (b *batch) control() bool       { return b.attributes&attrControl != 0 }

// batchHead is how many bytes stand before a batch's records.
const batchHead = 61

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errPartial says that the bytes end inside a batch, as they may at the end of
// an answer.
var errPartial = errors.New("the batch is cut off")

// nextBatch reads the batch at the front of b and returns how long it is. Its
// checksum has been verified.
func nextBatch(b []byte) (batch, int, error) {
	be := binary.BigEndian
	if len(b) < 17 {
		return batch{}, 0, errPartial
	}
	base := int64(be.Uint64(b))
	size := 12 + int(int32(be.Uint32(b[8:])))
	if magic := b[16]; magic != 2 {
		return batch{}, 0, fmt.Errorf("offset %d is in message format %d, of before Kafka 0.11: it cannot be read", base, magic)
	}
	if size < batchHead {
		return batch{}, 0, fmt.Errorf("the batch at offset %d is damaged: it has %d bytes", base, size)
	}
	if size > len(b) {
		return batch{}, 0, errPartial
	}
	if crc32.Checksum(b[21:size], castagnoli) != be.Uint32(b[17:]) {
		return batch{}, 0, fmt.Errorf("the batch at offset %d is damaged: its checksum is wrong", base)
	}
	return batch{
		base:       base,
		last:       base + int64(int32(be.Uint32(b[23:]))),
		attributes: int16(be.Uint16(b[21:])),
		producer:   int64(be.Uint64(b[43:])),
		count:      int32(be.Uint32(b[57:])),
		body:       b[batchHead:size],
	}, size, nil
}

// maxUnpacked bounds the memory that a packed batch can take, bytes.
const maxUnpacked = 256 << 20

// unpacker unpacks the records of batches into memory of its own.
type unpacker struct {
	buf  []byte
	zstd *zstd.Decoder
}

// unpack returns a batch's records. They hold until the next call.
func (u *unpacker) unpack(b *batch) ([]byte, error) {
	code := compress.Compression(b.attributes & attrCompression)
	if code == compress.None {
		return b.body, nil
	}
	var err error
	if code == compress.Zstd {
		err = u.unzstd(b.body)
	} else {
		err = u.read(code, b.body)
	}
	if err != nil {
		return nil, fmt.Errorf("the batch at offset %d, packed with %s: %w", b.base, code, err)
	}
	return u.buf, nil
}

func (u *unpacker) unzstd(body []byte) (err error) {
	if u.zstd == nil {
		u.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxUnpacked))
		if err != nil {
			return err
		}
	}
	u.buf, err = u.zstd.DecodeAll(body, u.buf[:0])
	return err
}

func (u *unpacker) read(code compress.Compression, body []byte) error {
	codec := code.Codec()
	if codec == nil {
		return errors.New("this packing is not known")
	}
	r := codec.NewReader(bytes.NewReader(body))
	defer r.Close()
	u.buf = u.buf[:0]
	for {
		if len(u.buf) == cap(u.buf) {
			u.buf = append(u.buf, make([]byte, max(64<<10, len(u.buf)))...)[:len(u.buf)]
		}
		n, err := r.Read(u.buf[len(u.buf):cap(u.buf)])
		u.buf = u.buf[:len(u.buf)+n]
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case len(u.buf) > maxUnpacked:
			return fmt.Errorf("it unpacks to more than %d bytes", maxUnpacked)
		}
	}
}

func (u *unpacker) close() {
	if u.zstd != nil {
		u.zstd.Close()
	}
}

// record is one record of a batch. Key and value lie in the batch's memory;
// nil: there is none.
type record struct {
	offset     int64
	key, value []byte
}

var errRecord = errors.New("a record cannot be read")

// nextRecord reads the record at the front of b and returns how long it is.
func nextRecord(b []byte, base int64) (r record, n int, err error) {
	size, k := binary.Varint(b)
	if k <= 0 || size < 0 || size > int64(len(b)-k) {
		return r, 0, errRecord
	}
	n = k + int(size)
	b = b[k:n]
	if len(b) == 0 {
		return r, 0, errRecord
	}
	b = b[1:] // attributes, of which there are none
	_, k = binary.Varint(b)
	if k <= 0 {
		return r, 0, errRecord
	}
	b = b[k:]
	delta, k := binary.Varint(b)
	if k <= 0 {
		return r, 0, errRecord
	}
	r.offset = base + delta
	var ok bool
	if r.key, b, ok = varBytes(b[k:]); !ok {
		return r, 0, errRecord
	}
	if r.value, _, ok = varBytes(b); !ok {
		return r, 0, errRecord
	}
	return r, n, nil
}

// varBytes reads bytes with their length before them.
func varBytes(b []byte) (v, rest []byte, ok bool) {
	n, k := binary.Varint(b)
	if k <= 0 || n > int64(len(b)-k) {
		return nil, nil, false
	}
	b = b[k:]
	if n < 0 {
		return nil, b, true
	}
	return b[:n:n], b[n:], true
}
