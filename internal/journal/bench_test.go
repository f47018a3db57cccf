package journal

import (
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// chunksOf makes 16 MiB of chunks of about size bytes, different ones: larger
// than the caches.
func chunksOf(size int) [][]byte {
	r := rand.New(rand.NewPCG(3, 4))
	var out [][]byte
	for total := 0; total < 16<<20; {
		c := rowsOf(r, max(1, size/190))
		out = append(out, c)
		total += len(c)
	}
	return out
}

var sizes = []int{2 << 10, 64 << 10, 200 << 10}

// BenchmarkAppend is bytes of rows a second from Append to durable, on a real
// file system. inflight is how many records an appender has under way.
func BenchmarkAppend(b *testing.B) {
	for _, size := range sizes {
		chunks := chunksOf(size)
		for _, appenders := range []int{1, 8} {
			for _, inflight := range []int{1, 4} {
				b.Run(fmt.Sprintf("record=%dKB/appenders=%d/inflight=%d", size>>10, appenders, inflight), func(b *testing.B) {
					j := open(b, Options{Dir: b.TempDir()})
					defer j.Close()
					b.SetBytes(int64(len(chunks[0])))
					b.ReportAllocs()
					b.ResetTimer()
					var wg sync.WaitGroup
					for a := range appenders {
						wg.Go(func() {
							var under []*Ticket
							for i := a; i < b.N; i += appenders {
								ticket, err := j.Append(Record{Kind: 1, Stream: uint32(a), First: uint64(i), Count: 1, Data: chunks[i%len(chunks)]})
								if err != nil {
									b.Error(err)
									return
								}
								if under = append(under, ticket); len(under) >= inflight {
									if _, err := under[0].Result(); err != nil {
										b.Error(err)
									}
									under = under[1:]
								}
							}
							for _, ticket := range under {
								ticket.Result()
							}
						})
					}
					wg.Wait()
					b.StopTimer()
					s := j.Stats()
					b.ReportMetric(float64(s.Raw)/float64(s.Stored), "raw/stored")
					b.ReportMetric(float64(s.Records)/float64(s.Groups), "records/sync")
				})
			}
		}
	}
}

// BenchmarkBare is the floor: the same bytes written and synced one by one, and
// what they are compressed to.
func BenchmarkBare(b *testing.B) {
	for _, size := range sizes {
		chunks := chunksOf(size)
		for _, compressed := range []bool{false, true} {
			b.Run(fmt.Sprintf("record=%dKB/compressed=%v", size>>10, compressed), func(b *testing.B) {
				name := vfs.Default.PathJoin(b.TempDir(), "file")
				f, err := vfs.Default.Create(name, vfs.WriteCategoryUnspecified)
				if err != nil {
					b.Fatal(err)
				}
				defer f.Close()
				b.SetBytes(int64(len(chunks[0])))
				out := make([][]byte, len(chunks))
				for i, c := range chunks {
					if out[i] = c; compressed {
						out[i] = encode(&Record{Data: c}).buf
					}
				}
				b.ResetTimer()
				for i := range b.N {
					if _, err := f.Write(out[i%len(out)]); err != nil {
						b.Fatal(err)
					}
					if err := f.SyncData(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkEncode is what an appender does before its record is queued.
func BenchmarkEncode(b *testing.B) {
	for _, size := range sizes {
		chunks := chunksOf(size)
		b.Run(fmt.Sprintf("record=%dKB", size>>10), func(b *testing.B) {
			b.SetBytes(int64(len(chunks[0])))
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				release(encode(&Record{Data: chunks[i%len(chunks)]}).buf)
			}
		})
	}
}

// BenchmarkRead is bytes of rows a second through a reader, from the page
// cache.
func BenchmarkRead(b *testing.B) {
	for _, size := range sizes {
		b.Run(fmt.Sprintf("record=%dKB", size>>10), func(b *testing.B) {
			j := open(b, Options{Dir: b.TempDir()})
			defer j.Close()
			var last *Ticket
			total := 0
			for i := range 4 {
				for k, c := range chunksOf(size) {
					last, _ = j.Append(Record{Kind: 1, Stream: 1, First: uint64(i<<32 | k), Count: 1, Data: c})
					total += len(c)
				}
			}
			if _, err := last.Result(); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(total))
			b.ReportAllocs()
			for b.Loop() {
				r := j.Read(1)
				var rec Record
				for {
					err := r.Next(&rec)
					if err == io.EOF {
						break
					}
					if err != nil {
						b.Fatal(err)
					}
				}
				r.Close()
			}
		})
	}
}

// BenchmarkFind is one row of an archive that does not fit the cache of
// records.
func BenchmarkFind(b *testing.B) {
	for _, size := range sizes {
		b.Run(fmt.Sprintf("record=%dKB", size>>10), func(b *testing.B) {
			j := open(b, Options{Dir: b.TempDir(), Segment: 8 << 20})
			defer j.Close()
			var last *Ticket
			row := uint64(0)
			for range 4 {
				for _, c := range chunksOf(size) {
					n := uint64(len(c) / 190)
					last, _ = j.Append(Record{Kind: 1, Stream: 1, First: row, Count: max(n, 1), Data: c})
					row += max(n, 1)
				}
			}
			if _, err := last.Result(); err != nil {
				b.Fatal(err)
			}
			r := rand.New(rand.NewPCG(5, 6))
			for b.Loop() {
				if _, err := j.Find(1, r.Uint64N(row)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkOpen opens an archive of many segments, each with its index.
func BenchmarkOpen(b *testing.B) {
	const segments = 1000
	dir := b.TempDir()
	j := open(b, Options{Dir: dir, Segment: 1})
	var last *Ticket
	for i := range segments {
		for s := range uint32(16) {
			last, _ = j.Append(Record{Kind: 1, Stream: s, First: uint64(i), Count: 1})
		}
		if _, err := last.Result(); err != nil {
			b.Fatal(err)
		}
	}
	j.Close()
	for b.Loop() {
		j := open(b, Options{Dir: dir})
		j.Close()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/segments, "µs/segment")
}
