package redis

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/lookup"
)

// server returns a client of the real server and a key of the test's own, which
// is deleted at the end.
func server(t *testing.T) (c *goredis.Client, key string) {
	t.Helper()
	address := os.Getenv("WEIR_TEST_REDIS")
	if address == "" {
		if os.Getenv("WEIR_REQUIRE_SERVERS") == "1" {
			t.Fatal("WEIR_TEST_REDIS names no Redis server, and servers are required")
		}
		t.Skip("WEIR_TEST_REDIS names no Redis server (host:port)")
	}
	c = goredis.NewClient(&goredis.Options{Addr: address})
	key = fmt.Sprintf("weir-test:%s:%d", t.Name(), time.Now().UnixNano())
	t.Cleanup(func() {
		if err := c.Del(context.Background(), key).Err(); err != nil {
			t.Error(err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c, key
}

func open(t *testing.T, c lookup.FetcherConfig, options ...string) lookup.Fetcher {
	t.Helper()
	c.Name, c.From = "names", "redis"
	for i := 0; i < len(options); i += 2 {
		c.Options = append(c.Options, dsl.Option{Name: options[i], Value: cep.Str(options[i+1])})
	}
	f, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func deadline(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func fetch(t *testing.T, f lookup.Fetcher) lookup.Text {
	t.Helper()
	text, err := f.Fetch(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestSet(t *testing.T) {
	c, key := server(t)
	ctx := deadline(t)
	f := open(t, lookup.FetcherConfig{Elem: stringT}, "address", c.Options().Addr, "key", key)
	none := fetch(t, f)
	if string(none.Data) != "[]" || none.Hash != none.Empty().Hash {
		t.Errorf("no key: %q", none.Data)
	}
	must(t, c.SAdd(ctx, key, "b", "a").Err())
	small := fetch(t, f)
	if string(small.Data) != "[\"a\",\n\"b\"]" || small.Origin != "redis "+c.Options().Addr+", key "+key || small.From != "redis" {
		t.Errorf("%q from %s", small.Data, small.Origin)
	}
	must(t, c.SRem(ctx, key, "a").Err())
	must(t, c.SAdd(ctx, key, "a").Err())
	if again := fetch(t, f); again.Hash != small.Hash {
		t.Error("the same members in another order are another text")
	}
	var many []any
	for i := range 20_000 {
		many = append(many, fmt.Sprintf("%08d", i))
	}
	must(t, c.SAdd(ctx, key, many...).Err())
	large := fetch(t, f)
	var got []string
	must(t, json.Unmarshal(large.Data, &got))
	if len(got) != 20_002 || got[0] != "00000000" || got[20_001] != "b" {
		t.Errorf("%d members, %q to %q", len(got), got[0], got[len(got)-1])
	}
}

func TestHash(t *testing.T) {
	c, key := server(t)
	ctx := deadline(t)
	cfg := lookup.FetcherConfig{Table: true, Key: cep.Field{Name: "name", Type: stringT}, Cols: []cep.Field{{Name: "level", Type: stringT}}}
	f := open(t, cfg, "address", c.Options().Addr, "key", key)
	if none := fetch(t, f); string(none.Data) != "[]" {
		t.Errorf("no key: %q", none.Data)
	}
	must(t, c.HSet(ctx, key, "bob", "low", "ann", `{"level": "high"}`).Err())
	if got := fetch(t, f); string(got.Data) != "[{\"level\":\"high\",\"name\":\"ann\"},\n{\"level\":\"low\",\"name\":\"bob\"}]" {
		t.Errorf("%q", got.Data)
	}
	many := map[string]any{}
	for i := range 5000 {
		many[fmt.Sprintf("k%05d", i)] = "low"
	}
	must(t, c.HSet(ctx, key, many).Err())
	var got []map[string]string
	must(t, json.Unmarshal(fetch(t, f).Data, &got))
	if len(got) != 5002 || got[0]["name"] != "ann" || got[5001]["name"] != "k04999" {
		t.Errorf("%d rows", len(got))
	}
}

// A value that is replaced all the time is read as it was at one moment, in
// parts or in one command.
func TestWhole(t *testing.T) {
	c, key := server(t)
	ctx := deadline(t)
	const members = 3 * small
	versions := [2]string{key + ":0", key + ":1"}
	for v, name := range versions {
		var all []any
		for i := range members {
			all = append(all, fmt.Sprintf("%d:%d", v, i))
		}
		must(t, c.SAdd(ctx, name, all...).Err())
		t.Cleanup(func() { c.Del(context.Background(), name) })
	}
	must(t, c.Copy(ctx, versions[0], key, 0, true).Err())
	f := open(t, lookup.FetcherConfig{Elem: stringT}, "address", c.Options().Addr, "key", key)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for v := 1; ; v = 1 - v {
			select {
			case <-stop:
				return
			default:
			}
			if err := c.Copy(ctx, versions[v], key, 0, true).Err(); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range 20 {
		var got []string
		must(t, json.Unmarshal(fetch(t, f).Data, &got))
		for _, m := range got {
			if m[:2] != got[0][:2] {
				t.Fatalf("members of two versions: %q and %q", got[0], m)
			}
		}
		if len(got) != members {
			t.Fatalf("%d of %d members", len(got), members)
		}
	}
	close(stop)
	wg.Wait()
}

func TestWrongType(t *testing.T) {
	c, key := server(t)
	must(t, c.HSet(deadline(t), key, "a", "b").Err())
	f := open(t, lookup.FetcherConfig{Elem: stringT}, "address", c.Options().Addr, "key", key)
	if _, err := f.Fetch(deadline(t)); err == nil || err.Error() != "the key holds a hash; a list is read from a set" {
		t.Error(err)
	}
}

func TestTooLarge(t *testing.T) {
	part := make([]string, 64)
	for i := range part {
		part[i] = strings.Repeat("x", lookup.MaxText/64)
	}
	parts, kept := 0, 0
	err := inParts(func(cursor uint64) ([]string, uint64, error) {
		parts++
		return part, cursor + 1, nil
	}, func(p []string) { kept += len(p) })
	if !errors.Is(err, lookup.ErrTooLarge) || parts != 2 || kept != 64 {
		t.Errorf("%v after %d parts, %d members kept", err, parts, kept)
	}
}

func TestNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	address := l.Addr().String()
	must(t, l.Close())
	f := open(t, lookup.FetcherConfig{Elem: stringT}, "address", address, "key", "k")
	if _, err := f.Fetch(deadline(t)); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Error(err)
	}
}

// A server that accepts and never answers does not hold a fetch for longer than
// its context.
func TestSilentServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	f := open(t, lookup.FetcherConfig{Elem: stringT}, "address", l.Addr().String(), "key", "k")
	if _, err := f.Fetch(ctx); err == nil {
		t.Error("no error")
	}
}

// The password is the file's as it is now, and a refused one is told as such.
func TestSecret(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	said := make(chan string, 16)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go refuse(conn, said)
		}
	}()
	dir := t.TempDir()
	path := filepath.Join(dir, "password")
	must(t, os.WriteFile(path, []byte("one\n"), 0o600))
	f := open(t, lookup.FetcherConfig{Elem: stringT, Rules: filepath.Join(dir, "rules.cep")}, "address", l.Addr().String(), "key", "k", "secret_file", "password")
	for _, password := range []string{"one", "two"} {
		must(t, os.WriteFile(path, []byte(password+"\n"), 0o600))
		_, err := f.Fetch(deadline(t))
		if err == nil || !strings.Contains(err.Error(), "refuses the password of secret_file") || strings.Contains(err.Error(), password) {
			t.Errorf("%v", err)
		}
		for told := true; told || len(said) > 0; told = false {
			if got := <-said; got != password {
				t.Errorf("the server was told %q, want %q", got, password)
			}
		}
	}
}

// refuse plays a server that knows no password: it notes the last word of the
// first command that logs in and turns everything down.
func refuse(conn net.Conn, said chan<- string) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	for {
		var n int
		if _, err := fmt.Fscanf(r, "*%d\r\n", &n); err != nil {
			return
		}
		words := make([]string, n)
		for i := range words {
			var size int
			if _, err := fmt.Fscanf(r, "$%d\r\n", &size); err != nil {
				return
			}
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			words[i] = strings.TrimSpace(line)
		}
		for i, w := range words {
			if strings.EqualFold(w, "auth") {
				said <- words[min(i+2, n-1)]
			}
		}
		if _, err := conn.Write([]byte("-WRONGPASS invalid username-password pair or user is disabled.\r\n")); err != nil {
			return
		}
	}
}

func TestOptions(t *testing.T) {
	_, err := Open(lookup.FetcherConfig{Name: "names", From: "redis", Rules: "rules.cep", Options: []dsl.Option{{Name: "key", EnvName: "WEIR_TEST_NO_SUCH_VARIABLE"}}})
	if err == nil || !strings.Contains(err.Error(), "rules.cep: list names, option key") {
		t.Error(err)
	}
	f := open(t, lookup.FetcherConfig{Elem: stringT}, "key", "k")
	if f.Origin() != "redis localhost:6379, key k" {
		t.Error(f.Origin())
	}
}
