package slab

// Copies hands out memory for the copies of a checkpoint, in large pieces that
// are used again for the next one: a copy then costs the copying, not the
// system's zeroing of new pages. It serves one goroutine.
type Copies struct {
	chunks [][]byte
	at     int // chunk in use
	used   int // bytes of it
	most   int // chunks used at most since the last Trim
}

const copiesChunk = 4 << 20 // bytes, a multiple of a huge page

// Take returns n bytes of any content with no more capacity, valid until
// Reset. More than a chunk holds comes from Go.
func (c *Copies) Take(n int) []byte {
	if n > copiesChunk {
		return make([]byte, n)
	}
	if c.at < len(c.chunks) && c.used+n > copiesChunk {
		c.at, c.used = c.at+1, 0
	}
	if c.at == len(c.chunks) {
		c.chunks = append(c.chunks, bytesOf(hugeWords(copiesChunk/8)))
	}
	b := c.chunks[c.at][c.used : c.used+n : c.used+n]
	c.used += n
	c.most = max(c.most, c.at+1)
	return b
}

// Reset takes all pieces back.
func (c *Copies) Reset() { c.at, c.used = 0, 0 }

// Trim gives up some of the chunks that were not used since the last Trim: an
// eighth of all, so that one small checkpoint among large ones costs little.
func (c *Copies) Trim() {
	n := max(c.most, len(c.chunks)-(len(c.chunks)+7)/8)
	clear(c.chunks[n:])
	c.chunks, c.most = c.chunks[:n], 0
}

// Bytes is the memory that is kept.
func (c *Copies) Bytes() int64 { return int64(len(c.chunks)) * copiesChunk }
