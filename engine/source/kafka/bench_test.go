package kafka

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	kgo "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"

	"github.com/weir-cep/weir/engine"
	"github.com/weir-cep/weir/engine/source/servertest"
)

// records of the benchmark's topic, about 200 bytes each.
const benchRecords = 400_000

// filled makes a topic with one partition and fills it.
func filled(b *testing.B, packing kgo.Compression) *bench {
	t := newTopic(b, servertest.KafkaReady(b), 1)
	rnd := rand.New(rand.NewPCG(1, 1))
	const batch = 2000
	for n := 0; n < benchRecords; n += batch {
		var list []string
		for i := range batch {
			list = append(list, fmt.Sprintf(`{"type":"Auth","auth_id":"a%d","at":"2026-01-31T10:%02d:%02dZ","card_id":"c%d","merchant_id":"m%d","amount":"%d.%02d USD","decision":"approved","country":"RO","ip":"10.%d.%d.%d"}`,
				n+i, i/60%60, i%60, rnd.IntN(100_000), rnd.IntN(1000), rnd.IntN(500), rnd.IntN(100), rnd.IntN(256), rnd.IntN(256), rnd.IntN(256)))
		}
		t.produce(0, packing, list...)
	}
	return t
}

// drain is an intake that counts and keeps nothing.
type drain struct {
	size, chunks int
	next         int64
	done         func(next int64)
}

func (d *drain) Partition(string, int) (engine.Partition, error) { return d, nil }
func (d *drain) Cursor() []byte                                  { return nil }
func (d *drain) Lag(int64)                                       {}
func (d *drain) Reject(string, string, []byte)                   {}
func (d *drain) End()                                            {}

func (d *drain) Put(_ context.Context, c engine.Chunk) error {
	d.size += len(c.Data)
	d.chunks++
	c.Durable(nil)
	d.next = c.First + int64(bytes.Count(c.Data, []byte("\n")))
	d.done(d.next)
	return nil
}

// processor is the time that this process has used of it.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// report writes what a record costs: the process's processor time, not the
// broker's.
func report(b *testing.B, used time.Duration, took time.Duration, records int) {
	b.ReportMetric(float64(used.Nanoseconds())/float64(records), "cpu-ns/record")
	b.ReportMetric(float64(records)/took.Seconds(), "records/s")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkSource reads a topic into chunks; BenchmarkBareFetch only fetches and
// walks its records, by kafka-go's own reading of them.
func BenchmarkSource(b *testing.B) {
	for _, packing := range []kgo.Compression{0, kgo.Lz4, kgo.Zstd} {
		b.Run("packing="+packing.String(), func(b *testing.B) {
			t := filled(b, packing)
			var used, took time.Duration
			n := 0
			for b.Loop() {
				ctx, cancel := context.WithCancel(context.Background())
				s := t.open("")
				s.times = usual
				s.log = slog.New(slog.DiscardHandler)
				d := &drain{done: func(next int64) {
					if next == benchRecords {
						cancel()
					}
				}}
				c, err := s.connect()
				if err != nil {
					b.Fatal(err)
				}
				start, from := time.Now(), processor()
				g := &generation{s: s, commits: map[int]int64{}}
				if err := s.partition(ctx, kgo.PartitionAssignment{Offset: 0}, c, d, g); !errors.Is(err, context.Canceled) {
					b.Fatal(err)
				}
				used, took = used+processor()-from, took+time.Since(start)
				n += benchRecords
				c.close()
			}
			report(b, used, took, n)
		})
	}
}

func BenchmarkBareFetch(b *testing.B) {
	for _, packing := range []kgo.Compression{0, kgo.Lz4, kgo.Zstd} {
		b.Run("packing="+packing.String(), func(b *testing.B) {
			t := filled(b, packing)
			var used, took time.Duration
			n := 0
			for b.Loop() {
				tr := &kgo.Transport{MetadataTopics: []string{t.topic}}
				start, from := time.Now(), processor()
				for next := int64(0); next < benchRecords; {
					m, err := tr.RoundTrip(context.Background(), kgo.TCP(t.addr), &fetch.Request{ReplicaID: -1, MaxWaitTime: 500, MinBytes: 1, MaxBytes: 1 << 20,
						IsolationLevel: 1, SessionID: -1, SessionEpoch: -1, Topics: []fetch.RequestTopic{{Topic: t.topic,
							Partitions: []fetch.RequestPartition{{CurrentLeaderEpoch: -1, FetchOffset: next, LogStartOffset: -1, PartitionMaxBytes: 1 << 20}}}}})
					if err != nil {
						b.Fatal(err)
					}
					next = walk(b, m.(*fetch.Response), next)
				}
				used, took = used+processor()-from, took+time.Since(start)
				n += benchRecords
				tr.CloseIdleConnections()
			}
			report(b, used, took, n)
		})
	}
}

// walk reads the records of an answer and returns the offset behind them.
func walk(b *testing.B, res *fetch.Response, next int64) int64 {
	stream, ok := res.Topics[0].Partitions[0].RecordSet.Records.(*protocol.RecordStream)
	if !ok {
		return next
	}
	var buf []byte
	for {
		r, err := stream.ReadRecord()
		if errors.Is(err, io.EOF) {
			return next
		}
		if err != nil {
			b.Fatal(err)
		}
		if n := r.Value.Len(); cap(buf) < n {
			buf = make([]byte, n)
		}
		if _, err := io.ReadFull(r.Value, buf[:r.Value.Len()]); err != nil {
			b.Fatal(err)
		}
		next = r.Offset + 1
	}
}
