package kafka

import (
	"bytes"

	"github.com/weir-cep/weir/engine"
	"github.com/weir-cep/weir/internal/decode"
)

// chunker joins the values of records into chunks of lines.
type chunker struct {
	data  []byte
	first int64 // offset of the first record
	next  int64 // the one that is expected next
	count int
	gaps  []engine.Gap
}

// full says that the chunk is large enough to go.
func (c *chunker) full() bool { return len(c.data) >= decode.ChunkSize }

// fits says whether a value has room without the chunk growing.
func (c *chunker) begin(value int) {
	c.data = make([]byte, 0, max(decode.ChunkSize+decode.ChunkSize/8, value+1))
}

// add appends a record. Values stay on their line: a line end in one, which
// JSON allows between its parts only, becomes a blank. A value that is longer
// than an event can be is cut, so that the decoder makes a dead letter of it.
func (c *chunker) add(r *record) {
	v := r.value
	if len(v) > decode.DefaultMaxEvent {
		v = v[:decode.DefaultMaxEvent+1]
	}
	if c.count == 0 {
		c.begin(len(v))
		c.first = r.offset
	} else if r.offset != c.next {
		c.gaps = append(c.gaps, engine.Gap{Record: c.count, Skip: uint64(r.offset - c.next)})
	}
	at := len(c.data)
	c.data = append(c.data, v...)
	if bytes.IndexByte(v, '\n') >= 0 {
		for i, b := range c.data[at:] {
			if b == '\n' {
				c.data[at+i] = ' '
			}
		}
	}
	c.data = append(c.data, '\n')
	c.next = r.offset + 1
	c.count++
}

// take returns the chunk and begins a new one.
func (c *chunker) take() engine.Chunk {
	out := engine.Chunk{Data: c.data[:len(c.data):len(c.data)], First: c.first, Gaps: c.gaps}
	*c = chunker{}
	return out
}

// empty says whether a value holds nothing that could be an event.
func empty(v []byte) bool {
	return len(v) == 0 || v[0] <= ' ' && len(bytes.Trim(v, " \t\r\n")) == 0
}
