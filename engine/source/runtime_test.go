package source_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	kgo "github.com/segmentio/kafka-go"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/engine"
	"github.com/weir-cep/weir/engine/source/file"
	"github.com/weir-cep/weir/engine/source/kafka"
	"github.com/weir-cep/weir/engine/source/redis"
	"github.com/weir-cep/weir/engine/source/servertest"
)

// feeds write events to the three kinds of source.
type feeds struct {
	t      *testing.T
	dir    string
	kafka  *kgo.Client
	topic  string
	redis  *goredis.Client
	stream string
}

func newFeeds(t *testing.T) *feeds {
	unique := fmt.Sprint("runtime-", time.Now().UnixNano())
	transport := &kgo.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	f := &feeds{t: t, dir: t.TempDir(), topic: unique, stream: unique,
		kafka: &kgo.Client{Addr: kgo.TCP(servertest.KafkaReady(t)), Transport: transport},
		redis: goredis.NewClient(&goredis.Options{Addr: servertest.Redis(t), Protocol: 2})}
	t.Cleanup(func() { f.redis.Close() })
	servertest.Eventually(t, "a topic is made", func() bool {
		res, err := f.kafka.CreateTopics(t.Context(), &kgo.CreateTopicsRequest{Topics: []kgo.TopicConfig{{Topic: f.topic, NumPartitions: 3, ReplicationFactor: 1}}})
		return err == nil && res.Errors[f.topic] == nil
	})
	return f
}

func (f *feeds) rules() engine.RuleSet {
	return engine.RuleText(filepath.Join(f.dir, "rules.cep"), fmt.Sprintf(`
event F { time at  at: timestamp  k: string }
event K { time at  at: timestamp  k: string }
event R { time at  at: timestamp  k: string }
source files of F from file { path: "log.ndjson", follow: true, order: arrival }
source topics of K from kafka { brokers: %q, topic: %q, order: arrival }
source streams of R from redis { address: %q, stream: %q, order: arrival }
rule f { by k  on F when k != ""  alert { severity low  message "file {k}" } }
rule k { by k  on K when k != ""  alert { severity low  message "kafka {k}" } }
rule r { by k  on R when k != ""  alert { severity low  message "redis {k}" } }
`, servertest.Kafka(f.t), f.topic, servertest.Redis(f.t), f.stream))
}

// write brings events from to to into each.
func (f *feeds) write(from, to int) {
	f.t.Helper()
	log, err := os.OpenFile(filepath.Join(f.dir, "log.ndjson"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		f.t.Fatal(err)
	}
	defer log.Close()
	pipe := f.redis.Pipeline()
	for n := from; n < to; n++ {
		fmt.Fprintf(log, `{"type":"F","at":"2026-01-31T10:00:00Z","k":"%d"}`+"\n", n)
		pipe.XAdd(f.t.Context(), &goredis.XAddArgs{Stream: f.stream, Values: []any{"type", "R", "at", "2026-01-31T10:00:00Z", "k", n}})
	}
	if _, err := pipe.Exec(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
	for p := range 3 {
		servertest.Eventually(f.t, "records are produced", func() bool {
			var records []kgo.Record
			for n := from + p; n < to; n += 3 {
				records = append(records, kgo.Record{Value: kgo.NewBytes(fmt.Appendf(nil, `{"type":"K","at":"2026-01-31T10:00:00Z","k":"%d"}`, n))})
			}
			res, err := f.kafka.Produce(f.t.Context(), &kgo.ProduceRequest{Topic: f.topic, Partition: p, RequiredAcks: kgo.RequireAll, Records: kgo.NewRecordReader(records...)})
			return err == nil && res.Error == nil
		})
	}
}

// alerts counts what is found, by message.
type alerts struct {
	mu  sync.Mutex
	all map[string]int
}

func (a *alerts) add(al *cep.Alert) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all[al.Message]++
}

func (a *alerts) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.all)
}

// Every kind of source in the runtime, stopped and begun again: each event is
// found once.
func TestInTheRuntime(t *testing.T) {
	f := newFeeds(t)
	state := filepath.Join(f.dir, "state")
	total := &alerts{all: map[string]int{}}
	written := 0
	for round := range 3 {
		got := &alerts{all: map[string]int{}}
		r, err := engine.Open(t.Context(), engine.RuntimeConfig{Dir: state, Sink: engine.SinkFunc(got.add),
			Open: map[string]engine.Opener{"file": file.Open, "kafka": kafka.Open, "redis": redis.Open}})
		if err != nil {
			t.Fatal(err)
		}
		if round == 0 {
			if _, err := r.Deploy(t.Context(), f.rules(), engine.Keep); err != nil {
				t.Fatal(err)
			}
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx) }()
		f.write(written, written+1000)
		written += 1000
		servertest.Eventually(t, fmt.Sprintf("3000 alerts of round %d", round), func() bool {
			return got.count() >= 3000
		})
		if _, err := r.Checkpoint(t.Context()); err != nil {
			t.Error(err)
		}
		f.write(written, written+500) // perhaps on its way when it ends
		written += 500
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		for k, n := range got.all {
			total.all[k] += n
		}
	}
	got := &alerts{all: map[string]int{}}
	r, err := engine.Open(t.Context(), engine.RuntimeConfig{Dir: state, Sink: engine.SinkFunc(got.add),
		Open: map[string]engine.Opener{"file": file.Open, "kafka": kafka.Open, "redis": redis.Open}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	all := func() map[string]int {
		got.mu.Lock()
		defer got.mu.Unlock()
		sum := maps.Clone(total.all)
		for k, n := range got.all {
			sum[k] += n
		}
		return sum
	}
	servertest.Eventually(t, "every event's alert", func() bool { return len(all()) >= 3*written })
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	sum := all()
	var more []string
	for k, n := range sum {
		if n != 1 {
			more = append(more, fmt.Sprintf("%s: %d", k, n))
		}
	}
	if slices.Sort(more); len(sum) != 3*written || len(more) > 0 {
		t.Errorf("%d alerts for %d events; not once: %.300s", len(sum), 3*written, strings.Join(more, ", "))
	}
}
