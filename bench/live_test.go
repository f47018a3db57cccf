package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/gorilla/websocket"

	"github.com/weir-cep/weir/alerts"
	"github.com/weir-cep/weir/alerts/feed"
	"github.com/weir-cep/weir/engine"
	"github.com/weir-cep/weir/server"
)

// liveRules raise an alert for every hot event, in arrival order, and keep a
// pattern and a window busy with the others. The alert says when its event was
// sent.
const liveRules = `
event Auth { time at  at: timestamp  card_id: string  merchant_id: string  amount: number  approved: bool  hot: bool  sent: int }
source web of Auth from http { order: arrival, dedupe: 0s }
rule hot { by card_id  on Auth when hot  alert { severity high  message "{card_id}"  sent = sent } }
rule probing {
  by card_id
  pattern { small: at least 3 Auth where not approved and amount < 1  then big: Auth where approved and amount > 399 } within 10m
  alert { severity critical  message "{card_id}" }
}
feature pace on Auth by card_id { n = count() over last 1m }
rule fast { by card_id  on Auth when pace.n > 1000000  alert { message "never" } }
`

// live is a server as serve runs it, with a client's view of it.
type live struct {
	url   string
	log   *alerts.Log
	hub   *feed.Hub
	syncs *times
	hot   atomic.Uint64
}

// times are durations that are observed.
type times struct {
	mu   sync.Mutex
	list []time.Duration
}

func (t *times) add(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.list = append(t.list, d)
}

func (t *times) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.list = nil
}

// report prints quantiles in ms.
func (t *times) report(b *testing.B, what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.list) == 0 {
		b.Fatal("nothing was observed: ", what)
	}
	slices.Sort(t.list)
	for _, q := range []struct {
		name string
		of   float64
	}{{"p50", 0.5}, {"p99", 0.99}, {"p99.9", 0.999}} {
		d := t.list[min(int(float64(len(t.list))*q.of), len(t.list)-1)]
		b.ReportMetric(float64(d.Microseconds())/1000, what+"-"+q.name+"-ms")
	}
}

func startLive(b *testing.B) *live {
	b.Helper()
	l := &live{syncs: &times{}}
	dir := b.TempDir()
	var err error
	if l.log, err = alerts.Open(alerts.Options{FS: vfs.Default, Dir: filepath.Join(dir, "alerts")}); err != nil {
		b.Fatal(err)
	}
	rt, err := engine.Open(context.Background(), engine.RuntimeConfig{Dir: dir, Sink: l.log, Shards: 2,
		Synced: func(took time.Duration, _ int, _ int64) { l.syncs.add(took) }})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := rt.Deploy(context.Background(), engine.RuleText("live.cep", liveRules), engine.Keep); err != nil {
		b.Fatal(err)
	}
	l.hub = feed.New(l.log, feed.Limits{}, nil)
	s := server.New(server.Config{Runtime: rt, Alerts: l.log, Feed: l.hub})
	srv := httptest.NewServer(s.Handler())
	l.url = srv.URL
	ctx, stop := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- rt.Run(ctx) }()
	b.Cleanup(func() {
		s.Drain()
		l.hub.Close()
		srv.Close()
		stop()
		<-ran
		rt.Close()
		l.log.Close()
	})
	return l
}

// batch writes n events, of which every hotEvery-th of the whole is hot.
func (l *live) batch(buf *bytes.Buffer, n int, next *int, hotEvery int) {
	buf.Reset()
	now := time.Now()
	at := now.UTC().Format("2006-01-02T15:04:05.000Z")
	for range n {
		*next++
		hot := hotEvery > 0 && *next%hotEvery == 0
		if hot {
			l.hot.Add(1)
		}
		fmt.Fprintf(buf, `{"type":"Auth","at":"%s","card_id":"c%07d","merchant_id":"m%05d","amount":%d.25,"approved":%t,"hot":%t,"sent":%d}`+"\n",
			at, *next*7919%1_000_000, *next%50_000, *next%390+2, *next%8 != 0, hot, now.UnixNano())
	}
}

// load posts events at a rate over HTTP from four clients until ctx ends, and
// returns how long each post took. A client that falls behind makes up for it.
func (l *live) load(ctx context.Context, b *testing.B, perSecond, hotEvery int) (posts *times, events *atomic.Int64) {
	posts, events = &times{}, &atomic.Int64{}
	const clients, each = 4, 4 * time.Millisecond
	size := max(1, int(float64(perSecond)*each.Seconds()/clients))
	var wg sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1}}
			defer client.CloseIdleConnections()
			var buf bytes.Buffer
			next := c * 250_000_000
			start := time.Now()
			for n := 0; ctx.Err() == nil; n++ {
				time.Sleep(time.Until(start.Add(time.Duration(n) * each)))
				l.batch(&buf, size, &next, hotEvery/clients)
				began := time.Now()
				resp, err := client.Post(l.url+"/api/v1/events", "application/x-ndjson", &buf)
				if err != nil {
					b.Error(err)
					return
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if resp.StatusCode != http.StatusOK {
					b.Errorf("answer %d", resp.StatusCode)
					return
				}
				posts.add(time.Since(began))
				events.Add(int64(size))
			}
		})
	}
	go wg.Wait()
	<-ctx.Done()
	wg.Wait()
	return posts, events
}

// watch opens a WebSocket that subscribes to everything behind the log's end.
func (l *live) watch(b *testing.B, every int) *websocket.Conn {
	b.Helper()
	conn, _, err := websocket.DefaultDialer.Dial(strings.Replace(l.url, "http", "ws", 1)+"/api/v1/stream", nil)
	if err != nil {
		b.Fatal(err)
	}
	if err := conn.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, `{"op":"sub","id":"a","after":%d,"every":%d}`, l.log.Head(), every)); err != nil {
		b.Fatal(err)
	}
	return conn
}

// BenchmarkLive posts events over HTTP and measures from then until their
// alerts are read from a WebSocket; the journal's syncs and the posts' answers
// stand beside. About 20 alerts a second at 10,000 events, 100 at 50,000.
func BenchmarkLive(b *testing.B) {
	for _, perSecond := range []int{10_000, 50_000} {
		b.Run(fmt.Sprintf("events/s=%d", perSecond), func(b *testing.B) {
			for b.Loop() {
				l := startLive(b)
				conn := l.watch(b, 0)
				seen := &times{}
				var got atomic.Uint64
				go func() {
					for {
						_, text, err := conn.ReadMessage()
						if err != nil {
							return
						}
						now := time.Now().UnixNano()
						for rest := text; ; {
							_, after, ok := bytes.Cut(rest, []byte(`"fields":{"sent":`))
							if !ok {
								break
							}
							end := bytes.IndexByte(after, '}')
							sent, err := strconv.ParseInt(string(after[:end]), 10, 64)
							if err != nil {
								b.Error(err)
								return
							}
							seen.add(time.Duration(now - sent))
							got.Add(1)
							rest = after[end:]
						}
					}
				}()
				warm, cancel := context.WithTimeout(context.Background(), 2*time.Second)
				l.load(warm, b, perSecond, 500)
				cancel()
				l.syncs.reset()
				seen.reset()
				ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
				posts, events := l.load(ctx, b, perSecond, 500)
				cancel()
				for end := time.Now().Add(10 * time.Second); got.Load() < l.hot.Load(); time.Sleep(time.Millisecond) {
					if time.Now().After(end) {
						b.Fatalf("%d of %d alerts were seen", got.Load(), l.hot.Load())
					}
				}
				conn.Close()
				b.ReportMetric(float64(events.Load())/15, "events/s")
				l.syncs.report(b, "sync")
				posts.report(b, "post")
				seen.report(b, "alert")
			}
		})
	}
}

// BenchmarkFanOut posts 10,000 events a second, 10 to 20 of which raise alerts,
// while nobody, a thousand clients, and two thousand clients that read almost
// nothing watch; what the posts take tells what that costs what comes in.
func BenchmarkFanOut(b *testing.B) {
	for _, c := range []struct {
		name          string
		clients, slow int
	}{{"nobody", 0, 0}, {"1000 clients", 1000, 0}, {"2000 slow clients", 0, 2000}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				l := startLive(b)
				var frames, bytesRead atomic.Int64
				var conns []*websocket.Conn
				for range c.clients {
					conn := l.watch(b, 0)
					conns = append(conns, conn)
					go func() {
						buf := make([]byte, 64<<10)
						for {
							// A read is about a frame: what the client would do with it is its own business.
							n, err := conn.NetConn().Read(buf)
							if err != nil {
								return
							}
							frames.Add(1)
							bytesRead.Add(int64(n))
						}
					}()
				}
				for range c.slow {
					conn := l.watch(b, 0)
					conns = append(conns, conn)
					go func() {
						buf := make([]byte, 128)
						for {
							if _, err := conn.NetConn().Read(buf); err != nil {
								return
							}
							time.Sleep(time.Second)
						}
					}()
				}
				ctx, cancel := context.WithTimeout(context.Background(), 12*time.Second)
				before := l.hub.Stats().Frames
				posts, events := l.load(ctx, b, 10_000, 500)
				cancel()
				b.ReportMetric(float64(events.Load())/12, "events/s")
				posts.report(b, "post")
				if n := c.clients + c.slow; n > 0 {
					b.ReportMetric(float64(l.hub.Stats().Frames-before)/12/float64(n), "frames/s/client")
					b.ReportMetric(float64(l.hub.Stats().Clients), "clients")
				}
				for _, conn := range conns {
					conn.NetConn().Close()
				}
			}
		})
	}
}

// BenchmarkCatchUp lets a client read 100,000 alerts that it has missed.
func BenchmarkCatchUp(b *testing.B) {
	l := startLive(b)
	const missed = 100_000
	var buf bytes.Buffer
	next := 0
	for l.log.Head() < missed {
		l.batch(&buf, 2000, &next, 1)
		resp, err := http.Post(l.url+"/api/v1/events", "application/x-ndjson", &buf)
		if err != nil || resp.StatusCode != http.StatusOK {
			b.Fatal(resp, err)
		}
		resp.Body.Close()
	}
	for b.Loop() {
		conn, _, err := websocket.DefaultDialer.Dial(strings.Replace(l.url, "http", "ws", 1)+"/api/v1/stream", nil)
		if err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		if err := conn.WriteMessage(websocket.TextMessage, []byte(`{"op":"sub","id":"a","after":0}`)); err != nil {
			b.Fatal(err)
		}
		for n := 0; n < missed; {
			_, text, err := conn.ReadMessage()
			if err != nil {
				b.Fatal(err)
			}
			n += bytes.Count(text, []byte(`"alert_id":`))
		}
		b.ReportMetric(time.Since(start).Seconds(), "s/100000-alerts")
		conn.Close()
	}
}
