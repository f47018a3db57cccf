package patient

import (
	"hash/crc32"
	"io"
)

// Prefix is the beginning of a file that is on disk: how long it is, and the
// checksums of its blocks, the last one perhaps in part. A database that reads
// a file of records up to where it makes no sense any more cannot tell damage
// from what a crash tore; the prefix can.
type Prefix struct {
	Length int64
	Sums   []uint32
}

// Block is how many bytes a checksum of a Prefix is about.
const Block = 64 << 10

var table = crc32.MakeTable(crc32.Castagnoli)

// add appends bytes to a prefix.
func (p *Prefix) add(b []byte) {
	for len(b) > 0 {
		if p.Length%Block == 0 {
			p.Sums = append(p.Sums, 0)
		}
		n := min(int64(len(b)), Block-p.Length%Block)
		last := &p.Sums[len(p.Sums)-1]
		*last = crc32.Update(*last, table, b[:n])
		p.Length += n
		b = b[n:]
	}
}

// PrefixOf is the prefix that is all of a file.
func PrefixOf(r io.Reader) (p Prefix, err error) {
	buf := make([]byte, Block)
	for {
		n, err := r.Read(buf)
		p.add(buf[:n])
		if err == io.EOF {
			return p, nil
		}
		if err != nil {
			return p, err
		}
	}
}

// Check reads a file and says whether it begins as the prefix says. If not, the
// damage lies between two offsets.
func (p *Prefix) Check(r io.Reader) (from, to int64, ok bool, err error) {
	buf := make([]byte, Block)
	for i, sum := range p.Sums {
		from = int64(i) * Block
		to = min(from+Block, p.Length)
		n, err := io.ReadFull(r, buf[:to-from])
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return from + int64(n), p.Length, false, nil // it is shorter than it was
		}
		if err != nil {
			return from, to, false, err
		}
		if crc32.Checksum(buf[:n], table) != sum {
			return from, to, false, nil
		}
	}
	return 0, 0, true, nil
}
