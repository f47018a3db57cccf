package decode

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// ChunkSize is how many bytes a chunk has, about: enough to make what is done
// once per batch cheap, few enough to stay in the cache of a core.
const ChunkSize = 256 << 10

// Chunk is a run of complete records.
type Chunk struct {
	Data   []byte
	Offset int64 // of Data in the decompressed input, bytes
}

// Record returns where the record that starts at b[i] ends, its line end cut
// off, and where the next one starts; end = i tells that the line is empty and
// no record. next is -1 if more bytes must be seen; last says that none come.
// The configuration must be one that New or NewChunks has completed.
func (c *Config) Record(b []byte, i int, last bool) (end, next int) {
	if c.Format == CSV {
		next = csvNext(b, i, c.Delimiter, c.MaxEvent+2, last)
	} else if j := bytes.IndexByte(b[i:], '\n'); j >= 0 {
		next = i + j + 1
	} else if next = len(b); !last {
		next = -1
	}
	if next < 0 {
		return i, -1
	}
	end = trimEnd(b, i, next)
	if c.Format == JSON && end > i && b[i] <= ' ' && blanks(b[:end], i) == end {
		end = i
	}
	return end, next
}

// Config returns the configuration with its defaults filled in.
func (c *Chunks) Config() Config { return c.cfg }

// Chunks cuts an input into chunks of complete records: lines, or CSV records
// with line ends in their quoted cells. A record longer than the limit comes as
// its first bytes, one more than the limit, so that the decoder makes a dead
// letter of it; the rest of its line is passed over. The last record needs no
// line end.
//
// Where a chunk ends follows from where it begins and from what stands there,
// so that reading goes on alike from the beginning of any chunk (SkipTo).
type Chunks struct {
	r         io.Reader
	cfg       Config
	size      int    // of a chunk
	rest      []byte // read, and not yet given out
	offset    int64  // of rest
	header    []string
	started   bool
	eof       bool
	dropping  bool // inside a line that was too long
	headerErr error
}

// NewChunks cuts what r reads. Of the configuration it uses Format, Delimiter,
// MaxEvent and Chunk.
func NewChunks(r io.Reader, cfg Config) *Chunks {
	if cfg.Delimiter == 0 {
		cfg.Delimiter = ','
	}
	if cfg.MaxEvent == 0 {
		cfg.MaxEvent = DefaultMaxEvent
	}
	if cfg.Chunk == 0 {
		cfg.Chunk = ChunkSize
	}
	return &Chunks{r: r, cfg: cfg, size: cfg.Chunk}
}

// ErrNoHeader tells that CSV input is empty.
var ErrNoHeader = errors.New("no header line")

// Header returns the names of a CSV input's columns, exactly as they stand
// there; for NDJSON nil. It may be called at any time.
func (c *Chunks) Header() ([]string, error) {
	if !c.started {
		c.start()
	}
	return c.header, c.headerErr
}

// start steps over a byte order mark and reads the header.
func (c *Chunks) start() {
	c.started = true
	if err := c.fill(3); err != nil && err != io.EOF {
		c.headerErr = err
		return
	}
	if bytes.HasPrefix(c.rest, []byte("\xef\xbb\xbf")) {
		c.advance(3)
	}
	if c.cfg.Format != CSV {
		return
	}
	for {
		end, err := c.headerEnd()
		if err != nil {
			c.headerErr = err
			return
		}
		line := c.rest[:trimEnd(c.rest, 0, end)]
		if len(line) > 0 {
			c.header, c.headerErr = splitHeader(line, c.cfg.Delimiter)
		}
		c.advance(end)
		if len(line) > 0 {
			return
		}
	}
}

func (c *Chunks) headerEnd() (int, error) {
	for {
		end, state := csvRecord(c.rest, 0, c.cfg.Delimiter)
		switch {
		case state == csvEnded:
			return end, nil
		case len(c.rest) > c.cfg.MaxEvent:
			return 0, fmt.Errorf("the header line is longer than %d bytes", c.cfg.MaxEvent)
		case state == csvLines || c.eof && state == csvOpen:
			return 0, errors.New("the header line has a quote that is not closed")
		case c.eof && len(c.rest) == 0:
			return 0, ErrNoHeader
		case c.eof:
			return len(c.rest), nil
		}
		if err := c.fill(max(4096, 2*len(c.rest))); err != nil && err != io.EOF {
			return 0, err
		}
	}
}

// splitHeader takes the header line apart.
func splitHeader(line []byte, delimiter byte) ([]string, error) {
	if !utf8.Valid(line) {
		return nil, errors.New("the header line is not UTF-8")
	}
	cells, err := Cells(nil, line, delimiter)
	if err != nil {
		return nil, fmt.Errorf("the header line has %w", err)
	}
	return cells, nil
}

// Cells appends the cells of one CSV record, its line end cut off.
func Cells(dst []string, record []byte, delimiter byte) ([]string, error) {
	d := Decoder{cfg: Config{Format: CSV, Delimiter: delimiter}, typeSlot: -1}
	for i := range bytes.Count(record, []byte{delimiter}) + 1 {
		d.columns = append(d.columns, i)
	}
	d.tokens = make([]token, len(d.columns))
	if !d.cells(record, 0) {
		return dst, fmt.Errorf("%s at byte %d", d.why, d.at+1)
	}
	for i := range d.width {
		dst = append(dst, string(d.text(record, i)))
	}
	return dst, nil
}

func (c *Chunks) advance(n int) {
	c.rest = c.rest[:copy(c.rest, c.rest[n:])]
	c.offset += int64(n)
}

// fill reads until rest has n bytes or the input ends, then it returns io.EOF.
func (c *Chunks) fill(n int) error {
	var err error
	c.rest, err = c.read(c.rest, n)
	return err
}

// read reads behind b until it has n bytes or the input ends.
func (c *Chunks) read(b []byte, n int) ([]byte, error) {
	if cap(b) < n {
		b = append(make([]byte, 0, n), b...)
	}
	for idle := 0; len(b) < n; {
		if c.eof {
			return b, io.EOF
		}
		k, err := c.r.Read(b[len(b):n])
		b = b[:len(b)+k]
		switch {
		case err == io.EOF:
			c.eof = true
		case err != nil:
			return b, err
		case k > 0:
			idle = 0
		default:
			if idle++; idle == 100 {
				return b, io.ErrNoProgress
			}
		}
	}
	return b, nil
}

// Next returns the next chunk, io.EOF behind the last. The chunk is put into
// buf's memory if that is large enough, else into new memory; either has room
// behind the chunk for what the decoder unescapes.
func (c *Chunks) Next(buf []byte) (Chunk, error) {
	if !c.started {
		c.start()
	}
	if c.headerErr != nil {
		return Chunk{}, c.headerErr
	}
	size := c.size
	if cap(buf) < size+size/8 {
		buf = make([]byte, 0, size+size/8)
	}
	buf = append(buf[:0], c.rest...)
	c.rest = c.rest[:0]
	for {
		var err error
		buf, err = c.read(buf, size)
		if err != nil && err != io.EOF {
			return Chunk{}, err
		}
		if c.dropping {
			if buf = c.drop(buf); !c.eof {
				continue // to as much as a chunk has that begins here
			}
		}
		if len(buf) == 0 && c.eof {
			return Chunk{}, io.EOF
		}
		if n := c.cut(buf); n > 0 {
			chunk := Chunk{Data: buf[:n], Offset: c.offset}
			c.rest = append(c.rest, buf[n:]...)
			c.offset += int64(n)
			return chunk, nil
		}
		// One record that is larger than a chunk, and not too long yet.
		size = min(2*size, c.cfg.MaxEvent+2)
	}
}

// SkipTo passes over everything before an offset at which a chunk began: it is
// the next one. It does not go back, and it must not come behind a line that was
// too long. A reader that can Skip does not read what is passed over.
func (c *Chunks) SkipTo(offset int64) error {
	if _, err := c.Header(); err != nil {
		return err
	}
	n := offset - c.offset
	if n < 0 {
		return fmt.Errorf("decode: offset %d was passed over before, reading is at %d", offset, c.offset)
	}
	here := min(n, int64(len(c.rest)))
	c.advance(int(here))
	if n -= here; n == 0 {
		return nil
	}
	c.offset += n
	if s, ok := c.r.(interface{ Skip(int64) error }); ok {
		return s.Skip(n)
	}
	_, err := io.CopyN(io.Discard, c.r, n)
	return early(err)
}

// early makes the end of an input an error where more was to come.
func early(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// drop passes over the rest of a line that was too long.
func (c *Chunks) drop(buf []byte) []byte {
	n := len(buf)
	if j := bytes.IndexByte(buf, '\n'); j >= 0 {
		n = j + 1
		c.dropping = false
	}
	c.offset += int64(n)
	return buf[:copy(buf, buf[n:])]
}

// cut returns how much of buf is a chunk, 0 if the first record is not yet all
// there. A line that is too long is cut off and the rest of it will be dropped.
func (c *Chunks) cut(buf []byte) (n int) {
	if c.cfg.Format == CSV {
		for n < len(buf) {
			end := csvNext(buf, n, c.cfg.Delimiter, c.cfg.MaxEvent+2, c.eof)
			if end < 0 {
				break
			}
			n = end
		}
	} else if n = bytes.LastIndexByte(buf, '\n') + 1; c.eof {
		n = len(buf)
	}
	if limit := c.cfg.MaxEvent + 1; n == 0 && len(buf) > limit {
		c.dropping = true
		return limit
	}
	return n
}
