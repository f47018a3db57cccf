package kafka

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	kgo "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"

	"github.com/weir-cep/weir/engine/source/servertest"
	"github.com/weir-cep/weir/engine/source/sourcetest"
)

// The broker goes away and comes back, killed and in the orderly way.
func TestBrokerRestart(t *testing.T) {
	broker := servertest.StartBroker(t, servertest.BrokerConfig{Lines: impatient})
	b := newTopic(t, broker.Addr, 2)
	b.own = true
	in := sourcetest.New()
	r := sourcetest.Start(t, b.open(""), in)
	n := 0
	more := func() {
		for p := range 2 {
			b.produce(p, kgo.Zstd, values(n, n+100)...)
		}
		n += 100
	}
	check := func() {
		for p := range 2 {
			b.expect(in, p, values(0, n))
		}
	}
	more()
	check()
	for _, end := range []func(){broker.Kill, broker.Stop} {
		end()
		errs := count(r.Err())
		in.Wait(t, "an error that names the broker", func() bool {
			return count(r.Err()) > errs && strings.Contains(r.Err().Error(), broker.Addr)
		})
		broker.Start()
		more()
		check()
	}
}

func count(err error) int {
	if err == nil {
		return 0
	}
	return strings.Count(err.Error(), "\n") + 1
}

// The network is cut, and then silent.
func TestCutOff(t *testing.T) {
	proxy := servertest.NewProxy(t)
	broker := servertest.StartBroker(t, servertest.BrokerConfig{Proxy: proxy, Lines: impatient})
	b := newTopic(t, broker.Addr, 1)
	b.own = true
	in := sourcetest.New()
	s := b.open("")
	s.times.slack = s.times.session
	r := sourcetest.Start(t, s, in)
	n := 0
	more := func() {
		b.produce(0, 0, values(n, n+1000)...)
		n += 1000
		b.expect(in, 0, values(0, n))
	}
	more()
	for _, cut := range []func(){proxy.Cut, proxy.Mute} {
		cut()
		errs := count(r.Err())
		in.Wait(t, "an error", func() bool { return count(r.Err()) > errs })
		proxy.Mend()
		more()
	}
}

// An offset that is gone: with a cursor the source refuses, without one it
// begins where it is told to.
func TestOutOfRange(t *testing.T) {
	b := newTopic(t, servertest.KafkaReady(t), 1)
	b.produce(0, 0, values(0, 10)...)
	in := sourcetest.New()
	r := sourcetest.Start(t, b.open(""), in)
	b.expect(in, 0, values(0, 10))
	in.Wait(t, "the offset is committed", func() bool { return b.committed(0) == 10 })
	r.Stop(t)
	b.produce(0, 0, values(10, 30)...)
	b.deleteBefore(0, 25)

	r = sourcetest.Start(t, b.open(""), in)
	in.Wait(t, "an error", func() bool { return r.Err() != nil })
	for _, want := range []string{"topic " + b.topic + ", partition 0: offsets 10 to 24 are lost", "its oldest is 25", "give the source another name"} {
		if !strings.Contains(r.Err().Error(), want) {
			t.Errorf("%v\nlacks %s", r.Err(), want)
		}
	}
	r.Stop(t)
	b.expect(in, 0, values(0, 10))

	// A journal that knows nothing: the group's offset is gone.
	other := sourcetest.New()
	r = sourcetest.Start(t, b.open(""), other)
	p := b.expect(other, 0, values(25, 30))
	if p.Records[0].Position != 25 {
		t.Errorf("begins at %d", p.Records[0].Position)
	}
	r.Stop(t)

	// The topic was made anew.
	if res, err := b.client.DeleteTopics(context.Background(), &kgo.DeleteTopicsRequest{Topics: []string{b.topic}}); err != nil || res.Errors[b.topic] != nil {
		t.Fatal(err, res.Errors)
	}
	b.create(1)
	b.produce(0, 0, values(0, 3)...)
	r = sourcetest.Start(t, b.open(""), other)
	in.Wait(t, "an error", func() bool {
		return r.Err() != nil && strings.Contains(r.Err().Error(), "offset 30 is to be read next")
	})
	if want := "the partition ends at 3: the topic was made anew"; !strings.Contains(r.Err().Error(), want) {
		t.Errorf("%v\nlacks %s", r.Err(), want)
	}
}

// deleteBefore removes records, as retention does.
func (b *bench) deleteBefore(partition int, offset int64) {
	b.t.Helper()
	if _, err := b.client.Transport.RoundTrip(context.Background(), b.client.Addr, &deleteRecords{topic: b.topic, partition: int32(partition), offset: offset}); err != nil {
		b.t.Fatal(err)
	}
}

// grow adds partitions to the topic.
func (b *bench) grow(partitions int32) {
	b.t.Helper()
	res, err := b.client.CreatePartitions(context.Background(), &kgo.CreatePartitionsRequest{Topics: []kgo.TopicPartitionsConfig{{Name: b.topic, Count: partitions}}})
	if err != nil || res.Errors[b.topic] != nil {
		b.t.Fatal(err, res)
	}
}

// deleteRecords is a call that kafka-go does not have.
type deleteRecords struct {
	topic     string
	partition int32
	offset    int64
}

func (*deleteRecords) ApiKey() protocol.ApiKey                 { return protocol.DeleteRecords }
func (*deleteRecords) Required(map[protocol.ApiKey]int16) bool { return true }
func (r *deleteRecords) Broker(c protocol.Cluster) (protocol.Broker, error) {
	leader := fetch.Request{Topics: []fetch.RequestTopic{{Topic: r.topic, Partitions: []fetch.RequestPartition{{Partition: r.partition}}}}}
	return leader.Broker(c)
}

func (r *deleteRecords) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	be := binary.BigEndian
	b := make([]byte, 4)
	b = be.AppendUint16(b, uint16(protocol.DeleteRecords))
	b = be.AppendUint16(b, 1)
	b = be.AppendUint32(b, 1) // correlation
	b = appendString(b, clientID)
	b = be.AppendUint32(b, 1)
	b = appendString(b, r.topic)
	b = be.AppendUint32(b, 1)
	b = be.AppendUint32(b, uint32(r.partition))
	b = be.AppendUint64(b, uint64(r.offset))
	b = be.AppendUint32(b, 10_000)
	be.PutUint32(b, uint32(len(b)-4))
	if _, err := rw.Write(b); err != nil {
		return nil, err
	}
	f := fetchRequest{}
	if err := f.receive(rw); err != nil {
		return nil, err
	}
	p := parser{b: f.buf}
	p.int32()
	p.int32() // throttled
	for range p.count(2) {
		p.string()
		for range p.count(4) {
			p.int32()
			p.int64()
			if code := p.int16(); code != 0 {
				return nil, fmt.Errorf("delete records: %w", kgo.Error(code))
			}
		}
	}
	if p.bad {
		return nil, errors.New("the answer cannot be read")
	}
	return r, nil
}
