package journal

import (
	"errors"
	"hash/crc32"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestContradictions opens segments whose checksums are right and whose content
// cannot be: what a wrong writer would leave.
func TestContradictions(t *testing.T) {
	h := header{seq: 1, first: 1, salt: 77}
	type part struct {
		f    frame
		body string
	}
	good := part{frame{rec: Record{Kind: 1, Pos: 1, Stream: 1, First: 1, Count: 1}, stored: 4, raw: 4}, "good"}
	with := func(change func(*part)) part {
		p := good
		p.f.rec.Pos = 2
		change(&p)
		return p
	}
	for name, second := range map[string]part{
		"position again":   with(func(p *part) { p.f.rec.Pos = 1 }),
		"position left":    with(func(p *part) { p.f.rec.Pos = 3 }),
		"no position":      with(func(p *part) { p.f.rec.Pos = 0 }),
		"no block":         with(func(p *part) { p.f.flags, p.f.raw, p.body = flagCompressed, 10, "\xff\xff\xff\xff" }),
		"other length":     with(func(p *part) { p.f.flags, p.f.raw, p.body = flagCompressed, 10, "\x03\x08abc" }),
		"unknown flag":     with(func(p *part) { p.f.flags = 2 }),
		"stored too long":  with(func(p *part) { p.f.raw = 3 }),
		"too large":        with(func(p *part) { p.f.flags, p.f.raw = flagCompressed, MaxData+1 }),
		"durable too late": with(func(p *part) { p.f.durable = 1 << 20 }),
		"mark with body":   with(func(p *part) { p.f.rec.Kind = 0 }),
	} {
		b := h.put(nil)
		// The third one says that the second one was durable.
		third := with(func(p *part) { p.f.rec.Pos = 3 })
		at := int64(0)
		for i, p := range []part{good, second, third} {
			p.f.off = int64(len(b))
			if p.f.durable == 0 {
				p.f.durable = p.f.off
			}
			if i == 1 {
				at = p.f.off
			}
			p.f.sum = crc32.Checksum([]byte(p.body), castagnoli)
			b = append(p.f.put(b, h.salt), p.body...)
		}
		fs := files{segmentName(1): b}.on("", nil)
		var damage *CorruptError
		j, err := Open(Options{FS: fs, Dir: "journal"})
		if err == nil { // what does not unpack is met when it is read
			_, err = tryAll(j, 1)
			j.Close()
		}
		if !errors.As(err, &damage) || damage.Offset != at || damage.File != "journal/"+segmentName(1) {
			t.Errorf("%s: %v, want damage at byte %d", name, err, at)
		}
		reported := 0
		if err := Verify(fs, "journal", func(_ string, off int64, why string) {
			if off == at {
				reported++
			}
		}); err != nil || reported != 1 {
			t.Errorf("%s: verify reported it %d times, %v", name, reported, err)
		}
	}
}

// TestForeignIndex puts the index of another segment beside one: of the same
// number and length, written before it was erased from.
func TestForeignIndex(t *testing.T) {
	fs := vfs.NewMem()
	j := open(t, Options{FS: fs, Dir: "journal"})
	for i := range 3 {
		put(t, j, Record{Kind: 1, Stream: 1, First: uint64(i), Count: 1, Data: []byte("same length")})
	}
	j.Need(4)
	if err := j.roll(); err != nil {
		t.Fatal(err)
	}
	before := read(t, fs, "journal")[indexName(segmentName(1))]
	if e, err := j.Erase(func(r *Record) (bool, error) { r.Data[0]++; return true, nil }); err != nil || e.Records != 3 {
		t.Fatalf("%+v, %v", e, err)
	}
	s := j.segs[0]
	j.Close()
	b := slices.Clone(before)
	if sum, _, err := decodeSummary(b, &header{seq: s.seq, salt: s.salt}, -1); err == nil {
		t.Fatalf("the index of before the erasure is taken: %+v", sum)
	}
	if _, _, err := decodeSummary(read(t, fs, "journal")[indexName(segmentName(1))], &s.header, s.sum.end); err != nil {
		t.Fatal(err)
	}
}

// TestCacheEpoch reads a record, has it erased, and only then puts it into the
// cache.
func TestCacheEpoch(t *testing.T) {
	var c cache
	was := c.now()
	c.drop()
	c.put(Record{Pos: 1, Stream: 1, Count: 1}, was)
	if _, ok := c.get(1, 0); ok {
		t.Fatal("what was erased is in the cache")
	}
	c.put(Record{Pos: 1, Stream: 1, Count: 1}, c.now())
	if _, ok := c.get(1, 0); !ok {
		t.Fatal("nothing is in the cache")
	}
	for i := range 2 * cacheRecords {
		c.put(Record{Pos: Position(2 + i), Stream: 2, First: uint64(i), Count: 1, Data: make([]byte, 1<<20)}, c.now())
	}
	if len(c.recs) > cacheRecords || c.bytes > cacheBytes {
		t.Fatalf("%d records of %d bytes", len(c.recs), c.bytes)
	}
}
