package file

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/weir-cep/weir/engine"
)

// drain is an intake that counts and keeps nothing.
type drain struct{ bytes, chunks int }

func (d *drain) Partition(string, int) (engine.Partition, error) { return d, nil }
func (d *drain) Cursor() []byte                                  { return nil }
func (d *drain) Lag(int64)                                       {}
func (d *drain) Reject(string, string, []byte)                   {}
func (d *drain) End()                                            {}

func (d *drain) Put(_ context.Context, c engine.Chunk) error {
	d.bytes += len(c.Data)
	d.chunks++
	c.Durable(nil)
	return nil
}

// BenchmarkSource reads a file into chunks.
func BenchmarkSource(b *testing.B) {
	text := events(0, 200_000)
	for ending, pack := range packings {
		b.Run("packing="+ending, func(b *testing.B) {
			dir := b.TempDir()
			write(b, filepath.Join(dir, "e.ndjson"+ending), string(pack(text)))
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				d := &drain{}
				if err := open(b, dir, `path: "e.ndjson`+ending+`"`).Run(context.Background(), d); err != nil {
					b.Fatal(err)
				}
				if d.bytes != len(text) {
					b.Fatalf("%d of %d bytes", d.bytes, len(text))
				}
			}
		})
	}
}
