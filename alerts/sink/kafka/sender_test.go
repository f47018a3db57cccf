package kafka

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	kgo "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl/plain"

	"github.com/weir-cep/weir/alerts/sink"
	"github.com/weir-cep/weir/alerts/sink/sinktest"
	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/engine/source/servertest"
)

const partitions = 3

// topic makes a topic of a test's own.
func topic(t *testing.T, client *kgo.Client, config ...kgo.ConfigEntry) string {
	t.Helper()
	name := fmt.Sprintf("sink-%d", time.Now().UnixNano())
	create(t, client, name, config...)
	return name
}

func create(t *testing.T, client *kgo.Client, name string, config ...kgo.ConfigEntry) {
	t.Helper()
	res, err := client.CreateTopics(t.Context(), &kgo.CreateTopicsRequest{Topics: []kgo.TopicConfig{
		{Topic: name, NumPartitions: partitions, ReplicationFactor: 1, ConfigEntries: config}}})
	if err == nil {
		err = res.Errors[name]
	}
	if err != nil {
		t.Fatal(err)
	}
}

func client(t *testing.T, addr string) *kgo.Client {
	transport := &kgo.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &kgo.Client{Addr: kgo.TCP(addr), Transport: transport, Timeout: 10 * time.Second}
}

// arrived reads the numbers of all records of a topic, partition by partition,
// and checks them.
func arrived(t *testing.T, c *kgo.Client, topic string) []uint64 {
	t.Helper()
	var list []uint64
	for p := range partitions {
		for offset := int64(0); ; {
			res, err := c.Fetch(t.Context(), &kgo.FetchRequest{Topic: topic, Partition: p, Offset: offset, MinBytes: 1, MaxBytes: 8 << 20, MaxWait: 100 * time.Millisecond})
			if err == nil {
				err = res.Error
			}
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for {
				r, err := res.Records.ReadRecord()
				if err != nil {
					break
				}
				list = append(list, check(t, r))
				offset, n = r.Offset+1, n+1
			}
			if n == 0 {
				break
			}
		}
	}
	return list
}

func check(t *testing.T, r *kgo.Record) uint64 {
	t.Helper()
	value, key := make([]byte, r.Value.Len()), make([]byte, r.Key.Len())
	if _, err := r.Value.Read(value); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Key.Read(key); err != nil {
		t.Fatal(err)
	}
	var a struct{ Seq uint64 }
	if err := json.Unmarshal(value, &a); err != nil {
		t.Fatal(err)
	}
	id := sinktest.Alert(a.Seq).ID
	if string(key) != sinktest.Key(a.Seq) || len(r.Headers) != 1 || r.Headers[0].Key != "alert_id" || string(r.Headers[0].Value) != hex.EncodeToString(id[:]) {
		t.Fatalf("record of alert %d: key %q, headers %v", a.Seq, key, r.Headers)
	}
	if len(value) < 10_000 && string(value) != sinktest.Text(a.Seq) {
		t.Fatalf("record of alert %d: %s", a.Seq, value)
	}
	return a.Seq
}

func spec(t *testing.T, addr, topic, more string) sink.Spec {
	return sinktest.Spec(t, filepath.Join(t.TempDir(), "rules.cep"), fmt.Sprintf("kafka { brokers: %q, topic: %q %s }", addr, topic, more))
}

func reached(s *sink.Lanes, n uint64) func() bool {
	return func() bool { return s.Stats()[0].Cursor >= n }
}

func TestSends(t *testing.T) {
	addr := servertest.KafkaReady(t)
	c := client(t, addr)
	name := topic(t, c)
	l := sinktest.Log(t)
	sinktest.Commit(t, l, 2000)
	s := sinktest.Start(t, l, Open, spec(t, addr, name, ""))
	sinktest.Eventually(t, "all are sent", reached(s, 2000))
	sinktest.Commit(t, l, 2010)
	sinktest.Eventually(t, "new ones are sent", reached(s, 2010))
	if again := sinktest.Complete(t, arrived(t, c, name), 2010); again != 0 {
		t.Fatalf("%d came twice", again)
	}
	if st := s.Stats()[0]; st.Sent != 2010 || st.Err != "" {
		t.Fatalf("%+v", st)
	}
}

func TestTopicThatIsNotThere(t *testing.T) {
	addr := servertest.KafkaReady(t)
	c := client(t, addr)
	name := fmt.Sprintf("sink-later-%d", time.Now().UnixNano())
	l := sinktest.Log(t)
	sinktest.Commit(t, l, 10)
	s := sinktest.Start(t, l, Open, spec(t, addr, name, ""))
	sinktest.Eventually(t, "it is said", func() bool { return strings.Contains(s.Stats()[0].Err, "create the topic") })
	create(t, c, name)
	sinktest.Eventually(t, "it goes on", reached(s, 10))
	sinktest.Complete(t, arrived(t, c, name), 10)
}

func TestRecordThatIsTooLarge(t *testing.T) {
	addr := servertest.KafkaReady(t)
	c := client(t, addr)
	name := topic(t, c, kgo.ConfigEntry{ConfigName: "max.message.bytes", ConfigValue: "20000"})
	l := sinktest.Log(t)
	sinktest.Commit(t, l, 9)
	large := sinktest.Alert(10)
	large.Message = strings.Repeat("x", 30_000)
	if err := l.Commit(10, []*cep.Alert{large}); err != nil {
		t.Fatal(err)
	}
	sinktest.Commit(t, l, 200) // more than one record batch may hold
	s := sinktest.Start(t, l, Open, spec(t, addr, name, ""))
	sinktest.Eventually(t, "all others are sent", reached(s, 200))
	if st := s.Stats()[0]; st.Refused != 1 || st.Sent != 199 {
		t.Fatalf("%+v", st)
	}
	sinktest.Complete(t, arrived(t, c, name), 200, 10)
}

// TestBrokerGoesAway kills and stops the broker while alerts are sent. All
// arrive, those of a key in their order.
func TestBrokerGoesAway(t *testing.T) {
	b := servertest.StartBroker(t, servertest.BrokerConfig{})
	c := client(t, b.Addr)
	name := topic(t, c)
	l := sinktest.Log(t)
	s := sinktest.Start(t, l, Open, spec(t, b.Addr, name, ""))
	n := uint64(0)
	more := func() {
		n += 300
		sinktest.Commit(t, l, n)
	}
	more()
	sinktest.Eventually(t, "the first are sent", reached(s, n))
	for _, trouble := range []struct {
		what       string
		begin, end func()
	}{
		{"the broker is killed", b.Kill, b.Start},
		{"the broker restarts", b.Stop, b.Start},
	} {
		more()
		trouble.begin()
		more()
		sinktest.Eventually(t, trouble.what+" and it is said", func() bool { return s.Stats()[0].Err != "" })
		trouble.end()
		more()
		sinktest.Eventually(t, trouble.what+" and it goes on", reached(s, n))
	}
	st := s.Stats()[0]
	if st.Err != "" || st.Sent != n {
		t.Fatalf("%+v", st)
	}
	again := sinktest.Complete(t, arrived(t, client(t, b.Addr), name), n) // the old client knows dead connections
	t.Logf("%d alerts, %d of them more than once, %d tries failed", n, again, st.Retries)
}

func TestLogin(t *testing.T) {
	b := servertest.StartBroker(t, servertest.BrokerConfig{Listener: "SASL_PLAINTEXT", Lines: []string{
		"sasl.enabled.mechanisms=PLAIN",
		`listener.name.sasl_plaintext.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_weir="let me in";`,
	}})
	c := client(t, b.Addr)
	c.Transport = &kgo.Transport{SASL: plain.Mechanism{Username: "weir", Password: "let me in"}}
	name := topic(t, c)
	spec := spec(t, b.Addr, name, `, sasl: plain, user: "weir", secret_file: "secret"`)
	secret := filepath.Join(filepath.Dir(spec.IR.File), "secret")
	if err := os.WriteFile(secret, []byte("wrong\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l := sinktest.Log(t)
	sinktest.Commit(t, l, 10)
	s := sinktest.Start(t, l, Open, spec)
	sinktest.Eventually(t, "it is said", func() bool { return strings.Contains(s.Stats()[0].Err, "user or password are not right") })
	if err := os.WriteFile(secret, []byte("let me in\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	sinktest.Eventually(t, "the new secret is taken up", reached(s, 10))
	sinktest.Complete(t, arrived(t, c, name), 10)
}

func TestWrongOptions(t *testing.T) {
	for _, c := range []struct{ more, want string }{
		{`, sasl: plain`, "option sasl: to log in, the options user and secret_file are needed too"},
		{`, user: "u"`, "option user: to log in, the option sasl is needed too"},
		{`, sasl: plain, user: "u", secret_file: "nothing"`, "option secret_file: stat"},
		{`, ca_file: "nothing"`, "option ca_file: open"},
	} {
		_, err := Open(spec(t, "localhost:1", "t", c.more))
		if err == nil || !strings.Contains(err.Error(), "rules.cep: sink out, ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.more, err)
		}
	}
}

func BenchmarkSend(b *testing.B) {
	addr := servertest.KafkaReady(b)
	transport := &kgo.Transport{}
	defer transport.CloseIdleConnections()
	name := fmt.Sprintf("sink-bench-%d", time.Now().UnixNano())
	_, err := (&kgo.Client{Addr: kgo.TCP(addr), Transport: transport}).CreateTopics(b.Context(), &kgo.CreateTopicsRequest{Topics: []kgo.TopicConfig{
		{Topic: name, NumPartitions: partitions, ReplicationFactor: 1}}})
	if err != nil {
		b.Fatal(err)
	}
	s, err := Open(sinktest.Spec(b, filepath.Join(b.TempDir(), "rules.cep"), fmt.Sprintf("kafka { brokers: %q, topic: %q }", addr, name)))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	items := make([]sink.Item, 500)
	for i := range items {
		a := sinktest.Alert(uint64(i + 1))
		items[i] = sink.Item{Seq: uint64(i + 1), ID: a.ID, Rule: a.Rule, Key: sinktest.Key(uint64(i)), Text: []byte(sinktest.Text(uint64(i + 1)))}
	}
	for b.Loop() {
		if err := s.Send(context.Background(), items); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(items))*float64(b.N)/b.Elapsed().Seconds(), "alerts/s")
}

// TestEndsWithoutAnAnswer ends a lane whose broker does not answer.
func TestEndsWithoutAnAnswer(t *testing.T) {
	proxy := servertest.NewProxy(t)
	proxy.Target(servertest.KafkaReady(t))
	proxy.Mute()
	l := sinktest.Log(t)
	sinktest.Commit(t, l, 10)
	s := sinktest.Start(t, l, Open, spec(t, proxy.Addr, "out", ""))
	sinktest.Eventually(t, "it sends", func() bool { return !s.Stats()[0].Oldest.IsZero() })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	begin := time.Now()
	s.Close(ctx)
	t.Logf("ended in %v", time.Since(begin))
	if st := s.Stats(); st[0].Sent != 0 {
		t.Fatalf("%+v", st)
	}
}
