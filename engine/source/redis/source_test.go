package redis

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/weir-cep/weir/engine"
	"github.com/weir-cep/weir/engine/source/servertest"
	"github.com/weir-cep/weir/engine/source/sourcetest"
	"github.com/weir-cep/weir/internal/decode"
)

// bench is a stream of a test.
type bench struct {
	t      testing.TB
	addr   string
	stream string
	client *goredis.Client
}

var streams atomic.Int64

func newStream(t testing.TB, addr string) *bench {
	t.Helper()
	b := &bench{t: t, addr: addr, stream: fmt.Sprintf("s%d-%d", time.Now().UnixNano(), streams.Add(1)),
		client: goredis.NewClient(&goredis.Options{Addr: addr, Protocol: 2})}
	t.Cleanup(func() { b.client.Close() })
	return b
}

// add appends entries of two fields.
func (b *bench) add(from, to int) {
	b.t.Helper()
	p := b.client.Pipeline()
	for n := from; n < to; n++ {
		p.XAdd(context.Background(), &goredis.XAddArgs{Stream: b.stream, Values: []any{"type", "E", "k", fmt.Sprintf("event %d", n)}})
	}
	if _, err := p.Exec(context.Background()); err != nil {
		b.t.Fatal(err)
	}
}

func values(from, to int) (list []string) {
	for n := from; n < to; n++ {
		list = append(list, fmt.Sprintf(`{"type":"E","k":"event %d"}`, n))
	}
	return list
}

func (b *bench) open(more string) *source {
	b.t.Helper()
	return hasty(sourcetest.Open(b.t, Open, "rules.cep", fmt.Sprintf("redis { address: %q, stream: %q, group: \"g\"%s }", b.addr, b.stream, more)).(*source))
}

func hasty(s *source) *source {
	s.times = times{block: 20 * time.Millisecond, answer: time.Second, ack: 5 * time.Millisecond, lag: 10 * time.Millisecond,
		silent: time.Second, claim: 50 * time.Millisecond, landing: 200 * time.Millisecond}
	s.count = 100
	return s
}

// expect waits for exactly these records.
func (b *bench) expect(in *sourcetest.Intake, want []string) sourcetest.Snapshot {
	b.t.Helper()
	in.Wait(b.t, fmt.Sprintf("%d records", len(want)), func() bool { return len(in.Part(b.stream).Records) >= len(want) })
	p := in.Part(b.stream)
	if got := p.Texts(); !slices.Equal(got, want) {
		for i := range max(len(got), len(want)) {
			if i >= len(got) || i >= len(want) || got[i] != want[i] {
				b.t.Fatalf("%d records, want %d; the first other one is %d: %.200q, want %.200q", len(got), len(want), i, got[i:min(i+1, len(got))], want[i:min(i+1, len(want))])
			}
		}
	}
	return p
}

// pending is how many entries are delivered and not acknowledged.
func (b *bench) pending() int64 {
	p, err := b.client.XPending(context.Background(), b.stream, "g").Result()
	if err != nil {
		return -1
	}
	return p.Count
}

func TestRead(t *testing.T) {
	b := newStream(t, servertest.Redis(t))
	b.add(0, 1000)
	in := sourcetest.New()
	r := sourcetest.Start(t, b.open(""), in)
	p := b.expect(in, values(0, 1000))
	if p.ID != 0 || p.Records[999].Position != 999 {
		t.Errorf("partition %d, the last record is at %d", p.ID, p.Records[999].Position)
	}
	in.Wait(t, "all is acknowledged", func() bool { return b.pending() == 0 })
	in.Wait(t, "there is no lag", func() bool { return in.Part(b.stream).Lag == 0 })
	b.add(1000, 1010)
	b.expect(in, values(0, 1010))
	if r.Err() != nil {
		t.Error(r.Err())
	}
}

func TestEntries(t *testing.T) {
	b := newStream(t, servertest.Redis(t))
	add := func(values ...any) {
		t.Helper()
		if err := b.client.XAdd(t.Context(), &goredis.XAddArgs{Stream: b.stream, Values: values}).Err(); err != nil {
			t.Fatal(err)
		}
	}
	long := strings.Repeat("z", decode.DefaultMaxEvent)
	add("data", "{\"a\":\n1}", "other", "x")
	add("event", `{"b":2}`, "data", `{"a":1}`)
	add("data", "no object", "n", "-12.50", "t", "true", "null", "null", "zero", "007", "list", `["a", 1]`, "bad", "[a", "empty", "")
	add("quote\"", "line\nend", "raw", "\xff")
	add("data", "{broken}")
	add("n", long)
	in := sourcetest.New()
	sourcetest.Start(t, b.open(""), in)
	b.expect(in, []string{
		`{"a": 1}`,
		`{"b":2}`,
		`{"data":"no object","n":-12.50,"t":true,"null":"null","zero":"007","list":["a", 1],"bad":"[a","empty":""}`,
		`{"quote\"":"line\nend","raw":"\ufffd"}`,
		`{"data":"{broken}"}`,
		(`{"n":"` + long)[:decode.DefaultMaxEvent+1],
	})

	named := sourcetest.New()
	s := b.open(`, field: "n"`)
	s.group = "named"
	sourcetest.Start(t, s, named)
	b.expect(named, []string{"-12.50", long})
	if p := named.Part(b.stream); len(p.Rejected) != 4 || p.Rejected[0].Reason != `the entry has no field "n"` {
		t.Errorf("rejected %q", p.Rejected)
	}
}

// A crash at any moment: what was delivered and is not in the journal comes
// again, what is there does not.
func TestCrash(t *testing.T) {
	b := newStream(t, servertest.Redis(t))
	const n = 3000
	b.add(0, n)
	in := sourcetest.New()
	in.Waiting = 2
	crashes := 0
	for ; in.Count() < n && crashes < 200; crashes++ {
		before := in.Count()
		s := b.open("")
		s.times.ack = time.Duration(crashes%3) * 20 * time.Millisecond // some are not acknowledged in time
		if s.times.ack == 0 {
			s.times.ack = time.Millisecond
		}
		r := sourcetest.Start(t, s, in)
		in.Wait(t, "a chunk more", func() bool { return in.Count() > before })
		in.Crash()
		r.Stop(t)
		in.Restart()
	}
	if crashes < 3 {
		t.Errorf("%d crashes", crashes)
	}
	sourcetest.Start(t, b.open(""), in)
	b.expect(in, values(0, n))
	in.Wait(t, "all is acknowledged", func() bool { return b.pending() == 0 })
}

// dieWith ends a source without an acknowledgement and without its chunks being
// durable, as a process that is killed does.
func dieWith(t *testing.T, b *bench, in *sourcetest.Intake, s *source) {
	t.Helper()
	in.Hold()
	r := sourcetest.Start(t, s, in)
	in.Wait(t, "chunks on their way", func() bool { return in.Part(b.stream).Waiting > 0 })
	in.Crash()
	r.Stop(t)
	in.Restart()
}

// Entries of a member that is dead are claimed when it has been silent long
// enough, each once, whatever crashes meanwhile.
func TestClaim(t *testing.T) {
	b := newStream(t, servertest.Redis(t))
	b.add(0, 250)
	dead := sourcetest.New()
	dieWith(t, b, dead, b.open("")) // holds some, and nothing is in its journal
	held := b.pending()
	if held < 100 {
		t.Fatalf("%d entries are pending", held)
	}
	in := sourcetest.New()
	crashes := 0
	for len(in.Part(b.stream).Records) < 250 && crashes < 50 {
		s := b.open("")
		before := in.Count()
		r := sourcetest.Start(t, s, in)
		in.Wait(t, "more entries", func() bool { return in.Count() > before })
		in.Crash() // in.Crash: some are in the journal and not acknowledged
		r.Stop(t)
		in.Restart()
		crashes++
	}
	sourcetest.Start(t, b.open(""), in)
	in.Wait(t, "all entries", func() bool { return in.Count() >= 250 && b.pending() == 0 })
	got := in.Part(b.stream).Texts()
	slices.Sort(got)
	want := values(0, 250)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%d records, %d different ones", len(got), len(slices.Compact(got)))
	}
}

// Claimed entries that are in the journal and could not be acknowledged any more
// do not enter again.
func TestClaimedAndNotAcknowledged(t *testing.T) {
	b := newStream(t, servertest.Redis(t))
	b.add(0, 150)
	dieWith(t, b, sourcetest.New(), b.open(""))
	proxy := servertest.NewProxy(t)
	proxy.Target(b.addr)
	b.addr = proxy.Addr
	in := sourcetest.New()
	in.Hold()
	s := b.open("")
	r := sourcetest.Start(t, s, in)
	claimed := func() bool {
		p, err := b.client.XPendingExt(t.Context(), &goredis.XPendingExtArgs{Stream: b.stream, Group: "g", Start: "-", End: "+", Count: 10, Consumer: s.consumer + ":claimed"}).Result()
		return err == nil && len(p) > 0
	}
	in.Wait(t, "claimed entries on their way", func() bool { return claimed() && in.Part(b.stream).Waiting > 0 })
	proxy.Cut()
	in.Release()
	in.Wait(t, "an error", func() bool { return r.Err() != nil })
	r.Stop(t)
	proxy.Mend()
	sourcetest.Start(t, b.open(""), in)
	in.Wait(t, "all entries", func() bool { return in.Count() >= 150 && b.pending() == 0 })
	got := in.Part(b.stream).Texts()
	if slices.Sort(got); len(got) != 150 || len(slices.Compact(got)) != 150 {
		t.Errorf("%d records", len(got))
	}
}

// Nothing is claimed of a member that lives and cannot get rid of its entries.
func TestNoClaimOfTheLiving(t *testing.T) {
	b := newStream(t, servertest.Redis(t))
	b.add(0, 100)
	slow := sourcetest.New()
	slow.Hold()
	living := b.open("")
	living.times.silent = 2 * time.Second
	sourcetest.Start(t, living, slow)
	slow.Wait(t, "entries on their way", func() bool { return slow.Part(b.stream).Waiting > 0 })
	other := sourcetest.New()
	s := b.open("")
	s.times.silent = living.times.silent
	sourcetest.Start(t, s, other)
	// Longer than a member may be silent.
	until := time.Now().Add(2 * s.times.silent)
	other.Wait(t, "time to pass", func() bool { return time.Now().After(until) })
	slow.Release()
	b.expect(slow, values(0, 100))
	slow.Wait(t, "all is acknowledged", func() bool { return b.pending() == 0 })
	if other.Count() > 0 {
		t.Errorf("%d entries were claimed of a member that lives", other.Count())
	}
}

func TestStalledJournal(t *testing.T) {
	b := newStream(t, servertest.Redis(t))
	b.add(0, 1000)
	in := sourcetest.New()
	in.Hold()
	r := sourcetest.Start(t, b.open(""), in)
	in.Wait(t, "chunks on their way", func() bool { return in.Part(b.stream).Waiting == 4 })
	in.Stall()
	in.Wait(t, "an error", func() bool { return r.Err() != nil })
	if got := b.pending(); got < 400 {
		t.Errorf("%d entries are pending and nothing is in the journal", got)
	}
	in.Release()
	in.Resume()
	b.expect(in, values(0, 1000))
	in.Wait(t, "all is acknowledged", func() bool { return b.pending() == 0 })
}

func TestWhereItBegins(t *testing.T) {
	b := newStream(t, servertest.Redis(t))
	b.add(0, 10)
	in := sourcetest.New()
	r := sourcetest.Start(t, b.open(", from: latest"), in)
	in.Wait(t, "the group is made", func() bool { return b.pending() == 0 })
	b.add(10, 20)
	b.expect(in, values(10, 20))
	r.Stop(t)
	// Another journal goes on where the group is.
	other := sourcetest.New()
	b.add(20, 30)
	sourcetest.Start(t, b.open(""), other)
	b.expect(other, values(20, 30))
}

// Redis is restarted, orderly and by kill.
func TestServerRestart(t *testing.T) {
	server := servertest.StartRedis(t)
	b := newStream(t, server.Addr)
	in := sourcetest.New()
	r := sourcetest.Start(t, b.open(""), in)
	b.add(0, 500)
	b.expect(in, values(0, 500))
	n := 500
	for _, end := range []func(){server.Stop, server.Kill} {
		end()
		in.Wait(t, "an error that names the server", func() bool { return r.Err() != nil && strings.Contains(r.Err().Error(), server.Addr) })
		server.Start()
		b.add(n, n+500)
		n += 500
		b.expect(in, values(0, n))
	}
}

// Redis forgets the group, or all it had: what is in the journal does not enter
// again, what is new does.
func TestServerForgets(t *testing.T) {
	b := newStream(t, servertest.Redis(t))
	in := sourcetest.New()
	sourcetest.Start(t, b.open(""), in)
	b.add(0, 500)
	b.expect(in, values(0, 500))
	if err := b.client.XGroupDestroy(t.Context(), b.stream, "g").Err(); err != nil {
		t.Fatal(err)
	}
	b.add(500, 510)
	b.expect(in, values(0, 510))
	if err := b.client.Del(t.Context(), b.stream).Err(); err != nil {
		t.Fatal(err)
	}
	b.add(510, 520)
	b.expect(in, values(0, 520))
}

func TestCutOff(t *testing.T) {
	proxy := servertest.NewProxy(t)
	proxy.Target(servertest.Redis(t))
	b := newStream(t, servertest.Redis(t))
	b.addr = proxy.Addr
	in := sourcetest.New()
	s := b.open("")
	s.times.answer = 200 * time.Millisecond
	r := sourcetest.Start(t, s, in)
	n := 0
	for _, cut := range []func(){proxy.Cut, proxy.Mute, proxy.Cut} {
		b.add(n, n+1000)
		in.Wait(t, "some entries", func() bool { return in.Count() > n })
		errs := r.Err()
		cut() // in the middle, perhaps with an answer on its way
		in.Wait(t, "an error", func() bool { return r.Err() != nil && (errs == nil || len(r.Err().Error()) > len(errs.Error())) })
		proxy.Mend()
		n += 1000
		b.expect(in, values(0, n))
	}
	in.Wait(t, "all is acknowledged", func() bool { return b.pending() == 0 })
}

// Entries that are trimmed while they are pending are lost; that is told.
func TestTrimmed(t *testing.T) {
	b := newStream(t, servertest.Redis(t))
	b.add(0, 50)
	in := sourcetest.New()
	s := b.open("")
	s.times.silent = time.Hour
	first, err := in.Partition(b.stream, -1)
	if err != nil {
		t.Fatal(err)
	}
	// A cursor, so that the member's name is known after the crash.
	cur := cursor{Version: cursorVersion, Stream: b.stream, Group: "g", Consumer: s.consumer}
	if err := first.Put(t.Context(), engine.Chunk{Data: []byte("first\n"), First: -1, Cursor: cur.encode()}); err != nil {
		t.Fatal(err)
	}
	in.Wait(t, "the cursor", func() bool { return in.Count() == 1 })
	dieWith(t, b, in, s)
	if err := b.client.XTrimMaxLen(t.Context(), b.stream, 10).Err(); err != nil {
		t.Fatal(err)
	}
	sourcetest.Start(t, b.open(""), in)
	b.expect(in, append([]string{"first"}, values(40, 50)...))
	in.Wait(t, "the lost ones are told", func() bool { return len(in.Part(b.stream).Rejected) == 40 && b.pending() == 0 })
	if got := in.Part(b.stream).Rejected[0].Reason; got != "the entry was removed from the stream before it was read" {
		t.Error(got)
	}
}

// An older state was restored: what was acknowledged since is read again.
func TestRestoredOlderState(t *testing.T) {
	b := newStream(t, servertest.Redis(t))
	b.add(0, 300)
	in := sourcetest.New()
	r := sourcetest.Start(t, b.open(""), in)
	b.expect(in, values(0, 300))
	in.Wait(t, "all is acknowledged", func() bool { return b.pending() == 0 })
	r.Stop(t)
	var newest cursor
	if err := json.Unmarshal(in.Part(b.stream).Cursor, &newest); err != nil {
		t.Fatal(err)
	}
	all, err := b.client.XRange(t.Context(), b.stream, "-", "+").Result()
	if err != nil {
		t.Fatal(err)
	}
	older := newest
	if older.Last, err = parseID(all[99].ID); err != nil {
		t.Fatal(err)
	}
	restored := sourcetest.New()
	p, err := restored.Partition(b.stream, -1)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Put(t.Context(), engine.Chunk{Data: []byte(strings.Join(values(0, 100), "\n") + "\n"), First: -1, Cursor: older.encode()}); err != nil {
		t.Fatal(err)
	}
	restored.Wait(t, "the older state", func() bool { return restored.Count() == 100 })
	sourcetest.Start(t, b.open(""), restored)
	b.add(300, 310)
	b.expect(restored, values(0, 310))
	restored.Wait(t, "all is acknowledged", func() bool { return b.pending() == 0 })
}

// A server that wants a login, a certificate and TLS.
func TestLogin(t *testing.T) {
	certs := servertest.NewCertificates(t)
	port := servertest.Port(t)
	plain := servertest.StartRedis(t, "--tls-port", fmt.Sprint(port), "--tls-cert-file", certs.ServerCert, "--tls-key-file", certs.ServerKey,
		"--tls-ca-cert-file", certs.CA, "--user", "alice", "on", ">sesame", "~*", "+@all")
	b := newStream(t, plain.Addr)
	b.add(0, 10)
	b.addr = fmt.Sprintf("127.0.0.1:%d", port)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("sesame\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	in := sourcetest.New()
	keys := fmt.Sprintf(", ca_file: %q, cert_file: %q, key_file: %q", certs.CA, certs.ClientCert, certs.ClientKey)
	r := sourcetest.Start(t, b.open(fmt.Sprintf(", user: \"alice\", secret_file: %q%s", secret, keys)), in)
	b.expect(in, values(0, 10))
	if r.Err() != nil {
		t.Error(r.Err())
	}
	r.Stop(t)

	if err := os.WriteFile(secret, []byte("shazam"), 0o600); err != nil {
		t.Fatal(err)
	}
	for options, want := range map[string]string{
		fmt.Sprintf(", user: \"alice\", secret_file: %q%s", secret, keys): "user or password are not right",
		", tls: true": "certificate signed by unknown authority",
	} {
		r := sourcetest.Start(t, b.open(options), in)
		in.Wait(t, "an error", func() bool { return r.Err() != nil })
		if err := r.Err().Error(); !strings.Contains(err, want) || !strings.Contains(err, b.addr) || strings.Contains(err, "shazam") {
			t.Errorf("%v\nlacks %s", err, want)
		}
		r.Stop(t)
	}
}

func TestWrongKey(t *testing.T) {
	b := newStream(t, servertest.Redis(t))
	b.client.Set(t.Context(), b.stream, "a text", 0)
	in := sourcetest.New()
	r := sourcetest.Start(t, b.open(""), in)
	in.Wait(t, "an error", func() bool { return r.Err() != nil })
	if want := "(the key is no stream)"; !strings.Contains(r.Err().Error(), want) {
		t.Error(r.Err())
	}
}

func TestOptions(t *testing.T) {
	for options, want := range map[string]string{
		`redis { stream: "" }`:                               "option stream: is empty",
		`redis { stream: "s", format: csv }`:                 "option format: csv has a header",
		`redis { stream: "s", user: "u" }`:                   "option user: needs secret_file",
		`redis { stream: "s", secret_file: env("UNSET_X") }`: "the variable UNSET_X is not set",
	} {
		ir := sourcetest.IR(t, "rules.cep", options)
		if _, err := Open(engine.SourceConfig{Name: ir.Name, IR: ir}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", options, err, want)
		}
	}
}

func FuzzEntry(f *testing.F) {
	f.Add("data", `{"a":1}`, "k", "v", "")
	f.Add("n", "12", "event", "{\n}", "event")
	f.Fuzz(func(t *testing.T, n1, v1, n2, v2, field string) {
		e := entry{fields: []any{n1, v1, n2, v2}}
		out, reason := e.appendEvent([]byte("before\n"), field)
		lines := strings.Count(string(out), "\n")
		if reason == "" && (lines != 2 || out[len(out)-1] != '\n' || len(strings.TrimSpace(string(out[7:]))) == 0) || reason != "" && string(out) != "before\n" {
			t.Errorf("%q, %q", out, reason)
		}
	})
}
