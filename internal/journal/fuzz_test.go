package journal

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// repair gives what stands in a segment the checksums that it would need, so
// that the fuzzer comes behind them.
func repair(b []byte, salt uint64) {
	le := binary.LittleEndian
	for off := headerSize; off+frameSize <= len(b); {
		f := b[off:]
		le.PutUint16(f[6:], frameMagic)
		meta, stored := int(le.Uint32(f[8:])), int(le.Uint32(f[12:]))
		end := off + frameSize + meta + stored
		if meta < 0 || stored < 0 || meta > len(b) || stored > len(b) || end > len(b) {
			end = len(b)
		} else {
			le.PutUint32(f[20:], crc32.Checksum(b[off+frameSize:end], castagnoli))
		}
		le.PutUint32(f, frameSum(f[:frameSize], salt, int64(off)))
		off = end
	}
}

// FuzzSegment opens a directory with any bytes as its only segment, with right
// checksums or without, and with any bytes as an index.
func FuzzSegment(f *testing.F) {
	fs := vfs.NewMem()
	j := open(f, Options{FS: fs, Dir: "journal"})
	r := rand.New(rand.NewPCG(2, 2))
	for i := range 4 {
		put(f, j, Record{Kind: 1, Stream: uint32(i % 2), First: uint64(i), Count: 1, Meta: []byte("meta"), Data: rowsOf(r, i)})
	}
	h := j.last().header
	j.Close()
	body := read(f, fs, "journal")[segmentName(1)][headerSize:]
	s := &segment{header: h, name: "journal/" + segmentName(1)}
	sc := scanOf(fs, s)
	if err := s.learn(sc); err != nil {
		f.Fatal(err)
	}
	f.Add(body, encodeIndex(s, s.idx), true)
	f.Add(body[:len(body)/2], []byte{}, true)
	f.Add(body, []byte(indexMagic), false)
	f.Fuzz(func(t *testing.T, body, side []byte, right bool) {
		segment := append(h.put(nil), body...)
		if right {
			repair(segment, h.salt)
		}
		next := header{seq: 2, prev: 1, prevEnd: int64(len(segment)), first: 1, salt: 3}
		dirs := []files{
			{segmentName(1): segment},
			{segmentName(1): segment, indexName(segmentName(1)): side, segmentName(2): next.put(nil)},
		}
		for _, dir := range dirs {
			fs := dir.on("", nil)
			if err := Verify(fs, "journal", func(string, int64, string) {}); err != nil {
				t.Fatal(err)
			}
			use(t, fs)
		}
		if _, err := loadIndex(dirs[1].on("", nil), s); err != nil && !errors.Is(err, errNoIndex) {
			t.Fatal(err)
		}
	})
}

func scanOf(fs vfs.FS, s *segment) *scanner {
	f, err := fs.Open(s.name)
	if err != nil {
		panic(err)
	}
	info, err := f.Stat()
	if err != nil {
		panic(err)
	}
	return &scanner{f: f, name: s.name, salt: s.salt, off: headerSize, limit: info.Size(), want: s.first}
}

// use opens a journal of doubtful content. Errors are errors of damage, what is
// read is sound, and it goes on from there.
func use(t *testing.T, fs vfs.FS) {
	var damage *CorruptError
	j, err := Open(Options{FS: fs, Dir: "journal"})
	if err != nil {
		if !errors.As(err, &damage) {
			t.Fatal(err)
		}
		return
	}
	before, err := tryAll(j, 1)
	if err != nil && !errors.As(err, &damage) {
		t.Fatal(err)
	}
	for i := range before {
		r := &before[i]
		if r.Kind == 0 || r.Pos != Position(i+1) {
			t.Fatalf("%+v", r)
		}
		if _, err := j.Find(r.Stream, r.First); err != nil && err != ErrNone && !errors.As(err, &damage) {
			t.Fatal(err)
		}
	}
	if err != nil {
		j.Close()
		return
	}
	if p := put(t, j, Record{Kind: 9, Stream: NoStream}); p != Position(len(before)+1) {
		t.Fatalf("appended at %d behind %d records", p, len(before))
	}
	j.Close()
	j, err = Open(Options{FS: fs, Dir: "journal"})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	after, err := tryAll(j, 1)
	if err != nil {
		t.Fatal(err)
	}
	same(t, after[:len(before)], before)
}
