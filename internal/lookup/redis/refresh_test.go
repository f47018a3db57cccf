package redis

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/lookup"
)

// proxy stands between a client and the server and can be cut off.
type proxy struct {
	t       *testing.T
	server  string
	address string
	mu      sync.Mutex
	listen  net.Listener
	conns   []net.Conn
}

func newProxy(t *testing.T, server string) *proxy {
	p := &proxy{t: t, server: server, address: "127.0.0.1:0"}
	p.up()
	t.Cleanup(p.down)
	return p
}

func (p *proxy) up() {
	p.mu.Lock()
	defer p.mu.Unlock()
	l, err := net.Listen("tcp", p.address)
	must(p.t, err)
	p.listen, p.address = l, l.Addr().String()
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", p.server)
			if err != nil {
				in.Close()
				continue
			}
			p.mu.Lock()
			p.conns = append(p.conns, in, out)
			p.mu.Unlock()
			go func() { _, _ = io.Copy(in, out); in.Close() }()
			go func() { _, _ = io.Copy(out, in); out.Close() }()
		}
	}()
}

func (p *proxy) down() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.listen.Close()
	for _, c := range p.conns {
		c.Close()
	}
	p.conns = nil
}

// until waits for a condition.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in 30 s: %s", what)
		}
	}
}

// A set that changes while the server goes away and comes back.
func TestRefresh(t *testing.T) {
	c, key := server(t)
	ctx := deadline(t)
	must(t, c.SAdd(ctx, key, "1").Err())
	p := newProxy(t, c.Options().Addr)

	intT := cep.Type{Kind: cep.KindInt}
	list := &dsl.ListIR{Name: "names", Elem: intT, From: "redis", File: "rules.cep", Options: []dsl.Option{
		{Name: "address", Value: cep.Str(p.address)}, {Name: "key", Value: cep.Str(key)},
		{Name: "refresh", Value: cep.Value{Type: cep.Type{Kind: cep.KindDuration}, Word: cep.Word(20 * time.Millisecond)}}}}
	reads := &dsl.Expr{Op: dsl.OpList, List: list, Type: cep.Type{Kind: cep.KindList, Elem: &intT}}
	prog := &dsl.Program{Zone: time.UTC, Lists: []*dsl.ListIR{list}, Rules: []*dsl.RuleIR{{From: []dsl.Filter{{Where: reads}}}}}
	r, err := lookup.NewRefresher(lookup.RefresherConfig{Parser: lookup.NewParser(prog), Kinds: map[string]lookup.FetcherOpener{"redis": Open},
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	must(t, err)
	texts, warnings, err := r.Load(ctx)
	if err != nil || len(warnings) > 0 || string(texts["rules.cep:names"].Data) != `["1"]` {
		t.Fatalf("%v, %q, %v", texts, warnings, err)
	}

	var mu sync.Mutex
	var seen []string
	saw := func(want string) func() bool {
		return func() bool {
			mu.Lock()
			defer mu.Unlock()
			return len(seen) > 0 && seen[len(seen)-1] == want
		}
	}
	failing := func(part string) func() bool {
		return func() bool {
			f := r.Stats()[0].Failing
			return (f == "") == (part == "") && strings.Contains(f, part)
		}
	}
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() {
		done <- r.Run(running, func(_ context.Context, t lookup.Text) error {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, string(t.Data))
			return nil
		})
	}()
	must(t, c.SAdd(ctx, key, "2").Err())
	until(t, "a member that was added", saw("[\"1\",\n\"2\"]"))
	p.down()
	must(t, c.SAdd(ctx, key, "3").Err())
	until(t, "a failure that is told", failing("refused"))
	p.up()
	until(t, "the members after the server came back", saw("[\"1\",\n\"2\",\n\"3\"]"))
	must(t, c.SAdd(ctx, key, "x").Err())
	until(t, "a member that is refused", failing(`"x" is not int`))
	must(t, c.SRem(ctx, key, "x").Err())
	until(t, "good members again", failing(""))
	must(t, c.Del(ctx, key).Err())
	until(t, "an empty set", saw("[]"))
	stop()
	if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	must(t, r.Close())
	if len(seen) != 3 {
		t.Errorf("recorded %q", seen)
	}
}
