package evidence

import (
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/internal/decode"
)

const (
	firstStride = 16 << 10 // bytes between two entries of the index, until it grows too large
	maxEntries  = 1 << 20  // 16 MiB; beyond them the stride doubles
)

// Log is the evidence of one input.
type Log struct {
	store  *Store
	in     Input
	mu     sync.RWMutex
	index  []entry // by position and offset alike
	stride int64
	most   int   // entries; beyond them the stride doubles
	end    int64 // behind the last chunk
	spool  *spool
	failed error // of the spool: nothing is kept from then on
	saved  int   // entries that the last Save has brought; fewer have changed since
}

// entry is the place of one accepted event. Every chunk that has any has one
// for its first; further ones stand a stride apart.
type entry struct {
	position uint64 // 1<<63 is set in a chunk's first
	offset   int64  // in the file or the spool
}

const chunkFirst = 1 << 63

func (e entry) at() uint64 { return e.position &^ chunkFirst }

// Add notes the places of a chunk's events: b is what the chunk was decoded
// to, rebased. Chunks are added in the order of the input, each before its
// events can be asked for. An error tells that the chunk could not be spooled;
// it is returned once, the log keeps nothing from then on and the run can go on
// without evidence.
func (l *Log) Add(b *cep.Batch, chunk decode.Chunk) error {
	if len(b.Rows) == 0 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed != nil {
		return nil
	}
	base, err := l.place(chunk)
	if err != nil {
		return err
	}
	marks := marker{l: l, next: base}
	for i := range b.Rows {
		marks.mark(b.Rows[i].Ref.Position(), base+int64(b.Raw[i]>>32))
	}
	l.grown()
	return nil
}

// Skim is Add for a chunk that was worked off before and is not decoded again:
// its first record has the position. It returns how many records there are.
func (l *Log) Skim(chunk decode.Chunk, position uint64) (records uint64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	base, err := l.place(chunk)
	if err != nil {
		return 0, err
	}
	marks := marker{l: l, next: base}
	for i := 0; i < len(chunk.Data); {
		end, next := l.in.Config.Record(chunk.Data, i, true)
		if end > i {
			marks.mark(position+records, base+int64(i))
			records++
		}
		i = next
	}
	l.grown()
	return records, nil
}

// place spools a chunk, if need be, and returns where it begins.
func (l *Log) place(chunk decode.Chunk) (base int64, err error) {
	base = chunk.Offset
	if l.spool != nil {
		if base, err = l.spool.write(chunk.Data); err != nil {
			l.failed = err
			return 0, err
		}
	}
	l.end = base + int64(len(chunk.Data))
	return base, nil
}

// marker makes the entries of one chunk.
type marker struct {
	l    *Log
	next int64 // offset from which on there is another entry
	some bool  // there is one
}

func (m *marker) mark(position uint64, offset int64) {
	if offset < m.next {
		return
	}
	if !m.some {
		position |= chunkFirst
	}
	m.l.index = append(m.l.index, entry{position, offset})
	m.some, m.next = true, offset+m.l.stride
}

func (l *Log) grown() {
	if len(l.index) > l.most {
		l.thin()
	}
}

// thin doubles the stride. The first entries of chunks stay: records are
// counted from an entry on, and only inside a chunk. If these are what there
// is, the index grows.
func (l *Log) thin() {
	l.stride *= 2
	last := int64(0)
	l.index = slices.DeleteFunc(l.index, func(e entry) bool {
		if e.position&chunkFirst == 0 && e.offset-last < l.stride {
			return true
		}
		last = e.offset
		return false
	})
	l.saved = 0
	l.most = max(l.most, 2*len(l.index))
}

// raw finds the text of the event at a position.
func (l *Log) raw(position uint64) ([]byte, error) {
	from, to, first, err := l.region(position)
	if err != nil {
		return nil, err
	}
	text := l.store.cache.get(l, from, to)
	if text == nil {
		if text, err = l.read(from, to); err != nil {
			return nil, err
		}
		l.store.cache.put(l, from, to, text)
	}
	cfg := &l.in.Config
	for i, at := 0, first; i < len(text); {
		end, next := cfg.Record(text, i, true)
		if end > i {
			if at == position {
				return l.event(text[i:end])
			}
			at++
		}
		i = next
	}
	return nil, fmt.Errorf("%w: the file has changed", ErrGone)
}

// region returns the bytes that the event must stand in, and the position of
// the event that they begin with.
func (l *Log) region(position uint64) (from, to int64, first uint64, err error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	i, found := slices.BinarySearchFunc(l.index, position, func(e entry, p uint64) int {
		switch at := e.at(); {
		case at < p:
			return -1
		case at > p:
			return 1
		}
		return 0
	})
	if !found {
		i--
	}
	if i < 0 {
		return 0, 0, 0, fmt.Errorf("%w: position %d was not kept", ErrGone, position)
	}
	e := l.index[i]
	to = l.end
	if i+1 < len(l.index) {
		to = l.index[i+1].offset
	}
	// An event that has no entry of its own begins less than two strides behind
	// the one before it (a stride, and what was left from smaller ones); what
	// comes then was rejected or skipped.
	to = min(to, e.offset+2*l.stride+int64(l.in.Config.MaxEvent)+2)
	return e.offset, to, e.at(), nil
}

func (l *Log) read(from, to int64) ([]byte, error) {
	text := make([]byte, to-from)
	var n int
	var err error
	if l.spool != nil {
		l.mu.RLock()
		n, err = l.spool.readAt(text, from)
		l.mu.RUnlock()
	} else {
		n, err = l.in.File.ReadAt(text, from)
	}
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("%w: %w", ErrGone, err)
	}
	return text[:n], nil
}

// event returns a record as JSON of the caller's own.
func (l *Log) event(record []byte) ([]byte, error) {
	if l.in.Config.Format == decode.CSV {
		return csvObject(record, l.in.Config)
	}
	i, j := 0, len(record)
	for i < j && record[i] <= ' ' {
		i++
	}
	for i < j && record[j-1] <= ' ' {
		j--
	}
	return slices.Clone(record[i:j]), nil
}

// csvObject writes a CSV record as an object of its columns, in their order.
func csvObject(record []byte, cfg decode.Config) ([]byte, error) {
	cells, err := decode.Cells(nil, record, cfg.Delimiter)
	if err != nil || len(cells) < len(cfg.Header) {
		return nil, fmt.Errorf("%w: the file has changed", ErrGone)
	}
	dst := []byte{'{'}
	for i, name := range cfg.Header {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(cep.AppendJSONString(dst, name), ':')
		dst = cep.AppendJSONString(dst, cells[i])
	}
	return append(dst, '}'), nil
}

func (l *Log) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.index = nil
	if l.spool == nil {
		return nil
	}
	return l.spool.close()
}
