package checkpoint

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/zeebo/xxh3"
)

// Format is the version of what this package writes. It changes with the keys
// and values of the database and with MANIFEST.json.
const Format = 1

// Page is a page of an engine's memory.
type Page struct {
	Unit   uint64
	Number uint32
	Data   []byte // nil: the page is gone
}

// Commit is a checkpoint: what has changed since the one before it.
type Commit struct {
	// Position is the place in the journal up to which the state has come, Need
	// the oldest that a restore of it reads.
	Position, Need uint64
	Layout         string            // names how states are laid out
	Meta           []byte            // the engine's own
	Blobs          map[string][]byte // nil value: gone; what is not named stays
	Pages          []Page            // in any order, which Commit may change; each at most once
	GoneUnits      []uint64          // units of which no page is left but those in Pages
	// Full says that Pages are all there are; FullTo, that they are all there are
	// of the units below it, a multiple of UnitSpan.
	Full   bool
	FullTo uint64
}

// UnitSpan is how many units one owner can have. Pages of different owners are
// not mixed in a file.
const UnitSpan = 1 << 48

// Manifest describes a checkpoint.
type Manifest struct {
	Format    int    `json:"format"`
	Seq       uint64 `json:"checkpoint"` // counts the store's checkpoints
	Position  uint64 `json:"position"`
	Need      uint64 `json:"need"`
	Time      int64  `json:"time"` // ns since 1970
	Layout    string `json:"layout"`
	Pages     int    `json:"pages"`
	PageBytes int64  `json:"page_bytes"`
	Sum       uint64 `json:"sum,string"` // of all pages, whatever their order

	Meta []byte `json:"-"`
}

// At is when the checkpoint was written.
func (m *Manifest) At() time.Time { return time.Unix(0, m.Time).UTC() }

// The keys of the database, in their order: blobs, the manifest, the engine's
// meta, pages by unit and number. Every value ends with a checksum of its key
// and itself.
const (
	blobKey     = 'b'
	manifestKey = "m"
	metaKey     = "n"
	pageKey     = 'p'
	pagesEnd    = "q"

	pageKeyBytes = 1 + 8 + 4
	sumBytes     = 4
)

func appendPageKey(dst []byte, unit uint64, number uint32) []byte {
	dst = binary.BigEndian.AppendUint64(append(dst, pageKey), unit)
	return binary.BigEndian.AppendUint32(dst, number)
}

func cutPageKey(k []byte) (unit uint64, number uint32, ok bool) {
	if len(k) != pageKeyBytes || k[0] != pageKey {
		return 0, 0, false
	}
	return binary.BigEndian.Uint64(k[1:]), binary.BigEndian.Uint32(k[9:]), true
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(key, value []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, value)
}

// sealed appends a value with its checksum.
func sealed(dst, key, value []byte) []byte {
	dst = append(dst, value...)
	return binary.LittleEndian.AppendUint32(dst, checksum(key, value))
}

// open takes the checksum off a value.
func open(key, value []byte) ([]byte, bool) {
	n := len(value) - sumBytes
	if n < 0 || binary.LittleEndian.Uint32(value[n:]) != checksum(key, value[:n]) {
		return nil, false
	}
	return value[:n:n], true
}

// pageSum is what a page adds to Manifest.Sum, by exclusive or.
func pageSum(unit uint64, number, sum uint32) uint64 {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:], unit)
	binary.LittleEndian.PutUint32(b[8:], number)
	binary.LittleEndian.PutUint32(b[12:], sum)
	return xxh3.Hash(b[:])
}

// encode writes the manifest as JSON.
func (m *Manifest) encode() []byte {
	b, err := json.Marshal(m)
	if err != nil {
		panic(err) // numbers and a string
	}
	return b
}

// decodeManifest reads a manifest; file is what an error names.
func decodeManifest(b []byte, file string) (m Manifest, err error) {
	var only struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(b, &only); err != nil {
		return m, &CorruptError{File: file, Why: fmt.Sprintf("its manifest: %v", err), Err: err}
	}
	if only.Format > Format {
		return m, &VersionError{File: file, Found: only.Format, Known: Format}
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return m, &CorruptError{File: file, Why: fmt.Sprintf("its manifest: %v", err), Err: err}
	}
	if m.Format < 1 || m.Seq == 0 {
		return m, &CorruptError{File: file, Why: "its manifest is not one"}
	}
	return m, nil
}
