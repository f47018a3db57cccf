package slab

// Pages come from Go one by one while an arena is small, in chunks above
// that. A chunk is asked to lie in huge pages: a state of a million keys is
// read at random, and with pages of 4 KiB most of such a read is the walk
// through the page tables (measured: 213 ns for one word of 256 MiB, 99 ns in
// huge pages).
const (
	chunkFrom  = 2 << 20  // bytes of pages before the first chunk
	chunkSmall = 4 << 20  // bytes of a chunk
	chunkLarge = 16 << 20 // bytes of a chunk,
	largeFrom  = 64 << 20 // once the arena has so many
)

// pageWords returns the memory of one more page, zeroed.
func (a *Arena) pageWords() []uint64 {
	if len(a.chunk) == 0 {
		have := a.Bytes()
		if have < chunkFrom {
			return make([]uint64, PageWords)
		}
		size := chunkSmall
		if have >= largeFrom {
			size = chunkLarge
		}
		a.chunk = hugeWords(size / 8)
	}
	w := a.chunk[:PageWords:PageWords]
	a.chunk = a.chunk[PageWords:]
	return w
}
