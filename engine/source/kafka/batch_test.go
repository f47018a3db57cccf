package kafka

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/segmentio/kafka-go/compress"
	"github.com/segmentio/kafka-go/protocol"
)

// readAll walks the batches of an answer as the loop does.
func readAll(b []byte, list []aborted) (texts []string, offsets []int64, err error) {
	f := newFilter(list)
	var u unpacker
	defer u.close()
	for len(b) > 0 {
		batch, n, err := nextBatch(b)
		if err != nil {
			return texts, offsets, err
		}
		b = b[n:]
		if f.drops(&batch) {
			continue
		}
		body, err := u.unpack(&batch)
		if err != nil {
			return texts, offsets, err
		}
		for range batch.count {
			r, n, err := nextRecord(body, batch.base)
			if err != nil {
				return texts, offsets, err
			}
			body = body[n:]
			texts, offsets = append(texts, string(r.value)), append(offsets, r.offset)
		}
	}
	return texts, offsets, nil
}

// marker is the batch that ends a transaction.
func marker(pid, base int64, commit bool) []byte {
	key := []byte{0, 0, 0, 0}
	if commit {
		key[3] = 1
	}
	r := binary.AppendVarint([]byte{0}, 0)
	r = binary.AppendVarint(r, 0)
	r = append(binary.AppendVarint(r, int64(len(key))), key...)
	r = append(binary.AppendVarint(r, 6), 0, 0, 0, 0, 0, 0)
	r = binary.AppendVarint(r, 0)
	records := append(binary.AppendVarint(nil, int64(len(r))), r...)
	return sealBatch(pid, 0, -1, attrTransactional|attrControl, base, 1, records)
}

func TestAborted(t *testing.T) {
	const in = attrTransactional
	answer := slices.Concat(
		rawBatch(7, 0, 0, in, 10, "a", "a"),
		rawBatch(8, 0, 0, in, 12, "b"),
		rawBatch(-1, 0, 0, 0, 13, "c"),
		rawBatch(7, 0, 2, in, 14, "a"),
		marker(7, 15, false),
		rawBatch(7, 0, 3, in, 16, "d"), // a new transaction of the same producer
		marker(8, 17, true),
		marker(7, 18, true),
		rawBatch(7, 0, 4, in, 19, "e"),
		marker(7, 20, false),
	)
	texts, offsets, err := readAll(answer, []aborted{{7, 19}, {7, 9}}) // the first began before the answer
	if got := fmt.Sprint(texts, offsets, err); got != "[b c d] [12 13 16] <nil>" {
		t.Error(got)
	}
	if texts, _, _ := readAll(answer, nil); strings.Join(texts, "") != "aabcade" {
		t.Error(texts)
	}
}

func TestPacked(t *testing.T) {
	var records []byte
	plain := rawBatch(-1, 0, 0, 0, 5, "one", "two", strings.Repeat("three", 50_000))
	records = plain[batchHead:]
	for _, code := range []compress.Compression{compress.Gzip, compress.Snappy, compress.Lz4, compress.Zstd} {
		var packed bytes.Buffer
		w := code.Codec().NewWriter(&packed)
		w.Write(records)
		w.Close()
		b := sealBatch(-1, 0, 0, uint16(code), 5, 3, packed.Bytes())
		texts, _, err := readAll(b, nil)
		if err != nil || len(texts) != 3 || texts[1] != "two" || len(texts[2]) != 250_000 {
			t.Errorf("%s: %d records, %v", code, len(texts), err)
		}
		cut := sealBatch(-1, 0, 0, uint16(code), 5, 3, packed.Bytes()[:packed.Len()/2])
		if _, _, err := readAll(cut, nil); err == nil {
			t.Errorf("%s: half of it is read", code)
		}
	}
	if _, _, err := readAll(sealBatch(-1, 0, 0, 7, 5, 3, records), nil); err == nil {
		t.Error("a packing that does not exist is read")
	}
}

// Every flipped bit is found, and every cut.
func TestDamaged(t *testing.T) {
	good := rawBatch(-1, 0, 0, 0, 5, "one", "two")
	for i := 17; i < len(good); i++ { // before it stand the offset and the length, which the broker writes
		bad := slices.Clone(good)
		bad[i] ^= 0x10
		if _, _, err := nextBatch(bad); err == nil {
			t.Errorf("byte %d is not as it was", i)
		}
	}
	for n := range len(good) {
		if _, _, err := nextBatch(good[:n]); !errors.Is(err, errPartial) {
			t.Errorf("%d of %d bytes: %v", n, len(good), err)
		}
	}
	old := slices.Clone(good)
	old[16] = 1
	if _, _, err := nextBatch(old); err == nil || !strings.Contains(err.Error(), "message format 1, of before Kafka 0.11") {
		t.Error(err)
	}
}

// answer writes an answer to a fetch.
func answer(version int16, id int32, code int16, list []aborted, records []byte) []byte {
	be := binary.BigEndian
	b := be.AppendUint32(nil, uint32(id))
	b = be.AppendUint32(b, 0)
	if version >= 7 {
		b = be.AppendUint16(b, 0)
		b = be.AppendUint32(b, 0)
	}
	b = be.AppendUint32(b, 1)
	b = appendString(b, "t")
	b = be.AppendUint32(b, 1)
	b = be.AppendUint32(b, 3)
	b = be.AppendUint16(b, uint16(code))
	b = be.AppendUint64(b, 100)
	b = be.AppendUint64(b, 90)
	if version >= 5 {
		b = be.AppendUint64(b, 10)
	}
	b = be.AppendUint32(b, uint32(len(list)))
	for _, a := range list {
		b = be.AppendUint64(be.AppendUint64(b, uint64(a.producer)), uint64(a.first))
	}
	if version >= 11 {
		b = be.AppendUint32(b, ^uint32(0))
	}
	return append(be.AppendUint32(b, uint32(len(records))), records...)
}

// exchange is a connection that answers.
type exchange struct {
	version int16
	code    int16
	asked   []byte
	left    []byte
}

func (e *exchange) Write(b []byte) (int, error) {
	e.asked = bytes.Clone(b)
	id := int32(binary.BigEndian.Uint32(b[8:]))
	a := answer(e.version, id, e.code, []aborted{{7, 9}}, []byte("records"))
	e.left = append(binary.BigEndian.AppendUint32(nil, uint32(len(a))), a...)
	return len(b), nil
}

func (e *exchange) Read(b []byte) (int, error) {
	n := copy(b, e.left)
	e.left = e.left[n:]
	return n, nil
}

// Every version that is spoken is asked and understood.
func TestFetchVersions(t *testing.T) {
	for v := int16(fetchOldest); v <= fetchNewest; v++ {
		e := &exchange{version: v}
		r := fetchRequest{topic: "t", partition: 3, offset: 42, maxBytes: 1000, minBytes: 1, maxWait: 10}
		r.Required(map[protocol.ApiKey]int16{protocol.Fetch: v})
		m, err := r.RawExchange(e)
		if err != nil {
			t.Fatalf("version %d: %v", v, err)
		}
		a := m.(*fetchAnswer)
		if a.high != 100 || string(a.records) != "records" || len(a.aborted) != 1 || a.aborted[0] != (aborted{7, 9}) || (a.start == 10) != (v >= 5) {
			t.Errorf("version %d: %+v", v, a)
		}
		// kafka-go reads the request as it was meant.
		_, _, client, msg, err := protocol.ReadRequest(bytes.NewReader(e.asked))
		if err != nil || client != clientID {
			t.Fatalf("version %d: %v, client %q", v, err, client)
		}
		if got := fmt.Sprintf("%+v", msg); !strings.Contains(got, "Topic:t") || !strings.Contains(got, "Partition:3") || !strings.Contains(got, "FetchOffset:42") || !strings.Contains(got, "IsolationLevel:1") || !strings.Contains(got, "PartitionMaxBytes:1000") {
			t.Errorf("version %d: %s", v, got)
		}
	}
	r := fetchRequest{}
	r.Required(map[protocol.ApiKey]int16{protocol.Fetch: 3})
	if _, err := r.RawExchange(&exchange{}); err == nil || !strings.Contains(err.Error(), "Kafka 0.11 or newer") {
		t.Error(err)
	}
}

func FuzzAnswer(f *testing.F) {
	good := slices.Concat(rawBatch(7, 0, 0, attrTransactional, 10, "a", "b\nc", ""), marker(7, 13, false), rawBatch(-1, 0, 0, 0, 14, "d"))
	for _, v := range []int16{4, 7, 11} {
		f.Add(v, answer(v, 1, 0, []aborted{{7, 9}}, good))
	}
	f.Fuzz(func(t *testing.T, version int16, b []byte) {
		r := fetchRequest{version: version, buf: b}
		a, err := r.decode(1)
		if err != nil {
			return
		}
		_, _, _ = readAll(a.records, a.aborted)
	})
}

func FuzzRecords(f *testing.F) {
	f.Add(rawBatch(-1, 0, 0, 0, 0, "a", "b\nc", "")[batchHead:], uint8(3))
	f.Add([]byte{0x28, 0xb5, 0x2f, 0xfd}, uint8(3))
	f.Fuzz(func(t *testing.T, body []byte, attributes uint8) {
		b := sealBatch(-1, 0, 0, uint16(attributes&attrCompression), 5, 1000, body)
		_, offsets, err := readAll(b, nil)
		if err == nil && len(offsets) != 1000 {
			t.Errorf("%d records", len(offsets))
		}
	})
}

var _ io.ReadWriter = (*exchange)(nil)
