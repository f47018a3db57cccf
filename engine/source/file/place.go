package file

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"github.com/zeebo/xxh3"
)

// place is where reading stands: what a cursor holds.
type place struct {
	Version  int    `json:"v"`
	Path     string `json:"path"` // where the file lay
	Device   uint64 `json:"dev,omitempty"`
	Inode    uint64 `json:"ino,omitempty"`
	Offset   int64  `json:"offset"` // bytes of the unpacked text
	Records  uint64 `json:"records"`
	Head     sum    `json:"head"` // of the first bytes
	Tail     sum    `json:"tail"` // of the bytes before Offset
	Dropping bool   `json:"dropping,omitempty"`
	// Over are files that were read to their end, the last ones, so that their
	// new names are not taken for new files.
	Over []mark `json:"over,omitempty"`
}

// mark recognises a file that is over.
type mark struct {
	Inode uint64 `json:"ino"`
	Head  sum    `json:"head"`
}

// sum is the hash of some bytes.
type sum struct {
	Len  int    `json:"len"`
	Hash uint64 `json:"xxh3"`
}

// placeVersion is written into every cursor.
const placeVersion = 1

// printed is how many bytes are hashed at either end: enough that two logs do
// not agree by chance, few enough to be read again at every look.
const printed = 1024

// maxOver is how many files that are over are remembered.
const maxOver = 8

func sumOf(b []byte) sum { return sum{len(b), xxh3.Hash(b)} }

func (s sum) of(b []byte) bool { return len(b) >= s.Len && xxh3.Hash(b[:s.Len]) == s.Hash }

func (p *place) encode() []byte {
	b, err := json.Marshal(p)
	if err != nil {
		panic("file: a cursor cannot be written: " + err.Error())
	}
	return b
}

// decodePlace reads a cursor; nil has no place.
func decodePlace(cursor []byte) (*place, error) {
	if len(cursor) == 0 {
		return nil, nil
	}
	p := new(place)
	if err := json.Unmarshal(cursor, p); err != nil {
		return nil, fmt.Errorf("the journal holds a cursor that is not one of a file: %w", err)
	}
	if p.Version != placeVersion {
		return nil, fmt.Errorf("the journal holds a cursor of version %d, this is version %d: it was written by a newer weir", p.Version, placeVersion)
	}
	return p, nil
}

// fits says whether the place is one in the file that was opened: its text
// begins as it did, and what stands before the place is what stood there. The
// reader is then at the place.
func (p *place) fits(in *input) (bool, error) {
	if err := in.skipTo(p.Offset); err == errShort {
		return false, nil
	} else if err != nil {
		return false, err
	}
	if !p.Head.of(in.head) || len(in.tail) < p.Tail.Len {
		return false, nil
	}
	return p.Tail.of(in.tail[len(in.tail)-p.Tail.Len:]), nil
}

// recognised says whether a file that begins so is one of those that are over.
func recognised(over []mark, info os.FileInfo, head []byte) bool {
	_, inode := identity(info)
	for _, m := range over {
		if inode != 0 && m.Inode == inode && m.Head.of(head) {
			return true
		}
	}
	return false
}

// window keeps the last bytes of a text.
func window(w, b []byte) []byte {
	if len(b) >= printed {
		return append(w[:0], b[len(b)-printed:]...)
	}
	if over := len(w) + len(b) - printed; over > 0 {
		w = w[:copy(w, w[over:])]
	}
	return append(w, b...)
}

// unchanged says whether a plain file still holds, at both ends of what was
// read, what it held then.
func unchanged(f *os.File, head, tail []byte, offset int64) bool {
	buf := make([]byte, printed)
	at := func(want []byte, off int64) bool {
		n, _ := f.ReadAt(buf[:len(want)], off)
		return bytes.Equal(buf[:n], want)
	}
	return at(head, 0) && at(tail, offset-int64(len(tail)))
}
