package journal

import (
	"fmt"
	"log/slog"
	"sort"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Options say where a journal is and how much of it is kept.
type Options struct {
	FS  vfs.FS // default: the machine's
	Dir string // created if it does not exist

	// Segment is the length of a segment, in bytes, at which the next begins;
	// default 64 MiB.
	Segment int64
	// KeepBytes and KeepAge bound the archive, applied by Clean; 0: no limit of
	// that kind. The newest segment and what recovery needs always stay.
	KeepBytes int64
	KeepAge   time.Duration

	// Now stamps records without a time, default time.Now.
	Now func() time.Time
	// Synced is called after each group of records became durable. It must not
	// block: it is in the way of the next group.
	Synced func(took time.Duration, records int, bytes int64)
	Logger *slog.Logger // default: none
}

const defaultSegment = 64 << 20

// probeEvery is how often a stalled journal tries to write.
const probeEvery = 250 * time.Millisecond

// Journal is an open journal. It is safe for concurrent use.
//
// Locks, in this order: maintain, held for the whole of Clean and Erase; mu, what
// is in the journal; queue.mu. Nothing is read, written or synced under the
// latter two: Erase alone renames a file under mu.
type Journal struct {
	opt Options
	fs  vfs.FS
	log *slog.Logger

	mu    sync.RWMutex
	segs  []*segment // ascending, without a gap in their positions
	rows  map[uint32][]span
	need  Position // 0: everything
	asked uint64   // questions put to indexes
	bytes int64    // of all segments
	cut   int64    // bytes of a torn tail that Open cut off
	done  counts

	queue    queue
	out      writer
	cache    cache
	maintain sync.Mutex
	doomed   string        // segment that Clean has still to remove; under maintain
	stopped  chan struct{} // the writer has ended
}

// span says that a segment holds rows of a stream.
type span struct {
	seq         uint64
	first, last uint64
}

type counts struct {
	groups, records, raw, stored uint64
}

// last is the newest segment, nil in an empty journal.
func (j *Journal) last() *segment {
	if len(j.segs) == 0 {
		return nil
	}
	return j.segs[len(j.segs)-1]
}

// First is the position of the oldest record that is kept, End if there is
// none.
func (j *Journal) First() Position {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.first()
}

func (j *Journal) first() Position {
	if len(j.segs) == 0 {
		return 1
	}
	return j.segs[0].first
}

// End is the position behind the last durable record.
func (j *Journal) End() Position {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.end()
}

func (j *Journal) end() Position {
	if s := j.last(); s != nil {
		return s.sum.next
	}
	return 1
}

// Need says that recovery needs everything from p on: retention and erasure
// leave it alone. Before the first call everything is needed.
func (j *Journal) Need(p Position) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.need = max(p, 1)
}

// segmentAt is the segment that holds a position, nil if none does.
func (j *Journal) segmentAt(p Position) *segment {
	i := sort.Search(len(j.segs), func(i int) bool { return j.segs[i].sum.next > p })
	if i == len(j.segs) || j.segs[i].first > p {
		return nil
	}
	return j.segs[i]
}

// segmentOf is the segment of a number, nil if it is gone.
func (j *Journal) segmentOf(seq uint64) *segment {
	i := sort.Search(len(j.segs), func(i int) bool { return j.segs[i].seq >= seq })
	if i == len(j.segs) || j.segs[i].seq != seq {
		return nil
	}
	return j.segs[i]
}

// path is the place of a file of the journal.
func (j *Journal) path(name string) string { return j.fs.PathJoin(j.opt.Dir, name) }

// syncDir makes durable which files there are.
func (j *Journal) syncDir() error { return syncDir(j.fs, j.opt.Dir) }

func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	if err := d.Sync(); err != nil {
		d.Close()
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	return d.Close()
}
