package decode

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// MaxLines is how many line ends the quoted cells of a CSV record may hold. It
// bounds what is looked at again after a quote that is never closed.
const MaxLines = 1000

// Where csvRecord stands at the end of its bytes.
type csvState uint8

const (
	csvEnded csvState = iota // behind the record
	csvCell                  // in a cell or behind one
	csvOpen                  // inside quotes
	csvLines                 // inside quotes with too many line ends
)

// csvRecord returns the index behind the record that starts at b[i], its line
// end included; in another state than csvEnded the record goes on behind b.
// Text behind a closing quote is passed over here and refused by the scanner: a
// bad record shall not take the next ones with it.
func csvRecord(b []byte, i int, delimiter byte) (end int, state csvState) {
	if j := bytes.IndexByte(b[i:], '\n'); j >= 0 && bytes.IndexByte(b[i:i+j], '"') < 0 {
		return i + j + 1, csvEnded
	}
	lines := 0
	for {
		for i < len(b) && b[i] == '"' {
			j, n := closingQuote(b, i+1, MaxLines-lines)
			if lines += n; lines > MaxLines {
				return -1, csvLines
			}
			if j < 0 {
				return -1, csvOpen
			}
			i = j + 1 // a second quote opens the cell's next part
		}
		for i < len(b) && b[i] != delimiter && b[i] != '\n' {
			i++
		}
		if i >= len(b) {
			return -1, csvCell
		}
		i++
		if b[i-1] == '\n' {
			return i, csvEnded
		}
	}
}

// closingQuote returns the next quote at or behind i, -1 if there is none or if
// more than most line ends come before it, and the number of line ends. It
// looks at a few kB at a time, to stop soon where the lines are too many.
func closingQuote(b []byte, i, most int) (at, lines int) {
	for i < len(b) && lines <= most {
		piece := b[i:min(len(b), i+4096)]
		j := bytes.IndexByte(piece, '"')
		if j >= 0 {
			return i + j, lines + bytes.Count(piece[:j], newline)
		}
		lines += bytes.Count(piece, newline)
		i += len(piece)
	}
	return -1, lines
}

var newline = []byte("\n")

// csvNext returns the index behind the record that starts at b[i], or -1 if
// more bytes must be seen; last says that none will come. A record that has not
// ended after max bytes or MaxLines lines, or whose quote is open where the
// input ends, is its first line only: what a stray quote swallows is found
// again. The reader and the decoder both cut by this function, so a record is
// the same whatever chunk it comes in: where a chunk ends behind a record,
// another can be open there only if it was cut to its first line.
func csvNext(b []byte, i int, delimiter byte, max int, last bool) int {
	limit := min(len(b), i+max)
	end, state := csvRecord(b[:limit], i, delimiter)
	if state == csvEnded {
		return end
	}
	full := limit == i+max || state == csvLines
	if !full && !last {
		return -1
	}
	if full || state == csvOpen {
		if j := bytes.IndexByte(b[i:], '\n'); j >= 0 {
			return i + j + 1
		}
	}
	if !last {
		return -1
	}
	return len(b)
}

// trimEnd returns the record b[i:end] without its line end.
func trimEnd(b []byte, i, end int) int {
	if end > i && b[end-1] == '\n' {
		end--
		if end > i && b[end-1] == '\r' {
			end--
		}
	}
	return end
}

// cells scans the record that is all of b[i:], its line end cut off, noting
// the slots of the columns.
func (d *Decoder) cells(b []byte, i int) bool {
	clear(d.tokens)
	d.schema = -1
	delimiter := d.cfg.Delimiter
	for column := 0; ; column++ {
		slot := -1
		if column < len(d.columns) {
			slot = d.columns[column]
		}
		start, end, escaped := i, 0, false
		if i < len(b) && b[i] == '"' {
			start = i + 1
			if end, escaped = d.quoted(b, start); end < 0 {
				return false
			}
			i = end + 1
			if i < len(b) && b[i] != delimiter {
				d.bad(BadCSV, i, "text behind a closing quote")
				return false
			}
		} else {
			if i = cellEnd(b, i, delimiter); i < len(b) && b[i] == '"' {
				d.bad(BadCSV, i, "a quote inside a cell that does not begin with one")
				return false
			}
			end = i
		}
		if slot >= 0 {
			k := isCell
			if start == end {
				k = isEmpty
			}
			d.tokens[slot] = token{uint32(start), uint32(end), k, escaped}
			if slot == d.typeSlot {
				d.pick(b)
			}
		}
		if i >= len(b) {
			d.width = column + 1
			return true
		}
		i++ // the delimiter
	}
}

// cellEnd returns the first delimiter or quote at or behind i, len(b) if there
// is none. It looks at eight bytes at a time, as stringEnd does.
func cellEnd(b []byte, i int, delimiter byte) int {
	delimiters := ones * uint64(delimiter)
	for i+8 <= len(b) {
		w := binary.LittleEndian.Uint64(b[i:])
		quote := w ^ ones*'"'
		del := w ^ delimiters
		if m := ((quote-ones)&^quote | (del-ones)&^del) & tops; m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
		i += 8
	}
	for i < len(b) && b[i] != '"' && b[i] != delimiter {
		i++
	}
	return i
}

// quoted returns the index of the quote that closes the cell from b[i] on.
func (d *Decoder) quoted(b []byte, i int) (end int, escaped bool) {
	start := i
	for {
		j := bytes.IndexByte(b[i:], '"')
		if j < 0 {
			return d.bad(BadCSV, start-1, "a quote is not closed"), escaped
		}
		i += j
		if i+1 >= len(b) || b[i+1] != '"' {
			return i, escaped
		}
		escaped = true
		i += 2
	}
}

// unquote appends the text of a cell with doubled quotes.
func unquote(dst, s []byte) []byte {
	for {
		j := bytes.IndexByte(s, '"')
		if j < 0 {
			return append(dst, s...)
		}
		dst = append(dst, s[:j+1]...)
		s = s[j+2:]
	}
}
