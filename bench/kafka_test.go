package bench

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	kgo "github.com/segmentio/kafka-go"

	"github.com/weir-cep/weir/alerts"
	"github.com/weir-cep/weir/engine"
	"github.com/weir-cep/weir/engine/source/kafka"
	"github.com/weir-cep/weir/engine/source/servertest"
)

// kafkaEvents are in the topic before the clock starts.
const kafkaEvents = 1_000_000

// BenchmarkKafka reads a topic of two partitions through the whole runtime:
// fetched, journaled, matched by 1 and by 10 rules, alerts in the log, with checkpoints
// every 5 s. BenchmarkBareFetch of engine/source/kafka is what fetching alone
// costs.
func BenchmarkKafka(b *testing.B) {
	addr := servertest.KafkaReady(b)
	topic := fmt.Sprintf("bench-%d", time.Now().UnixNano())
	fillTopic(b, addr, topic)
	for _, n := range []int{1, 10} {
		b.Run(fmt.Sprintf("rules=%d", n), func(b *testing.B) {
			rules := strings.ReplaceAll(strings.Replace(CardRules(n), "time at\n", "time at late 1m\n", 1), "%", "%%") +
				fmt.Sprintf("\nsource cards of Auth from kafka { brokers: %q, topic: %q, group: %%q, from: earliest, max_ahead: 100000h }\n", addr, topic)
			for b.Loop() {
				readTopic(b, fmt.Sprintf(rules, fmt.Sprint("bench-", time.Now().UnixNano())))
			}
		})
	}
}

func fillTopic(b *testing.B, addr, topic string) {
	b.Helper()
	ctx := context.Background()
	client := &kgo.Client{Addr: kgo.TCP(addr)}
	if _, err := client.CreateTopics(ctx, &kgo.CreateTopicsRequest{Topics: []kgo.TopicConfig{{Topic: topic, NumPartitions: 2, ReplicationFactor: 1}}}); err != nil {
		b.Fatal(err)
	}
	w := &kgo.Writer{Addr: kgo.TCP(addr), Topic: topic, Balancer: &kgo.RoundRobin{}, BatchSize: 2000, BatchTimeout: 5 * time.Millisecond, RequiredAcks: kgo.RequireAll, Compression: kgo.Lz4}
	defer w.Close()
	var all bytes.Buffer
	if err := Cards(&all, kafkaEvents, 1_000_000); err != nil {
		b.Fatal(err)
	}
	var list []kgo.Message
	flush := func() {
		for {
			err := w.WriteMessages(ctx, list...)
			if err == nil {
				break
			}
			if !strings.Contains(err.Error(), "Unknown Topic") {
				b.Fatal(err)
			}
		}
		list = list[:0]
	}
	for line := range bytes.Lines(all.Bytes()) {
		if list = append(list, kgo.Message{Value: bytes.TrimSuffix(line, []byte("\n"))}); len(list) == 20_000 {
			flush()
		}
	}
	flush()
}

func readTopic(b *testing.B, rules string) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	dir := b.TempDir()
	log, err := alerts.Open(alerts.Options{FS: vfs.Default, Dir: dir + "/alerts"})
	if err != nil {
		b.Fatal(err)
	}
	defer log.Close()
	r, err := engine.Open(ctx, engine.RuntimeConfig{Dir: dir, Sink: log, Shards: 2, Open: map[string]engine.Opener{"kafka": kafka.Open}})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := r.Deploy(ctx, engine.RuleText("bench.cep", rules), engine.Keep); err != nil {
		b.Fatal(err)
	}
	start, before := time.Now(), cpu(b)
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	for seen := uint64(0); seen < kafkaEvents; time.Sleep(5 * time.Millisecond) {
		st, err := r.Stats(ctx)
		if err != nil {
			b.Fatal(err)
		}
		seen = st.Engine.Events
	}
	took, used := time.Since(start), cpu(b)-before
	rate(b, kafkaEvents, used)
	b.ReportMetric(kafkaEvents/took.Seconds()/1e6, "M-events/s")
	stop()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
}
