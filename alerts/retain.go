package alerts

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// cleanBatch is how many alerts are removed in one batch, so that no Commit
// waits long for it.
const cleanBatch = 2_000

// Hold keeps retention from removing what a reader has not seen: what comes
// behind its cursor, within KeepBehind. SetCursor moves it on.
func (l *Log) Hold(name string) error {
	c, err := l.Cursor(name)
	if err != nil {
		return err
	}
	l.holding.Lock()
	defer l.holding.Unlock()
	l.holds[name] = c.Seq
	return nil
}

// Release ends a Hold. The cursor stays.
func (l *Log) Release(name string) {
	l.holding.Lock()
	defer l.holding.Unlock()
	delete(l.holds, name)
}

// held is the number of the alert that the slowest reader has seen last.
func (l *Log) held() uint64 {
	l.holding.Lock()
	defer l.holding.Unlock()
	least := uint64(math.MaxUint64)
	for _, seq := range l.holds {
		least = min(least, seq)
	}
	return least
}

func (l *Log) moveHold(name string, seq uint64) {
	l.holding.Lock()
	defer l.holding.Unlock()
	if _, ok := l.holds[name]; ok {
		l.holds[name] = seq
	}
}

// Clean removes the alerts that the limits leave no room for.
func (l *Log) Clean() (removed uint64, err error) {
	for {
		n, err := l.cleanSome()
		removed += n
		if n == 0 || err != nil {
			return removed, err
		}
	}
}

// cleanSome removes one batch of the oldest alerts.
func (l *Log) cleanSome() (removed uint64, err error) {
	if err := l.use(); err != nil {
		return 0, err
	}
	defer l.done()
	first, head := l.first.Load(), l.head.Load()
	count := above(head, l.opt.Keep) // up to here alerts go for their number
	end := min(head, first-1+cleanBatch)
	if held := l.held(); held < end {
		end = max(held, min(end, above(head, l.opt.KeepBehind)))
	}
	if end < first || count < first && l.opt.KeepAge <= 0 {
		return 0, nil
	}
	b := l.db.NewBatch()
	defer b.Close()
	next, err := l.cleanRows(b, first, end, count)
	if err != nil || next == first {
		return 0, err
	}
	if err := b.DeleteRange(alertKey(nil, first), alertKey(nil, next), nil); err != nil {
		return 0, err
	}
	if err := b.DeleteRange(triageKey(nil, first), triageKey(nil, next), nil); err != nil {
		return 0, err
	}
	if err := b.DeleteRange(historyKey(nil, first, 0), historyKey(nil, next, 0), nil); err != nil {
		return 0, err
	}
	if err := b.Set(metaKey(metaFirst), binary.BigEndian.AppendUint64(nil, next), nil); err != nil {
		return 0, err
	}
	l.writing.Lock()
	defer l.writing.Unlock()
	if err := l.failure(); err != nil {
		return 0, err
	}
	if err := l.write(b); err != nil {
		return 0, err
	}
	l.first.Store(next)
	return next - first, nil
}

// above is the last number that is more than keep away from the end, 0 if there
// is none or keep is no limit.
func above(head uint64, keep int64) uint64 {
	if keep <= 0 || head <= uint64(keep) {
		return 0
	}
	return head - uint64(keep)
}

// cleanRows removes what alerts are found by, from first to end, until one is
// within both limits; next is that one's number.
func (l *Log) cleanRows(b *pebble.Batch, first, end, count uint64) (next uint64, err error) {
	oldest := int64(math.MinInt64)
	if l.opt.KeepAge > 0 {
		oldest = l.opt.Now().Add(-l.opt.KeepAge).UnixNano()
	}
	it, err := l.rows(first-1, end)
	if err != nil {
		return 0, err
	}
	defer it.Close()
	next = first
	for ok := it.First(); ok; ok = it.Next() {
		r, err := l.rowAt(it)
		if err != nil {
			return 0, err
		}
		seq := number(it.Key())
		if seq > count && r.logged >= oldest {
			break
		}
		id, err := lineID(r.line)
		if err != nil {
			return 0, l.badRow(seq, err)
		}
		if err := b.Delete(idKey(nil, id, seq), nil); err != nil {
			return 0, err
		}
		if r.event != 0 {
			if err := b.Delete(eventKey(nil, r.event), nil); err != nil {
				return 0, err
			}
		}
		next = seq + 1
	}
	return next, l.readError(it.Error())
}

// cleaning applies the limits until the log is closed.
func (l *Log) cleaning() {
	defer close(l.cleaned)
	t := time.NewTicker(l.opt.CleanEvery)
	defer t.Stop()
	for {
		select {
		case <-l.closing:
			return
		case <-t.C:
		}
		if _, err := l.Clean(); err != nil {
			l.opt.Logger.Warn("removing old alerts", "error", err)
		}
	}
}
