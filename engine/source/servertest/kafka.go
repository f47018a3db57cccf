package servertest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
)

// Broker is a Kafka broker of a test's own.
type Broker struct {
	Addr  string // for clients
	Plain string // of the listener without encryption and login
	p     process
}

// BrokerConfig says how a broker differs from the usual one.
type BrokerConfig struct {
	// Proxy leads to the broker, and clients are told only its address.
	Proxy *Proxy
	// Listener is one more listener, name and protocol: "SASL_SSL"; it is at
	// Broker.Addr then and the plain one elsewhere.
	Listener string
	// Lines are more lines of its properties.
	Lines []string
	// Format are more arguments of the storage tool: --add-scram …
	Format []string
}

// StartBroker starts a broker: one node, KRaft, its data in a folder of the
// test. Its jars are those of WEIR_TEST_KAFKA_LIB.
func StartBroker(t testing.TB, c BrokerConfig) *Broker {
	t.Helper()
	lib := address(t, "WEIR_TEST_KAFKA_LIB", "a folder with Kafka's jars")
	java := program(t, "java")
	dir := t.TempDir()
	plain, controller, extra := Port(t), Port(t), Port(t)
	b := &Broker{Addr: loopback(plain), Plain: loopback(plain)}
	listeners := fmt.Sprintf("PLAINTEXT://%s,CONTROLLER://%s", loopback(plain), loopback(controller))
	advertised := "PLAINTEXT://" + b.Addr
	protocols := "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT"
	if c.Proxy != nil {
		c.Proxy.Target(b.Addr)
		b.Addr = c.Proxy.Addr
		advertised = "PLAINTEXT://" + b.Addr
	}
	if c.Listener != "" {
		b.Addr = loopback(extra)
		listeners += fmt.Sprintf(",%s://%s", c.Listener, b.Addr)
		advertised += fmt.Sprintf(",%s://%s", c.Listener, b.Addr)
		protocols += fmt.Sprintf(",%s:%s", c.Listener, c.Listener)
	}
	conf := filepath.Join(dir, "server.properties")
	lines := append([]string{
		"process.roles=broker,controller",
		"node.id=1",
		"controller.quorum.bootstrap.servers=" + loopback(controller),
		"listeners=" + listeners,
		"advertised.listeners=" + advertised,
		"listener.security.protocol.map=" + protocols,
		"controller.listener.names=CONTROLLER",
		"inter.broker.listener.name=PLAINTEXT",
		"log.dirs=" + filepath.Join(dir, "data"),
		"auto.create.topics.enable=false",
		"offsets.topic.replication.factor=1",
		"offsets.topic.num.partitions=1",
		"transaction.state.log.replication.factor=1",
		"transaction.state.log.min.isr=1",
		"transaction.state.log.num.partitions=1",
		"group.initial.rebalance.delay.ms=0",
		"broker.session.timeout.ms=1500",
		"broker.heartbeat.interval.ms=300",
		"log.cleaner.dedupe.buffer.size=4194304",
	}, c.Lines...)
	if err := os.WriteFile(conf, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	jvm := []string{java, "-Xms192m", "-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
		"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", filepath.Join(lib, "*")}
	format := append(jvm[1:len(jvm):len(jvm)], "kafka.tools.StorageTool", "format", "--standalone", "-t", "AAAAAAAAAAAAAAAAAAAAAQ", "-c", conf)
	if out, err := exec.Command(java, append(format, c.Format...)...).CombinedOutput(); err != nil {
		t.Fatalf("format the broker's storage: %v\n%s", err, out)
	}
	b.p = process{t: t, addr: loopback(plain), dir: dir, args: append(jvm, "kafka.Kafka", conf)}
	b.p.start()
	ready(t, loopback(plain))
	return b
}

// Stop ends it, Kill ends it at once, Start starts it again on the same data.
func (b *Broker) Stop()  { b.p.stop() }
func (b *Broker) Kill()  { b.p.kill() }
func (b *Broker) Start() { b.p.start() }

var warm sync.Map // addresses whose coordinators are ready

// KafkaReady returns the address of the shared broker, its coordinators of
// groups and transactions ready.
func KafkaReady(t testing.TB) string {
	t.Helper()
	addr := Kafka(t)
	if _, ok := warm.Load(addr); !ok {
		ready(t, addr)
		warm.Store(addr, true)
	}
	return addr
}

// ready waits until a broker's coordinators answer: they make their topics at
// the first call.
func ready(t testing.TB, addr string) {
	t.Helper()
	Eventually(t, "the coordinators of "+addr+" are ready", func() bool {
		transport := &kafka.Transport{}
		defer transport.CloseIdleConnections()
		client := &kafka.Client{Addr: kafka.TCP(addr), Transport: transport}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		offsets, err := client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: "ready"})
		if err = errors.Join(err, offsetsError(offsets)); err != nil {
			return false
		}
		id, err := client.InitProducerID(ctx, &kafka.InitProducerIDRequest{TransactionalID: fmt.Sprint("ready-", time.Now().UnixNano()),
			TransactionTimeoutMs: 1000, ProducerID: -1, ProducerEpoch: -1})
		return err == nil && id.Error == nil
	})
}

func offsetsError(r *kafka.OffsetFetchResponse) error {
	if r == nil {
		return nil
	}
	return r.Error
}
