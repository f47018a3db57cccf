package alerts

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/internal/patient"
)

// Log is the alert log. Its methods may be called from several goroutines.
//
// Order of the locks: using, syncing, writing, then one of shelves, holding,
// putting, silences. Nothing that reads
// takes writing, so a disk that stalls stops no reader.
type Log struct {
	opt  Options
	disk *patient.FS
	lock *pebble.Lock
	db   *pebble.DB

	head  atomic.Uint64 // number of the last alert
	first atomic.Uint64 // number of the oldest one still there; head+1: none is

	missing atomic.Uint64 // alerts that replays did not bring again

	using  sync.RWMutex // read: the database is in use; write: it is closed
	closed atomic.Bool

	syncing sync.Mutex
	synced  synced // what is noted as durable

	writing sync.Mutex // one batch after the other, so that numbers ascend on disk
	batches uint64     // written
	replay  replay
	row     []byte // scratch
	key     []byte // scratch

	shelves    sync.Mutex // what is written of the two, under writing, and read outside
	dead, late shelf

	holding sync.Mutex
	holds   map[string]uint64 // readers by name, and what they have seen last

	closing, cleaned chan struct{}

	putting sync.Mutex
	texts   map[cep.Ref][]byte // what PutDerived brought since, without what is an alert of the log

	news  bell // of alerts
	acted bell // of actions

	actions  atomic.Uint64 // number of the last action
	oldest   atomic.Uint64 // number of the first action that is kept
	silences silences
	silenced atomic.Uint64 // alerts since the log was opened

	fatal atomic.Pointer[error] // what the database could not go on after
}

// Names of what the log knows of itself.
const (
	metaFormat = "format"
	metaFirst  = "first"
	deadName   = "dead letters"
	lateName   = "late events"
)

// format is the version of what is in the database. Rows have a version of
// their own.
const format = 2

// Open opens the log in Options.Dir, or begins one there.
func Open(opt Options) (*Log, error) {
	opt.defaults()
	l := &Log{
		opt: opt,

		holds:   map[string]uint64{},
		texts:   map[cep.Ref][]byte{},
		closing: make(chan struct{}),
		cleaned: make(chan struct{}),

		dead: shelf{name: deadName, rows: keyDead, index: keyDeadAt, keep: uint64(opt.KeepDead)},
		late: shelf{name: lateName, rows: keyLate, index: keyLateAt, keep: uint64(opt.KeepLate)},
	}
	if err := l.openDB(); err != nil {
		return nil, err
	}
	if err := l.load(); err != nil {
		return nil, errors.Join(err, l.closeDB())
	}
	if opt.CleanEvery > 0 {
		go l.cleaning()
	} else {
		close(l.cleaned)
	}
	return l, nil
}

// load reads what the log knows of itself, or begins it.
func (l *Log) load() error {
	if _, ok, err := l.meta(metaFormat); err != nil {
		return err
	} else if !ok {
		if err := l.db.Set(metaKey(metaFormat), binary.BigEndian.AppendUint64(nil, format), pebble.Sync); err != nil {
			return fmt.Errorf("begin the alert log in %s: %w", l.opt.Dir, err)
		}
	}
	return l.readSelf()
}

// readSelf reads what the log knows of itself.
func (l *Log) readSelf() error {
	v, _, err := l.meta(metaFormat)
	if err != nil {
		return err
	}
	if v == 1 && !l.readOnly() {
		// Rows of format 1 are as they are now; they name no silence.
		if err := l.db.Set(metaKey(metaFormat), binary.BigEndian.AppendUint64(nil, format), pebble.Sync); err != nil {
			return fmt.Errorf("take over the alert log in %s: %w", l.opt.Dir, err)
		}
	}
	if v > format {
		return &VersionError{Dir: l.opt.Dir, Why: fmt.Sprintf("format %d, this one reads %d", v, format)}
	}
	if l.batches, _, err = l.meta(metaBatch); err != nil {
		return err
	}
	first, ok, err := l.meta(metaFirst)
	if err != nil {
		return err
	}
	if !ok {
		first = 1
	}
	l.first.Store(first)
	head, err := l.lastRow()
	if err != nil {
		return err
	}
	l.head.Store(max(head, first-1))
	if err := l.loadActions(); err != nil {
		return err
	}
	if err := l.loadSilences(); err != nil {
		return err
	}
	if err := l.dead.load(l); err != nil {
		return err
	}
	return l.late.load(l)
}

// readOnly says that the log is only looked at.
func (l *Log) readOnly() bool { return l.closing == nil }

// meta reads one number that the log knows of itself.
func (l *Log) meta(name string) (n uint64, ok bool, err error) {
	v, done, err := l.db.Get(metaKey(name))
	switch {
	case errors.Is(err, pebble.ErrNotFound):
		return 0, false, nil
	case err != nil:
		return 0, false, l.readError(err)
	}
	defer done.Close()
	if len(v) != 8 {
		return 0, false, l.damaged("%q is %d bytes long", name, len(v))
	}
	return binary.BigEndian.Uint64(v), true, nil
}

// lastRow is the number of the last alert that has a row, 0 if none has.
func (l *Log) lastRow() (uint64, error) {
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: []byte{keyAlert}, UpperBound: []byte{keyAlertEnd}})
	if err != nil {
		return 0, l.readError(err)
	}
	defer it.Close()
	if !it.Last() {
		return 0, l.readError(it.Error())
	}
	return number(it.Key()), nil
}

// Head is the number of the last alert, 0 if there never was one.
func (l *Log) Head() uint64 { return l.head.Load() }

// First is the number of the oldest alert that retention has left, Head()+1 if
// it left none.
func (l *Log) First() uint64 { return l.first.Load() }

// Close closes the log. What was committed is in its files then. If the disk
// takes no writes, Close does not wait for it: the log is left as a crash would
// leave it, and its directory stays locked until the process ends.
func (l *Log) Close() error {
	if l.closed.Swap(true) {
		return nil
	}
	l.news.ring()
	l.acted.ring()
	close(l.closing)
	closed := make(chan error, 1)
	go func() {
		<-l.cleaned
		l.using.Lock()
		defer l.using.Unlock()
		err := l.db.Close()
		if err == nil && l.failure() == nil {
			err = l.writeSynced(l.batches)
		}
		closed <- errors.Join(err, l.lock.Close())
	}()
	for {
		select {
		case err := <-closed:
			if err != nil {
				return fmt.Errorf("close the alert log: %w", err)
			}
			return nil
		case <-time.After(closeLook):
		}
		if since, err := l.disk.Stalled(); err != nil && time.Since(since) > closePatience {
			return fmt.Errorf("%w and is left as it is; what is not on disk comes again with the next start: %w", ErrStalled, err)
		}
	}
}

// How long Close waits for a disk that takes no writes.
const (
	closeLook     = 100 * time.Millisecond
	closePatience = 2 * time.Second
)

// use keeps the log from being closed until done is called.
func (l *Log) use() error {
	if l.closed.Load() {
		return ErrClosed // even while Close waits for a disk that takes no writes
	}
	l.using.RLock()
	if l.closed.Load() {
		l.using.RUnlock()
		return ErrClosed
	}
	return nil
}

func (l *Log) done() { l.using.RUnlock() }

// beginWrite makes the caller the one that writes, or says why nothing can be
// written.
func (l *Log) beginWrite() error {
	l.await()
	if err := l.use(); err != nil {
		return err
	}
	l.writing.Lock()
	if err := l.failure(); err != nil {
		l.endWrite()
		return err
	}
	return nil
}

// failure is why nothing can be written, nil if it can.
func (l *Log) failure() error {
	if err := l.fatal.Load(); err != nil {
		return *err
	}
	if _, err := l.disk.Stalled(); err != nil {
		return fmt.Errorf("%w: %w", ErrStalled, err)
	}
	return nil
}

// await waits a while if the disk takes no writes.
func (l *Log) await() {
	settled := l.disk.Clear()
	select {
	case <-settled:
		return
	default:
	}
	t := time.NewTimer(l.opt.grace)
	defer t.Stop()
	select {
	case <-settled:
	case <-t.C:
	case <-l.closing:
	}
}

func (l *Log) endWrite() {
	l.writing.Unlock()
	l.done()
}

// Changed returns a channel that is closed when there are alerts behind the
// Head that was read before, or the log is closed. Take the channel, then look,
// then wait.
func (l *Log) Changed() <-chan struct{} { return l.news.wait() }

// Acted is Changed for actions, behind the LastAction that was read before.
func (l *Log) Acted() <-chan struct{} { return l.acted.wait() }
