package kafka

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	kgo "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"github.com/weir-cep/weir/engine"
	"github.com/weir-cep/weir/engine/source/servertest"
	"github.com/weir-cep/weir/engine/source/sourcetest"
)

func sourceConfig(t testing.TB, options string) engine.SourceConfig {
	ir := sourcetest.IR(t, "rules.cep", options)
	return engine.SourceConfig{Name: ir.Name, IR: ir}
}

// bench is a topic of a test on a broker.
type bench struct {
	t      testing.TB
	client *kgo.Client
	addr   string
	topic  string
	own    bool // the broker is one that StartBroker started with ownBroker's lines
}

// impatient are lines of a broker that takes a member for dead soon.
var impatient = []string{"group.min.session.timeout.ms=500"}

var topics atomic.Int64

// newTopic makes a topic of its own.
func newTopic(t testing.TB, addr string, partitions int, config ...kgo.ConfigEntry) *bench {
	t.Helper()
	transport := &kgo.Transport{MetadataTTL: time.Second}
	t.Cleanup(transport.CloseIdleConnections)
	b := &bench{t: t, addr: addr, client: &kgo.Client{Addr: kgo.TCP(addr), Transport: transport, Timeout: servertest.Patience},
		topic: fmt.Sprintf("t%d-%d", time.Now().UnixNano(), topics.Add(1))}
	b.create(partitions, config...)
	return b
}

func (b *bench) create(partitions int, config ...kgo.ConfigEntry) {
	b.t.Helper()
	servertest.Eventually(b.t, "a topic is made", func() bool {
		res, err := b.client.CreateTopics(context.Background(), &kgo.CreateTopicsRequest{
			Topics: []kgo.TopicConfig{{Topic: b.topic, NumPartitions: partitions, ReplicationFactor: 1, ConfigEntries: config}}})
		if err == nil {
			err = res.Errors[b.topic]
		}
		return err == nil
	})
}

// produce appends values to a partition as one batch.
func (b *bench) produce(partition int, compression kgo.Compression, values ...string) {
	b.t.Helper()
	servertest.Eventually(b.t, "records are produced", func() bool {
		records := make([]kgo.Record, len(values))
		for i, v := range values {
			records[i] = kgo.Record{Key: kgo.NewBytes([]byte("k")), Value: kgo.NewBytes([]byte(v))}
			if v == "tombstone" {
				records[i].Value = nil
			}
		}
		res, err := b.client.Produce(context.Background(), &kgo.ProduceRequest{Topic: b.topic, Partition: partition,
			RequiredAcks: kgo.RequireAll, Compression: compression, Records: kgo.NewRecordReader(records...)})
		return err == nil && res.Error == nil
	})
}

// ends waits until a partition has offsets up to end: markers are written a
// little later than their transaction ends.
func (b *bench) ends(partition int, end int64) {
	b.t.Helper()
	servertest.Eventually(b.t, fmt.Sprintf("the partition ends at %d", end), func() bool {
		res, err := b.client.ListOffsets(context.Background(), &kgo.ListOffsetsRequest{Topics: map[string][]kgo.OffsetRequest{b.topic: {kgo.LastOffsetOf(partition)}}})
		return err == nil && len(res.Topics[b.topic]) == 1 && res.Topics[b.topic][0].LastOffset == end
	})
}

// value is the n-th event.
func value(n int) string {
	return fmt.Sprintf(`{"type":"E","at":"2026-01-31T10:00:00Z","k":"event %d","pad":"%s"}`, n, strings.Repeat("x", 100))
}

func values(from, to int) (list []string) {
	for n := from; n < to; n++ {
		list = append(list, value(n))
	}
	return list
}

// options are a source's options over the topic.
func (b *bench) options(more string) string {
	return fmt.Sprintf("kafka { brokers: [%q], topic: %q, group: %q%s }", b.addr, b.topic, "g-"+b.topic, more)
}

// open opens a source over the topic that does not wait long.
func (b *bench) open(more string) *source {
	b.t.Helper()
	return b.hasty(sourcetest.Open(b.t, Open, "rules.cep", b.options(more)).(*source))
}

func (b *bench) hasty(s *source) *source {
	s.times.maxWait = 50 * time.Millisecond
	s.times.patience = 300 * time.Millisecond
	s.times.commit = 20 * time.Millisecond
	s.times.landing = 500 * time.Millisecond
	s.times.heartbeat = 100 * time.Millisecond
	s.times.session = 6 * time.Second // the least that the shared broker allows
	if b.own {
		s.times.session, s.times.leaving = time.Second, 200*time.Millisecond
	}
	return s
}

func (b *bench) name(partition int) string { return fmt.Sprintf("%s/%d", b.topic, partition) }

// expect waits for exactly these records in a partition.
func (b *bench) expect(in *sourcetest.Intake, partition int, want []string) sourcetest.Snapshot {
	b.t.Helper()
	name := b.name(partition)
	in.Wait(b.t, fmt.Sprintf("%d records of %s", len(want), name), func() bool { return len(in.Part(name).Records) >= len(want) })
	p := in.Part(name)
	if got := p.Texts(); !slices.Equal(got, want) {
		for i := range max(len(got), len(want)) {
			if i >= len(got) || i >= len(want) || got[i] != want[i] {
				b.t.Fatalf("%s: %d records, want %d; the first other one is %d: %.200q, want %.200q", name, len(got), len(want), i, got[i:min(i+1, len(got))], want[i:min(i+1, len(want))])
			}
		}
	}
	return p
}

// committed returns the group's offset of a partition, -1 if it has none.
func (b *bench) committed(partition int) int64 {
	b.t.Helper()
	res, err := b.client.OffsetFetch(context.Background(), &kgo.OffsetFetchRequest{GroupID: "g-" + b.topic, Topics: map[string][]int{b.topic: {partition}}})
	if err != nil || len(res.Topics[b.topic]) != 1 {
		return -1
	}
	return res.Topics[b.topic][0].CommittedOffset
}

// producer writes transactions.
type producer struct {
	b     *bench
	id    string
	pid   int
	epoch int
	seq   int32
	part  int
}

func (b *bench) producer(part int, id string) *producer {
	b.t.Helper()
	p := &producer{b: b, id: b.topic + "-" + id, part: part}
	p.retry("a producer gets its id", func() error {
		res, err := b.client.InitProducerID(context.Background(), &kgo.InitProducerIDRequest{TransactionalID: p.id, TransactionTimeoutMs: 60000, ProducerID: -1, ProducerEpoch: -1})
		if err == nil {
			err = res.Error
		}
		if err == nil {
			p.pid, p.epoch = res.Producer.ProducerID, res.Producer.ProducerEpoch
		}
		return err
	})
	return p
}

func (p *producer) retry(what string, f func() error) {
	p.b.t.Helper()
	var err error
	servertest.Eventually(p.b.t, what, func() bool {
		err = f()
		return err == nil
	})
}

// begin adds the partition to the transaction; before that nothing may be sent.
func (p *producer) begin() {
	p.b.t.Helper()
	p.retry("a transaction begins", func() error {
		res, err := p.b.client.AddPartitionsToTxn(context.Background(), &kgo.AddPartitionsToTxnRequest{TransactionalID: p.id, ProducerID: p.pid, ProducerEpoch: p.epoch,
			Topics: map[string][]kgo.AddPartitionToTxn{p.b.topic: {{Partition: p.part}}}})
		if err != nil {
			return err
		}
		for _, r := range res.Topics[p.b.topic] {
			err = errors.Join(err, r.Error)
		}
		return err
	})
}

// send appends a batch to the transaction.
func (p *producer) send(values ...string) {
	p.b.t.Helper()
	raw := rawBatch(int64(p.pid), int16(p.epoch), p.seq, attrTransactional, 0, values...)
	p.seq += int32(len(values))
	framed := append(binary.BigEndian.AppendUint32(nil, uint32(len(raw))), raw...)
	p.retry("records are sent", func() error { // again is no risk: the broker knows their numbers
		res, err := p.b.client.RawProduce(context.Background(), &kgo.RawProduceRequest{Topic: p.b.topic, Partition: p.part, RequiredAcks: kgo.RequireAll,
			TransactionalID: p.id, RawRecords: protocol.RawRecordSet{Reader: bytes.NewReader(framed)}})
		if err == nil {
			err = res.Error
		}
		return err
	})
}

func (p *producer) end(commit bool) {
	p.b.t.Helper()
	p.retry("a transaction ends", func() error {
		res, err := p.b.client.EndTxn(context.Background(), &kgo.EndTxnRequest{TransactionalID: p.id, ProducerID: p.pid, ProducerEpoch: p.epoch, Committed: commit})
		if err == nil {
			err = res.Error
		}
		return err
	})
}

// rawBatch writes a record batch that is not packed.
func rawBatch(pid int64, epoch int16, seq int32, attributes uint16, base int64, values ...string) []byte {
	var records []byte
	for i, v := range values {
		r := []byte{0}
		r = binary.AppendVarint(r, 0)
		r = binary.AppendVarint(r, int64(i))
		r = binary.AppendVarint(r, -1) // no key
		r = binary.AppendVarint(r, int64(len(v)))
		r = append(r, v...)
		r = binary.AppendVarint(r, 0) // headers
		records = append(binary.AppendVarint(records, int64(len(r))), r...)
	}
	return sealBatch(pid, epoch, seq, attributes, base, len(values), records)
}

func sealBatch(pid int64, epoch int16, seq int32, attributes uint16, base int64, count int, records []byte) []byte {
	be := binary.BigEndian
	body := be.AppendUint16(nil, attributes)
	body = be.AppendUint32(body, uint32(count-1))
	now := uint64(time.Now().UnixMilli())
	body = be.AppendUint64(body, now)
	body = be.AppendUint64(body, now)
	body = be.AppendUint64(body, uint64(pid))
	body = be.AppendUint16(body, uint16(epoch))
	body = be.AppendUint32(body, uint32(seq))
	body = be.AppendUint32(body, uint32(count))
	body = append(body, records...)
	b := be.AppendUint64(nil, uint64(base))
	b = be.AppendUint32(b, uint32(9+len(body)))
	b = be.AppendUint32(b, ^uint32(0))
	b = append(b, 2)
	b = be.AppendUint32(b, crc32.Checksum(body, castagnoli))
	return append(b, body...)
}
