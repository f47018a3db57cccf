package redis

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

	goredis "github.com/redis/go-redis/v9"

	"github.com/weir-cep/weir/alerts/sink"
	"github.com/weir-cep/weir/alerts/sink/sinktest"
	"github.com/weir-cep/weir/engine/source/servertest"
)

func client(t testing.TB, addr string) *goredis.Client {
	c := goredis.NewClient(&goredis.Options{Addr: addr})
	t.Cleanup(func() { c.Close() })
	return c
}

func stream(t testing.TB, c *goredis.Client) string {
	name := fmt.Sprintf("sink-%d", time.Now().UnixNano())
	t.Cleanup(func() { c.Del(t.Context(), name) })
	return name
}

func spec(t testing.TB, addr, stream, more string) sink.Spec {
	return sinktest.Spec(t, filepath.Join(t.TempDir(), "rules.cep"), fmt.Sprintf("redis { address: %q, stream: %q %s }", addr, stream, more))
}

func reached(s *sink.Lanes, n uint64) func() bool {
	return func() bool { return s.Stats()[0].Cursor >= n }
}

// arrived reads the numbers of all entries of a stream and checks them.
func arrived(t *testing.T, c *goredis.Client, stream string) []uint64 {
	t.Helper()
	entries, err := c.XRange(t.Context(), stream, "-", "+").Result()
	if err != nil {
		t.Fatal(err)
	}
	var list []uint64
	for _, e := range entries {
		data, _ := e.Values["data"].(string)
		var a struct{ Seq uint64 }
		if err := json.Unmarshal([]byte(data), &a); err != nil {
			t.Fatal(err)
		}
		id := sinktest.Alert(a.Seq).ID
		if data != sinktest.Text(a.Seq) || e.Values["alert_id"] != hex.EncodeToString(id[:]) || e.Values["rule"] != "probing" || e.Values["key"] != sinktest.Key(a.Seq) {
			t.Fatalf("entry of alert %d: %v", a.Seq, e.Values)
		}
		list = append(list, a.Seq)
	}
	return list
}

func TestSends(t *testing.T) {
	addr := servertest.Redis(t)
	c := client(t, addr)
	name := stream(t, c)
	l := sinktest.Log(t)
	sinktest.Commit(t, l, 2000)
	s := sinktest.Start(t, l, Open, spec(t, addr, name, ""))
	sinktest.Eventually(t, "all are sent", reached(s, 2000))
	sinktest.Commit(t, l, 2010)
	sinktest.Eventually(t, "new ones are sent", reached(s, 2010))
	if again := sinktest.Complete(t, arrived(t, c, name), 2010); again != 0 {
		t.Fatalf("%d came twice", again)
	}
	if st := s.Stats()[0]; st.Retries != 0 || st.Sent != 2010 {
		t.Fatalf("%+v", st)
	}
}

func TestStreamIsKeptShort(t *testing.T) {
	addr := servertest.Redis(t)
	c := client(t, addr)
	name := stream(t, c)
	l := sinktest.Log(t)
	sinktest.Commit(t, l, 3000)
	s := sinktest.Start(t, l, Open, spec(t, addr, name, ", max_len: 500"))
	sinktest.Eventually(t, "all are sent", reached(s, 3000))
	// The server cuts whole nodes of up to 100 entries.
	list := arrived(t, c, name)
	if len(list) < 500 || len(list) > 700 || list[len(list)-1] != 3000 {
		t.Fatalf("%d entries are left, the last is %d", len(list), list[len(list)-1])
	}
}

func TestKeyOfAnotherKind(t *testing.T) {
	addr := servertest.Redis(t)
	c := client(t, addr)
	name := stream(t, c)
	if err := c.Set(t.Context(), name, "text", 0).Err(); err != nil {
		t.Fatal(err)
	}
	l := sinktest.Log(t)
	sinktest.Commit(t, l, 10)
	s := sinktest.Start(t, l, Open, spec(t, addr, name, ""))
	sinktest.Eventually(t, "it is said", func() bool { return strings.Contains(s.Stats()[0].Err, "correct the sink's option stream") })
	if err := c.Del(t.Context(), name).Err(); err != nil {
		t.Fatal(err)
	}
	sinktest.Eventually(t, "it goes on", reached(s, 10))
	sinktest.Complete(t, arrived(t, c, name), 10)
}

// A server that refuses commands for a while, here as it runs a script, and
// takes them again in the middle of what is sent, takes no alert before one of
// the same key that it has refused.
func TestRefusedForAWhile(t *testing.T) {
	r := servertest.StartRedis(t, "--busy-reply-threshold", "5")
	c := client(t, r.Addr)
	s, err := Open(spec(t, r.Addr, "out", ""))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const much, rounds = 1000, 20
	items := make([]sink.Item, much)
	refused := 0
	for round := range rounds {
		for i := range items {
			n := uint64(round*much + i + 1)
			a := sinktest.Alert(n)
			items[i] = sink.Item{Seq: n, ID: a.ID, Rule: a.Rule, Key: sinktest.Key(n), Text: []byte(sinktest.Text(n))}
		}
		ran := make(chan error, 1)
		go func() {
			ran <- c.Eval(t.Context(), "for i = 1, 3000000 do end return 1", nil).Err()
		}()
		sent := false
		for done := false; !done || !sent; {
			select {
			case err := <-ran:
				if err != nil {
					t.Fatal(err)
				}
				done = true
			default:
			}
			if sent {
				continue
			}
			switch err := s.Send(t.Context(), items); {
			case err == nil:
				sent = true
			case strings.Contains(err.Error(), "BUSY"):
				refused++
			default:
				t.Fatal(err)
			}
		}
	}
	if refused == 0 {
		t.Error("nothing was refused")
	}
	again := sinktest.Complete(t, arrived(t, c, "out"), rounds*much)
	t.Logf("%d times refused, %d alerts more than once", refused, again)
}

// TestServerGoesAway kills and stops the server and cuts the network while
// alerts are sent. All arrive, in their order.
func TestServerGoesAway(t *testing.T) {
	r := servertest.StartRedis(t)
	proxy := servertest.NewProxy(t)
	proxy.Target(r.Addr)
	c := client(t, r.Addr)
	l := sinktest.Log(t)
	s := sinktest.Start(t, l, Open, spec(t, proxy.Addr, "out", ""))
	n := uint64(0)
	more := func() {
		n += 3000
		sinktest.Commit(t, l, n)
	}
	more()
	sinktest.Eventually(t, "the first are sent", reached(s, n))
	for _, trouble := range []struct {
		what       string
		begin, end func()
	}{
		{"the network is cut", proxy.Cut, proxy.Mend},
		{"the server is killed", r.Kill, r.Start},
		{"nothing goes through", proxy.Mute, proxy.Mend},
		{"the server restarts", r.Stop, r.Start},
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
	again := sinktest.Complete(t, arrived(t, c, "out"), n)
	t.Logf("%d alerts, %d of them more than once, %d tries failed", n, again, st.Retries)
}

func TestLogin(t *testing.T) {
	r := servertest.StartRedis(t, "--requirepass", "let me in")
	spec := spec(t, r.Addr, "out", `, secret_file: "secret"`)
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
	c := goredis.NewClient(&goredis.Options{Addr: r.Addr, Password: "let me in"})
	defer c.Close()
	sinktest.Complete(t, arrived(t, c, "out"), 10)
}

func BenchmarkSend(b *testing.B) {
	addr := servertest.Redis(b)
	c := client(b, addr)
	s, err := Open(spec(b, addr, stream(b, c), ", max_len: 10000"))
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
		if err := s.Send(b.Context(), items); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(items))*float64(b.N)/b.Elapsed().Seconds(), "alerts/s")
}

// TestEndsWithoutAnAnswer ends a lane whose server does not answer.
func TestEndsWithoutAnAnswer(t *testing.T) {
	proxy := servertest.NewProxy(t)
	proxy.Target(servertest.Redis(t))
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
