//go:build unix

package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	kgo "github.com/segmentio/kafka-go"

	"github.com/weir-cep/weir/engine/source/servertest"
)

// kafkaBus is a topic of two partitions.
type kafkaBus struct {
	t      *testing.T
	client *kgo.Client
	addr   string
	topic  string // and the name of the group
}

// sharedKafka is a topic on the shared broker, nil without one.
func sharedKafka(t *testing.T) bus {
	t.Helper()
	if os.Getenv("WEIR_TEST_KAFKA") == "" && os.Getenv("WEIR_REQUIRE_SERVERS") != "1" {
		t.Log("without Kafka, since WEIR_TEST_KAFKA does not name a broker: run the test by .ci/servers go test …")
		return nil
	}
	return newKafkaBus(t, servertest.KafkaReady(t))
}

func newKafkaBus(t *testing.T, addr string) *kafkaBus {
	t.Helper()
	transport := &kgo.Transport{MetadataTTL: time.Second, DialTimeout: time.Second}
	t.Cleanup(transport.CloseIdleConnections)
	b := &kafkaBus{t: t, addr: addr, topic: fmt.Sprint("load-", time.Now().UnixNano()),
		client: &kgo.Client{Addr: kgo.TCP(addr), Transport: transport, Timeout: 10 * time.Second}}
	servertest.Eventually(t, "a topic is made", func() bool {
		res, err := b.client.CreateTopics(context.Background(), &kgo.CreateTopicsRequest{
			Topics: []kgo.TopicConfig{{Topic: b.topic, NumPartitions: 2, ReplicationFactor: 1}}})
		if err == nil {
			err = res.Errors[b.topic]
		}
		return err == nil || errors.Is(err, kgo.TopicAlreadyExists)
	})
	return b
}

func (b *kafkaBus) parts() int { return 2 }

func (b *kafkaBus) source() string {
	return fmt.Sprintf("kafka { brokers: [%q], topic: %q, group: %[2]q, idle: 10h }", b.addr, b.topic)
}

// produce appends events to a partition, again until the broker has them.
func (b *kafkaBus) produce(partition int, lines ...string) error {
	return insist("produce", func() error {
		records := make([]kgo.Record, len(lines))
		for i, line := range lines {
			records[i] = kgo.Record{Value: kgo.NewBytes([]byte(line))}
		}
		res, err := b.client.Produce(context.Background(), &kgo.ProduceRequest{Topic: b.topic, Partition: partition,
			RequiredAcks: kgo.RequireAll, Records: kgo.NewRecordReader(records...)})
		if err == nil {
			err = res.Error
		}
		return err
	})
}

// bury does what the broker does after the session timeout, for which a test
// cannot wait after every kill.
func (b *kafkaBus) bury() {
	b.t.Helper()
	servertest.Eventually(b.t, "the group is empty", func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		res, err := b.client.DescribeGroups(ctx, &kgo.DescribeGroupsRequest{GroupIDs: []string{b.topic}})
		if err != nil || len(res.Groups) != 1 {
			return false
		}
		var gone []kgo.LeaveGroupRequestMember
		for _, m := range res.Groups[0].Members {
			gone = append(gone, kgo.LeaveGroupRequestMember{ID: m.MemberID})
		}
		if len(gone) > 0 {
			_, _ = b.client.LeaveGroup(ctx, &kgo.LeaveGroupRequest{GroupID: b.topic, Members: gone}) // the next look tells
		}
		return len(gone) == 0
	})
}

// redisBus is a stream.
type redisBus struct {
	client *redis.Client
	addr   string
}

func (b *redisBus) parts() int { return 1 }
func (b *redisBus) bury()      {} // what a dead member held is claimed from it

func (b *redisBus) source() string {
	return fmt.Sprintf(`redis { address: %q, stream: "events", group: "weir", field: "event", idle: 10h }`, b.addr)
}

func (b *redisBus) produce(_ int, lines ...string) error {
	return insist("add to the stream", func() error {
		pipe := b.client.Pipeline()
		for _, line := range lines {
			pipe.XAdd(context.Background(), &redis.XAddArgs{Stream: "events", Values: []string{"event", line}})
		}
		_, err := pipe.Exec(context.Background())
		return err
	})
}

// insist does something again until it works.
func insist(what string, do func() error) error {
	for end := time.Now().Add(2 * time.Minute); ; {
		err := do()
		if err == nil {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("%s: not in two minutes: %w", what, err)
		}
		time.Sleep(50 * time.Millisecond) // before it is tried again
	}
}
