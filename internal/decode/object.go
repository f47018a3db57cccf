package decode

import (
	"encoding/binary"

	"github.com/weir-cep/weir/cep"
)

// kind is what stands in the input for a slot.
type kind uint8

const (
	isNone   kind = iota // nothing
	isNull               // JSON
	isTrue               // JSON
	isFalse              // JSON
	isNumber             // JSON
	isString             // JSON
	isObject             // JSON
	isArray              // JSON
	isCell               // CSV, not empty
	isEmpty              // CSV, empty
)

// token is what the scanner notes for a slot: of a string what is between its
// quotes, of a CSV cell too, of another value all of its text.
type token struct {
	off, end uint32
	kind     kind
	escaped  bool // the text is not the value: it has escapes, or "" in CSV
}

// simple tells whether the token is text that stands in the input as it is meant.
func (t *token) simple() bool { return (t.kind == isString || t.kind == isCell) && !t.escaped }

// record scans the object that is all of b[i:], noting the slots.
func (d *Decoder) record(b []byte, i int) bool {
	clear(d.tokens)
	d.schema = -1
	i = blanks(b, i)
	if i >= len(b) || b[i] != '{' {
		d.bad(BadJSON, i, "the record is not an object")
		return false
	}
	if i = d.object(b, i+1, d.root, 1); i < 0 {
		return false
	}
	if i = blanks(b, i); i < len(b) {
		d.bad(BadJSON, i, "more text behind the object")
		return false
	}
	return true
}

// object scans the members of an object whose brace is before b[i] and returns
// the index behind its closing brace, -1 after a failure.
func (d *Decoder) object(b []byte, i int, n *node, depth int) int {
	if depth > MaxDepth {
		return d.bad(TooDeep, i-1, "")
	}
	i = blanks(b, i)
	if i < len(b) && b[i] == '}' {
		return i + 1
	}
	for place := 0; ; place++ {
		if i >= len(b) || b[i] != '"' {
			return d.bad(BadJSON, i, "a key in quotes expected")
		}
		i++
		member := -1
		p := &n.predictions[d.schema+1][place&(predicted-1)]
		if i+16 <= len(b) &&
			(binary.LittleEndian.Uint64(b[i:])^p.low)&p.lowMask|(binary.LittleEndian.Uint64(b[i+8:])^p.high)&p.highMask == 0 {
			member = int(p.child)
			if i += int(p.size); i < len(b) && b[i] <= ' ' {
				i = blanks(b, i)
			}
		} else if member, i = d.key(b, i, n, p); i < 0 {
			return -1
		}
		if member < 0 {
			i = d.skip(b, i, depth)
		} else {
			i = d.value(b, i, &n.children[member], depth)
		}
		if i < 0 {
			return -1
		}
		if i < len(b) && b[i] <= ' ' {
			i = blanks(b, i)
		}
		if i >= len(b) || b[i] != ',' {
			break
		}
		i++
		if i < len(b) && b[i] <= ' ' {
			i = blanks(b, i)
		}
	}
	if i >= len(b) || b[i] != '}' {
		return d.bad(BadJSON, i, `"," or "}" expected`)
	}
	return i + 1
}

// key reads a key that was not predicted, predicts it, and returns the index
// of its value.
func (d *Decoder) key(b []byte, i int, n *node, p *prediction) (member, next int) {
	j, escaped := d.str(b, i)
	if j < 0 {
		return -1, -1
	}
	if escaped {
		d.tmp = unescape(d.tmp[:0], b[i:j])
		member = n.keys.find(d.tmp)
	} else {
		member = n.keys.find(b[i:j])
		if j+1 < len(b) && b[j+1] == ':' {
			p.set(b[i:j], member)
		}
	}
	return member, d.colon(b, j+1)
}

// value scans the value at b[i], notes it for the child's slot and steps into
// it where slots lie below. It returns the index behind the value.
func (d *Decoder) value(b []byte, i int, c *child, depth int) int {
	if i >= len(b) {
		return d.bad(BadJSON, i, "the record ends where a value is expected")
	}
	if c.node != nil {
		d.forget(c)
	}
	start, end := i, i
	var k kind
	escaped := false
	switch ch := b[i]; {
	case ch == '"':
		k = isString
		start = i + 1
		var wide bool
		if end, wide = stringEnd(b, start); end >= len(b) || b[end] != '"' || wide {
			if end, escaped = d.str(b, start); end < 0 {
				return -1
			}
		}
		i = end + 1
	case ch == '-' || ch-'0' <= 9:
		n, j, ok := cep.ScanDecimal(b, i)
		if !ok {
			return d.bad(BadJSON, start, "not a number")
		}
		if c.slot >= 0 {
			d.nums[c.slot] = n
		}
		k, i, end = isNumber, j, j
	case ch == '{' && c.node != nil:
		k = isObject
		i = d.object(b, i+1, c.node, depth+1)
		end = i
	case ch == '{' || ch == '[':
		k = isObject
		if ch == '[' {
			k = isArray
		}
		i = d.skipInside(b, i, depth)
		end = i
	default:
		k, i = d.literal(b, i)
		end = i
	}
	if i < 0 || c.slot < 0 {
		return i
	}
	d.tokens[c.slot] = token{uint32(start), uint32(end), k, escaped}
	if c.slot == d.typeSlot {
		d.pick(b)
	}
	return i
}

// forget drops what an earlier member of the same key has noted below it.
func (d *Decoder) forget(c *child) {
	clear(d.tokens[c.lo:c.hi])
	if d.typeSlot >= c.lo && d.typeSlot < c.hi {
		d.schema = -1
	}
}

// pick selects the schema by the type field's value, a string or the text of a
// number or bool.
func (d *Decoder) pick(b []byte) {
	d.schema = -1
	switch d.tokens[d.typeSlot].kind {
	case isString, isNumber, isTrue, isFalse, isCell:
		d.schema = d.tags.find(d.text(b, d.typeSlot))
		if d.schema >= 0 {
			d.schema = d.tagged[d.schema]
		}
	}
}

// text returns the text of a slot as it is meant. An escaped one is made in
// d.tmp and lives until the next.
func (d *Decoder) text(b []byte, slot int) []byte {
	t := &d.tokens[slot]
	s := b[t.off:t.end]
	if !t.escaped {
		return s
	}
	d.tmp = d.plain(d.tmp[:0], s)
	return d.tmp
}

// plain appends the text of an escaped token.
func (d *Decoder) plain(dst, s []byte) []byte {
	if d.cfg.Format == CSV {
		return unquote(dst, s)
	}
	return unescape(dst, s)
}
