package kafka

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"
)

// Versions of the fetch call that are spoken: 4 is the first that knows of
// transactions (Kafka 0.11), 11 the last before the flexible ones.
const (
	fetchOldest = 4
	fetchNewest = 11
)

// maxAnswer bounds the memory of an answer, bytes: what is asked for, and one
// record batch more, as large as brokers allow.
const maxAnswer = 256 << 20

// fetchRequest asks for the records of one partition. It reads its answer
// itself, into a buffer that it owns: Transport hands it the connection.
type fetchRequest struct {
	topic     string
	partition int32
	offset    int64
	maxBytes  int32
	minBytes  int32
	maxWait   int32 // ms
	version   int16
	buf       []byte
}

// fetchAnswer is the answer. Its slices lie in the request's buffer.
type fetchAnswer struct {
	errorCode int16
	high      int64 // the offset behind the last record
	start     int64 // the oldest offset; -1 if the broker does not say
	aborted   []aborted
	records   []byte // record batches, the last perhaps cut off
}

var (
	_ protocol.BrokerMessage = (*fetchRequest)(nil)
	_ protocol.RawExchanger  = (*fetchRequest)(nil)
)

func (*fetchRequest) ApiKey() protocol.ApiKey { return protocol.Fetch }
func (*fetchAnswer) ApiKey() protocol.ApiKey  { return protocol.Fetch }

// Broker says that the request goes to the partition's leader.
func (r *fetchRequest) Broker(c protocol.Cluster) (protocol.Broker, error) {
	leader := fetch.Request{Topics: []fetch.RequestTopic{{Topic: r.topic, Partitions: []fetch.RequestPartition{{Partition: r.partition}}}}}
	return leader.Broker(c)
}

// Required is called with the versions that the connection speaks, before
// RawExchange.
func (r *fetchRequest) Required(versions map[protocol.ApiKey]int16) bool {
	r.version = min(versions[protocol.Fetch], fetchNewest)
	return true
}

// correlation numbers the requests of all connections.
var correlation atomic.Int32

// RawExchange sends the request and reads the answer.
func (r *fetchRequest) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	if r.version < fetchOldest {
		return nil, fmt.Errorf("the broker speaks fetch version %d, at least %d is needed: Kafka 0.11 or newer", r.version, fetchOldest)
	}
	id := correlation.Add(1)
	if _, err := rw.Write(r.encode(id)); err != nil {
		return nil, err
	}
	if err := r.receive(rw); err != nil {
		return nil, err
	}
	return r.decode(id)
}

// encode writes the request with its size and header.
func (r *fetchRequest) encode(id int32) []byte {
	be := binary.BigEndian
	b := make([]byte, 4, 128+len(r.topic))
	b = be.AppendUint16(b, uint16(protocol.Fetch))
	b = be.AppendUint16(b, uint16(r.version))
	b = be.AppendUint32(b, uint32(id))
	b = appendString(b, clientID)
	b = be.AppendUint32(b, ^uint32(0)) // replica: none
	b = be.AppendUint32(b, uint32(r.maxWait))
	b = be.AppendUint32(b, uint32(r.minBytes))
	b = be.AppendUint32(b, uint32(r.maxBytes))
	b = append(b, 1) // read committed
	if r.version >= 7 {
		b = be.AppendUint32(b, 0)          // no session
		b = be.AppendUint32(b, ^uint32(0)) // nor a new one
	}
	b = be.AppendUint32(b, 1)
	b = appendString(b, r.topic)
	b = be.AppendUint32(b, 1)
	b = be.AppendUint32(b, uint32(r.partition))
	if r.version >= 9 {
		b = be.AppendUint32(b, ^uint32(0)) // leader epoch: any
	}
	b = be.AppendUint64(b, uint64(r.offset))
	if r.version >= 5 {
		b = be.AppendUint64(b, ^uint64(0)) // of followers
	}
	b = be.AppendUint32(b, uint32(r.maxBytes))
	if r.version >= 7 {
		b = be.AppendUint32(b, 0) // nothing is forgotten
	}
	if r.version >= 11 {
		b = appendString(b, "") // no rack
	}
	be.PutUint32(b, uint32(len(b)-4))
	return b
}

func appendString(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}

// receive reads the answer into the request's buffer.
func (r *fetchRequest) receive(rd io.Reader) error {
	var size [4]byte
	if _, err := io.ReadFull(rd, size[:]); err != nil {
		return err
	}
	n := int(binary.BigEndian.Uint32(size[:]))
	if n > maxAnswer {
		return fmt.Errorf("an answer of %d bytes, at most %d can be taken: is this a Kafka broker, and without TLS?", n, maxAnswer)
	}
	if cap(r.buf) < n {
		r.buf = make([]byte, n, n+n/8)
	}
	r.buf = r.buf[:n]
	_, err := io.ReadFull(rd, r.buf)
	return err
}

// decode takes the answer apart.
func (r *fetchRequest) decode(id int32) (*fetchAnswer, error) {
	p := parser{b: r.buf}
	if got := p.int32(); got != id {
		return nil, fmt.Errorf("the answer to request %d came to %d", got, id)
	}
	a := &fetchAnswer{start: -1}
	p.int32() // throttled for
	if r.version >= 7 {
		a.errorCode = p.int16()
		p.int32() // session
	}
	for range p.count(2) {
		p.string()
		for range p.count(4) {
			r.decodePartition(&p, a)
		}
	}
	if p.bad {
		return nil, errors.New("the broker's answer to a fetch cannot be read")
	}
	return a, nil
}

func (r *fetchRequest) decodePartition(p *parser, a *fetchAnswer) {
	p.int32() // its number: only one was asked for
	if code := p.int16(); code != 0 {
		a.errorCode = code
	}
	a.high = p.int64()
	p.int64() // last stable offset
	if r.version >= 5 {
		a.start = p.int64()
	}
	for range p.count(16) {
		a.aborted = append(a.aborted, aborted{producer: p.int64(), first: p.int64()})
	}
	if r.version >= 11 {
		p.int32() // preferred replica
	}
	a.records = p.bytes()
}

// parser reads the parts of an answer. Behind a part that is not there it is
// bad and gives zeros.
type parser struct {
	b   []byte
	bad bool
}

func (p *parser) take(n int) []byte {
	if n < 0 || n > len(p.b) {
		p.bad, p.b = true, nil
		return nil
	}
	b := p.b[:n]
	p.b = p.b[n:]
	return b
}

func (p *parser) int16() int16 {
	if b := p.take(2); b != nil {
		return int16(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (p *parser) int32() int32 {
	if b := p.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (p *parser) int64() int64 {
	if b := p.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

// count reads the length of an array whose elements have at least size bytes.
func (p *parser) count(size int) int {
	n := int(p.int32())
	if n < 0 {
		return 0 // null
	}
	if n*size > len(p.b) {
		p.bad, p.b = true, nil
		return 0
	}
	return n
}

func (p *parser) string() []byte {
	n := int(p.int16())
	return p.take(max(n, 0))
}

func (p *parser) bytes() []byte {
	n := int(p.int32())
	return p.take(max(n, 0))
}
