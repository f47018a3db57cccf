package slab

import (
	"encoding/binary"
	"fmt"
	"unsafe"
)

// Header says how the words of a page are cut into slots.
type Header struct {
	Size  uint32 // words of a slot
	Live  uint16 // slots in use, at least 1
	Free  uint16 // 1 + offset of the first free slot, 0 if none
	Fresh uint16 // slots from here on were never used
}

// A saved page is its header, then its words up to Fresh (those behind are
// zero, and so are those that a large slot's text ends with), little endian.
//
//	size 4 · live 2 · free 2 · fresh 2 · zero 2 · words 4
const headerBytes = 16

// used is how many words of a page have to be kept.
func (p *page) used() int {
	if p.size <= PageWords {
		return int(p.fresh)
	}
	n := len(p.words)
	for n > 0 && p.words[n-1] == 0 {
		n--
	}
	return n
}

func (p *page) header() Header {
	return Header{Size: p.size, Live: p.live, Free: p.free, Fresh: p.fresh}
}

// Dirty calls f for every page that has changed since the last call of Dirty
// or Hold (nil words: the page is gone), and takes the marks away. The words
// are those that matter: behind them the page is zero. They are the arena's own.
func (a *Arena) Dirty(f func(page uint32, h Header, words []uint64)) {
	for i := range a.pages {
		p := &a.pages[i]
		if !p.dirty {
			continue
		}
		p.dirty = false
		if p.live == 0 {
			f(uint32(i), Header{}, nil)
			continue
		}
		f(uint32(i), p.header(), p.words[:p.used()])
	}
}

// Pages calls f for every page in use, as Dirty does, and changes nothing.
func (a *Arena) Pages(f func(page uint32, h Header, words []uint64)) {
	for i := range a.pages {
		if p := &a.pages[i]; p.live > 0 {
			f(uint32(i), p.header(), p.words[:p.used()])
		}
	}
}

// Changes returns how many pages Dirty would visit and how many Pages would.
func (a *Arena) Changes() (dirty, all int) {
	for i := range a.pages {
		if a.pages[i].dirty {
			dirty++
		}
		if a.pages[i].live > 0 {
			all++
		}
	}
	return dirty, all
}

// SavedBytes is the length of a page as AppendPage writes it.
func SavedBytes(words []uint64) int { return headerBytes + 8*len(words) }

// AppendPage appends a page, as Dirty gives it, in the form in which Load takes
// it: the same on every processor.
func AppendPage(dst []byte, h Header, words []uint64) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, h.Size)
	dst = binary.LittleEndian.AppendUint16(dst, h.Live)
	dst = binary.LittleEndian.AppendUint16(dst, h.Free)
	dst = binary.LittleEndian.AppendUint16(dst, h.Fresh)
	dst = binary.LittleEndian.AppendUint16(dst, 0)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(words)))
	if len(words) == 0 {
		return dst
	}
	if littleEndian {
		return append(dst, bytesOf(words)...)
	}
	for _, w := range words {
		dst = binary.LittleEndian.AppendUint64(dst, w)
	}
	return dst
}

// Load puts a saved page into an arena that has nothing in its place yet. When
// all are there, Loaded makes the arena usable; nothing else may be called
// before. The page's marks are clean. An error says what is wrong with the page;
// the arena is of no use then.
func (a *Arena) Load(n uint32, data []byte) error {
	h, words, err := cutPage(data)
	switch {
	case err != nil:
		return fmt.Errorf("page %d: %w", n, err)
	case n == 0 || n >= MaxPages:
		return fmt.Errorf("page %d: there is no page of that number", n)
	}
	for uint32(len(a.pages)) <= n {
		a.pages = append(a.pages, page{})
	}
	p := &a.pages[n]
	if p.live > 0 {
		return fmt.Errorf("page %d comes twice", n)
	}
	*p = page{size: h.Size, live: h.Live, free: h.Free, fresh: h.Fresh}
	if h.Size > PageWords {
		p.words = make([]uint64, h.Size)
	} else {
		p.words, p.class = a.pageWords(), classOf(int(h.Size))
	}
	copyWords(p.words, words)
	a.slots += int(h.Live)
	a.live += int64(h.Live) * int64(h.Size)
	a.reserved += int64(len(p.words))
	a.reservedPages++
	if !p.sound() {
		return fmt.Errorf("page %d: its free slots do not add up", n)
	}
	return nil
}

// Loaded ends loading.
func (a *Arena) Loaded() {
	// From the last page to the first, so that the first is the next to be used.
	for n := uint32(len(a.pages)) - 1; n > 0; n-- {
		p := &a.pages[n]
		switch {
		case p.live == 0:
			a.bare = append(a.bare, n)
		case p.size <= PageWords && (p.free != 0 || uint32(p.fresh)+p.size <= PageWords):
			a.chain(n)
		}
	}
}

// cutPage takes a saved page apart.
func cutPage(data []byte) (h Header, words []byte, err error) {
	if len(data) < headerBytes {
		return h, nil, fmt.Errorf("it is cut off")
	}
	h.Size = binary.LittleEndian.Uint32(data)
	h.Live = binary.LittleEndian.Uint16(data[4:])
	h.Free = binary.LittleEndian.Uint16(data[6:])
	h.Fresh = binary.LittleEndian.Uint16(data[8:])
	n := binary.LittleEndian.Uint32(data[12:])
	words = data[headerBytes:]
	switch {
	case uint64(len(words)) != 8*uint64(n):
		return h, nil, fmt.Errorf("%d bytes for %d words", len(words), n)
	case h.Size > PageWords && (h.Size%largeStep != 0 || h.Size > maxLarge || h.Live != 1 || h.Free != 0 || h.Fresh != 0 || n > h.Size),
		h.Size <= PageWords && (h.Size == 0 || classSizes[classOf(int(h.Size))] != h.Size || n != uint32(h.Fresh) || n > PageWords ||
			n%h.Size != 0 || h.Live == 0 || uint32(h.Live) > n/h.Size):
		return h, nil, fmt.Errorf("a header that no page has: %+v", h)
	}
	return h, words, nil
}

// maxLarge bounds a slot that is loaded, in words: 16 GiB.
const maxLarge = 1 << 31

// sound says that the free slots are chained as they should be.
func (p *page) sound() bool {
	if p.size > PageWords {
		return true
	}
	left := int(uint32(p.fresh)/p.size) - int(p.live)
	for f := p.free; f != 0; left-- {
		off := uint32(f - 1)
		if left == 0 || off%p.size != 0 || off >= uint32(p.fresh) || p.words[off] > PageWords {
			return false
		}
		f = uint16(p.words[off])
	}
	return left == 0
}

func bytesOf(w []uint64) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(&w[0])), len(w)*8)
}

func copyWords(dst []uint64, src []byte) {
	if littleEndian && len(src) > 0 {
		copy(bytesOf(dst), src)
		return
	}
	for i := range len(src) / 8 {
		dst[i] = binary.LittleEndian.Uint64(src[8*i:])
	}
}

var littleEndian = func() bool {
	one := uint16(1)
	return *(*byte)(unsafe.Pointer(&one)) == 1
}()

// Arena is where the keys lie: what has to be saved of them. The index is made
// anew.
func (k *Keys) Arena() *Arena { return k.mem }

// Reindex enters the keys of a loaded arena into the index. An error says that
// a record is not sound.
func (k *Keys) Reindex() error {
	for n := range k.mem.pages {
		p := &k.mem.pages[n]
		if p.live == 0 {
			continue
		}
		found := uint16(0)
		for off := uint32(0); off < k.extent(uint32(n)); off += p.size {
			length := uint32(0)
			if p.size > k.width {
				length = uint32(p.words[off+k.width])
			}
			if length == 0 {
				continue
			}
			if uint64(length-1)+lengthBytes > 8*uint64(p.size-k.width) {
				return fmt.Errorf("page %d: a key of %d bytes in a slot of %d words", n, length-1, p.size)
			}
			slot := uint32(n)<<pageBits | off
			k.index.insert(uint32(Hash(k.Key(slot))>>32), slot)
			found++
		}
		if found != p.live {
			return fmt.Errorf("page %d: %d keys in %d slots", n, found, p.live)
		}
		k.n += int(found)
	}
	return nil
}

// Arena is where the strings lie.
func (s *Symbols) Arena() *Arena { return s.keys.mem }

// Reindex enters the strings of a loaded arena into the index.
func (s *Symbols) Reindex() error { return s.keys.Reindex() }
