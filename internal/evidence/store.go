package evidence

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/internal/decode"
)

// ErrGone tells that the text of an event is not there any more, or never was.
var ErrGone = errors.New("the raw event is gone")

// Options bound a store.
type Options struct {
	Dir      string // of the temporary files; "" is the system's
	MaxSpool int64  // bytes of temporary files for one input, the oldest are given up; default DefaultMaxSpool

	// Kept is the folder of the files that outlive the process, and FS the file
	// system that it is in, nil: the system's.
	Kept string
	FS   vfs.FS
}

// DefaultMaxSpool is how much of an input that cannot be read again is kept.
const DefaultMaxSpool = 8 << 30

// Store holds the evidence of a run. Its methods may be called by several
// goroutines; each Log is written by one.
type Store struct {
	opt   Options
	mu    sync.RWMutex
	logs  map[cep.Ref]*Log // by source and partition, at position 0
	cache cache
}

// New makes an empty store.
func New(opt Options) *Store {
	if opt.MaxSpool == 0 {
		opt.MaxSpool = DefaultMaxSpool
	}
	if opt.FS == nil {
		opt.FS = vfs.Default
	}
	return &Store{opt: opt, logs: map[cep.Ref]*Log{}}
}

// Input describes where the events of a source's partition come from.
type Input struct {
	File   io.ReaderAt   // the plain file, as decode.Input.File gives it; nil is spooled
	Config decode.Config // as decode.Chunks.Config gives it, with the header of CSV
	Kept   bool          // what is spooled outlives the process, in Options.Kept
}

// Open begins the log of a source's partition.
func (s *Store) Open(source, partition uint32, in Input) *Log {
	l := &Log{store: s, in: in, stride: firstStride, most: maxEntries}
	switch {
	case in.File != nil:
	case in.Kept:
		l.spool = &spool{dir: s.opt.Kept, max: s.opt.MaxSpool, fs: s.opt.FS, prefix: fmt.Sprintf("%d-%d-", source, partition)}
	default:
		l.spool = &spool{dir: s.opt.Dir, max: s.opt.MaxSpool}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.logs[cep.MakeRef(source, partition, 0)] = l
	return l
}

// Raw returns the raw text of an event as JSON: the object itself, of CSV an
// object of the columns by their names, all as strings. The result is the
// caller's. The error is or wraps ErrGone.
func (s *Store) Raw(ref cep.Ref) ([]byte, error) {
	s.mu.RLock()
	l := s.logs[cep.MakeRef(ref.Source(), ref.Partition(), 0)]
	s.mu.RUnlock()
	if l == nil {
		return nil, fmt.Errorf("%w: no input %d/%d", ErrGone, ref.Source(), ref.Partition())
	}
	return l.raw(ref.Position())
}

// Close gives up the temporary files. The plain files are their owner's, and
// kept ones stay.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, l := range s.logs {
		errs = append(errs, l.close())
	}
	clear(s.logs)
	return errors.Join(errs...)
}
