//go:build unix

package app

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-cep/weir/engine/source/servertest"
)

// sentence is how things stand, in the server's words.
func (p *process) sentence() string {
	p.t.Helper()
	var pipeline struct{ Health struct{ Sentence string } }
	p.get("/api/v1/pipeline", &pipeline)
	return pipeline.Health.Sentence
}

// says waits until the health sentence has some words in it.
func (p *process) says(words ...string) (sentence string) {
	p.t.Helper()
	p.until(fmt.Sprintf("the health sentence has %q", words), func() bool {
		sentence = p.sentence()
		for _, w := range words {
			if !strings.Contains(sentence, w) {
				return false
			}
		}
		return true
	})
	return sentence
}

// goesOn waits until events of the bus come in again and all is well.
func (p *process) goesOn(before int64) {
	p.t.Helper()
	p.until("events of the bus come in again", func() bool { return p.counts().read > before+2*ofBus })
	p.says("All is well")
}

// TestServeKafkaFaults: Kafka is killed and started again, and cut off, while a
// server reads from it: the sentence names the source as long as that lasts, the
// server goes on by itself, and the alerts are those of an undisturbed run.
func TestServeKafkaFaults(t *testing.T) {
	inFolder(t)
	proxy := servertest.NewProxy(t)
	broker := servertest.StartBroker(t, servertest.BrokerConfig{Proxy: proxy})
	l := newTraffic(t, 1)
	b := newKafkaBus(t, broker.Addr)
	l.bus, l.pause = b, 300*time.Millisecond // it takes a while
	p := l.serve()
	for _, f := range []struct{ fail, mend func() }{{broker.Kill, broker.Start}, {proxy.Cut, proxy.Mend}} {
		p.goesOn(p.counts().read)
		f.fail()
		t.Log(p.says("Source bus has not been read for", broker.Addr))
		if ready := p.metric("weir_ready"); ready != "1" {
			t.Errorf("ready is %s: what is posted is taken all the same", ready)
		}
		before := p.counts().read
		f.mend()
		p.goesOn(before)
	}
	l.end()
	l.check(p)
	t.Logf("%d events over HTTP, %d from Kafka, %d alerts", l.posted, l.produced, l.alerts)
}

// serve writes the rules, and begins with a server for them.
func (l *traffic) serve(args ...string) *process {
	l.t.Helper()
	write(l.t, "r.cep", loadRules+l.sources())
	p := serve(l.t, "state", append([]string{"r.cep", "--checkpoint-interval", "200ms", "--shards", "2", "--log-level", "warn"}, args...)...)
	l.begin(p)
	return p
}

// TestServeRedisFaults: the same with Redis, which holds a stream and a list.
func TestServeRedisFaults(t *testing.T) {
	inFolder(t)
	real := servertest.StartRedis(t)
	proxy := servertest.NewProxy(t)
	proxy.Target(real.Addr)
	direct := redis.NewClient(&redis.Options{Addr: real.Addr})
	defer direct.Close()
	if err := direct.SAdd(context.Background(), "watched", "u1", "u2", "u3").Err(); err != nil {
		t.Fatal(err)
	}
	l := newTraffic(t, 2)
	l.bus = &redisBus{client: direct, addr: proxy.Addr}
	const rule = "rule watched { by user  on Pay when user in watched  alert { message \"{user}\" } }\n"
	l.more = fmt.Sprintf("list watched of string from redis { address: %q, key: \"watched\", refresh: 1s }\n", proxy.Addr) + rule
	l.same = "list watched of string from file { path: \"watched.txt\" }\n" + rule
	write(t, "watched.txt", "u1\nu2\nu3\n")
	p := l.serve()
	for _, f := range []struct{ fail, mend func() }{{real.Kill, real.Start}, {proxy.Cut, proxy.Mend}} {
		p.goesOn(p.counts().read)
		f.fail()
		t.Log(p.says("Source bus has not been read for", proxy.Addr))
		before := p.counts().read
		f.mend()
		p.goesOn(before)
	}
	l.end()
	l.check(p)
	t.Logf("%d events over HTTP, %d from Redis, %d alerts", l.posted, l.produced, l.alerts)
}
