package file

import (
	"bytes"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/weir-cep/weir/internal/decode"
)

// cutter cuts text into runs of complete records.
type cutter struct {
	cfg      decode.Config
	rest     []byte // read, and not yet given out
	header   []string
	started  bool // behind the byte order mark and the header
	dropping bool // inside a record that was too long
}

// next returns the complete records at the front of rest, each with its line
// end, and how many bytes they take there; nil if there is none yet. last says
// that nothing comes behind rest. The caller steps over the bytes.
//
// A record that is longer than the limit comes as its first bytes, one more
// than the limit, so that the decoder makes a dead letter of it.
func (c *cutter) next(last bool) (data []byte, n int, err error) {
	if !c.started {
		var ok bool
		if n, ok, err = c.start(last); !ok {
			return nil, 0, err
		}
	}
	if c.dropping {
		j := bytes.IndexByte(c.rest[n:], '\n')
		if j < 0 {
			return nil, len(c.rest), nil
		}
		n += j + 1
	}
	end := c.complete(n, last)
	limit := n + c.cfg.MaxEvent + 1
	switch {
	case end > n:
		data = c.rest[n:end:end]
		if data[len(data)-1] != '\n' {
			data = append(slices.Clip(data), '\n')
		}
	case len(c.rest) >= limit:
		data, end = append(slices.Clone(c.rest[n:limit]), '\n'), limit
		c.started, c.dropping = true, true
		return data, end, nil
	case c.dropping: // what is dropped is stepped over at once
		c.dropping = false
		return nil, n, nil
	default:
		return nil, 0, nil // the header is looked at again
	}
	c.started, c.dropping = true, false
	return data, end, nil
}

// complete returns the index behind the last complete record, n if there is
// none.
func (c *cutter) complete(n int, last bool) int {
	if c.cfg.Format == decode.JSON {
		if last {
			return len(c.rest)
		}
		return max(n, bytes.LastIndexByte(c.rest, '\n')+1)
	}
	for n < len(c.rest) {
		_, next := c.cfg.Record(c.rest, n, last)
		if next < 0 {
			break
		}
		n = next
	}
	return n
}

// start steps over a byte order mark and reads the header of CSV; ok false: more
// bytes must be seen.
func (c *cutter) start(last bool) (n int, ok bool, err error) {
	const mark = "\xef\xbb\xbf"
	if len(c.rest) < len(mark) && !last {
		return 0, false, nil
	}
	if bytes.HasPrefix(c.rest, []byte(mark)) {
		n = len(mark)
	}
	if c.cfg.Format == decode.JSON {
		return n, true, nil
	}
	for {
		if n >= len(c.rest) {
			if last {
				return 0, false, decode.ErrNoHeader
			}
			return 0, false, nil
		}
		end, next := c.cfg.Record(c.rest, n, last)
		if next < 0 {
			return 0, false, nil
		}
		line := c.rest[n:end]
		n = next
		if len(line) == 0 {
			continue
		}
		if !utf8.Valid(line) {
			return 0, false, fmt.Errorf("the header line is not UTF-8")
		}
		if c.header, err = decode.Cells(nil, line, c.cfg.Delimiter); err != nil {
			return 0, false, fmt.Errorf("the header line has %w", err)
		}
		return n, true, nil
	}
}
