package engine

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/checkpoint"
	"github.com/weir-cep/weir/internal/decode"
)

// oneRule is the cheapest thing that remembers something of every key.
const oneRule = `
event Auth { id auth_id  time at late 2s  auth_id: string  at: timestamp  card_id: string  amount: money(USD)  decision: string }
rule burst "Burst" { by card_id  on Auth  when count() over last 1h > 3  alert { message "{card_id}" } }
`

// benchStream feeds an engine with events over so many keys, 20,000 a second
// of event time.
type benchStream struct {
	b    testing.TB
	e    *Engine
	d    *decode.Decoder
	rng  *rand.Rand
	keys int
	at   time.Time
	n    uint64
	buf  []byte
}

func newBenchStream(b testing.TB, e *Engine, prog *dsl.Program, keys int) *benchStream {
	d, err := decode.New(decode.Config{Schemas: Reads(prog), Zone: prog.Zone})
	if err != nil {
		b.Fatal(err)
	}
	return &benchStream{b: b, e: e, d: d, rng: rand.New(rand.NewPCG(1, 2)), keys: keys, at: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
}

// feed feeds n events. With walk the keys come one behind the other, otherwise
// at random among the first so many.
func (s *benchStream) feed(n, among int, walk bool) {
	for n > 0 {
		rows := min(n, 4096)
		n -= rows
		s.buf = s.buf[:0]
		for range rows {
			k := int(s.n) % s.keys
			if !walk {
				k = s.rng.IntN(among)
			}
			decision := "approved"
			if s.rng.IntN(8) == 0 {
				decision = "declined"
			}
			s.buf = fmt.Appendf(s.buf, `{"type":"Auth","auth_id":"a%09d","at":"%s","card_id":"card%07d","customer_id":"u%07d","merchant_id":"m%05d","amount":"%d.%02d","decision":"%s","entry":"cnp","country":"US","ip":"10.1.%d.%d"}`+"\n",
				s.n, s.at.Format("2006-01-02T15:04:05.000000Z"), k, k/2, s.rng.IntN(20000), s.rng.IntN(300), s.rng.IntN(100), decision, s.rng.IntN(256), s.rng.IntN(256))
			s.n++
			s.at = s.at.Add(50 * time.Microsecond)
		}
		b := &cep.Batch{}
		var res decode.Result
		s.d.Decode(s.buf, b, &res)
		b.Rebase(0, 0, s.n-uint64(rows))
		if err := s.e.Feed(b); err != nil {
			s.b.Fatal(err)
		}
	}
}

func benchProg(b testing.TB, rules int) *dsl.Program {
	if rules == 1 {
		return compile(b, oneRule)
	}
	text, err := os.ReadFile("testdata/bench.cep")
	if err != nil {
		b.Fatal(err)
	}
	return compile(b, string(text))
}

// BenchmarkSnapshot is how long an engine with a million live keys stands still
// for a snapshot after so many events, and what the snapshot holds.
func BenchmarkSnapshot(b *testing.B) {
	const keys = 1_000_000
	for _, rules := range []int{1, 10} {
		prog := benchProg(b, rules)
		for _, shards := range []int{1, 2} {
			e, err := New(prog, Config{Shards: shards})
			if err != nil {
				b.Fatal(err)
			}
			s := newBenchStream(b, e, prog, keys)
			s.feed(keys, keys, true)
			for _, events := range []int{1_000, 400_000} {
				b.Run(fmt.Sprintf("rules=%d/shards=%d/events=%d", rules, shards, events), func(b *testing.B) {
					var took []time.Duration
					bytes, pages, full, cpu, longest := int64(0), 0, 0, int64(0), time.Duration(0)
					for range 2 { // memory for the copies
						s.feed(events, keys, false)
						e.Snapshot(false).Release()
					}
					for b.Loop() {
						b.StopTimer()
						s.feed(events, keys, false)
						before := cpuTime()
						b.StartTimer()
						snap := e.Snapshot(false)
						b.StopTimer()
						cpu += cpuTime() - before
						snap.Wait()
						took = append(took, snap.Took)
						longest = max(longest, snap.Longest)
						bytes += snap.Bytes
						pages += len(snap.pages)
						if snap.FullTo > 0 {
							full++
						}
						snap.Release()
						b.StartTimer()
					}
					slices.Sort(took)
					b.ReportMetric(took[len(took)/2].Seconds()*1e3, "ms-p50")
					b.ReportMetric(took[len(took)*99/100].Seconds()*1e3, "ms-p99")
					b.ReportMetric(longest.Seconds()*1e3, "ms-longest")
					b.ReportMetric(float64(bytes)/float64(b.N)/1e6, "MB")
					b.ReportMetric(float64(pages)/float64(b.N), "pages")
					b.ReportMetric(float64(full)/float64(b.N), "full")
					b.ReportMetric(float64(cpu)/float64(b.N)/1e6, "cpu-ms")
				})
			}
			e.Close()
		}
	}
}

// BenchmarkCheckpoint is a snapshot put into a store on disk: what is written
// for how many keys that have changed, and how long that takes beside.
func BenchmarkCheckpoint(b *testing.B) {
	const keys = 1_000_000
	prog := benchProg(b, 1)
	e, err := New(prog, Config{Shards: 2})
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	s := newBenchStream(b, e, prog, keys)
	s.feed(keys, keys, true)
	store, err := checkpoint.Open(checkpoint.Options{Dir: b.TempDir(), Keep: 1})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	commit := func() checkpoint.Written {
		snap := e.Snapshot(false)
		c := &checkpoint.Commit{Position: s.n}
		snap.Fill(c)
		w, err := store.Commit(c)
		if err != nil {
			b.Fatal(err)
		}
		snap.Release()
		return w
	}
	commit()
	for _, dirty := range []int{1_000, 30_000, 1_000_000} {
		b.Run(fmt.Sprintf("dirty=%d", dirty), func(b *testing.B) {
			var w checkpoint.Written
			cpu := int64(0)
			for b.Loop() {
				b.StopTimer()
				s.feed(dirty, dirty, false)
				before := cpuTime()
				b.StartTimer()
				x := commit()
				cpu += cpuTime() - before
				w.Bytes, w.File, w.Compacted, w.Keep, w.Compact = w.Bytes+x.Bytes, w.File+x.File, w.Compacted+x.Compacted, w.Keep+x.Keep, w.Compact+x.Compact
			}
			n := float64(b.N)
			b.ReportMetric(float64(w.Bytes)/n/1e6, "MB")
			b.ReportMetric(float64(w.File)/n/1e6, "MB-written")
			b.ReportMetric(float64(w.Compacted)/n/1e6, "MB-compacted")
			b.ReportMetric(w.Keep.Seconds()/n*1e3, "ms-keep")
			b.ReportMetric(w.Compact.Seconds()/n*1e3, "ms-compact")
			b.ReportMetric(float64(cpu)/n/1e6, "cpu-ms")
		})
	}
}

// BenchmarkRestore is how long it takes until an engine of a million keys is
// there again, from a store on disk.
func BenchmarkRestore(b *testing.B) {
	const keys = 1_000_000
	for _, rules := range []int{1, 10} {
		for _, shards := range []int{1, 2} {
			b.Run(fmt.Sprintf("rules=%d/shards=%d", rules, shards), func(b *testing.B) {
				prog := benchProg(b, rules)
				e, err := New(prog, Config{Shards: shards})
				if err != nil {
					b.Fatal(err)
				}
				s := newBenchStream(b, e, prog, keys)
				s.feed(keys, keys, true)
				dir := b.TempDir()
				store, err := checkpoint.Open(checkpoint.Options{Dir: dir})
				if err != nil {
					b.Fatal(err)
				}
				snap := e.Snapshot(true)
				c := &checkpoint.Commit{}
				snap.Fill(c)
				if _, err := store.Commit(c); err != nil {
					b.Fatal(err)
				}
				size := snap.Bytes
				e.Close()
				if err := store.Close(); err != nil {
					b.Fatal(err)
				}
				var open time.Duration
				for b.Loop() {
					start := time.Now()
					store, err := checkpoint.Open(checkpoint.Options{Dir: dir})
					if err != nil {
						b.Fatal(err)
					}
					open += time.Since(start)
					m, _ := store.Latest()
					e, err := Restore(prog, Config{}, m.Meta, store.Pages)
					if err != nil {
						b.Fatal(err)
					}
					e.Close()
					if err := store.Close(); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(size)/1e6, "MB")
				b.ReportMetric(open.Seconds()/float64(b.N)*1e3, "ms-open")
			})
		}
	}
}
