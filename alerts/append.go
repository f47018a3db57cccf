package alerts

import (
	"encoding/binary"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/weir-cep/weir/cep"
)

// Commit appends alerts that the record of the journal at that position
// brought, gives them their numbers and keeps them. It need not be durable when
// it returns; see Sync. While the log replays, alerts that it has already are
// compared instead.
//
// An error says that none of them is in the log; Commit may be called with them
// again.
func (l *Log) Commit(journal uint64, alerts []*cep.Alert) error {
	if len(alerts) == 0 {
		return nil
	}
	if err := l.beginWrite(); err != nil {
		return err
	}
	defer l.endWrite()
	before := l.replay
	known, err := l.compare(alerts)
	if err == nil && known < len(alerts) {
		err = l.append(journal, alerts[known:])
	}
	if err != nil {
		l.replay = before // all of them come again
		return err
	}
	l.dropTexts(alerts)
	return nil
}

func (l *Log) append(journal uint64, alerts []*cep.Alert) error {
	b := l.db.NewBatch()
	defer b.Close()
	head, logged := l.head.Load(), l.opt.Now().UnixNano()
	var quiet []*Silence
	for i, a := range alerts {
		s := l.silence(a, logged)
		if s != nil {
			quiet = append(quiet, s)
		}
		if err := l.add(b, head+1+uint64(i), journal, logged, a, s); err != nil {
			return err
		}
	}
	if err := l.countSilenced(b, quiet); err != nil {
		return err
	}
	if err := l.write(b); err != nil {
		return err
	}
	for i, a := range alerts {
		a.Seq = head + 1 + uint64(i)
	}
	head += uint64(len(alerts))
	l.head.Store(head)
	l.replay.next = head + 1
	l.news.ring()
	return nil
}

// add puts an alert and what it is found by into a batch.
func (l *Log) add(b *pebble.Batch, seq, journal uint64, logged int64, a *cep.Alert, s *Silence) error {
	l.key = alertKey(l.key[:0], seq)
	silence := ""
	if s != nil {
		silence = s.ID
	}
	l.row = appendRow(l.row[:0], journal, logged, a, silence)
	if err := b.Set(l.key, l.row, nil); err != nil {
		return err
	}
	if a.Event != 0 {
		l.row = alertKey(l.row[:0], seq)[1:]
		l.key = eventKey(l.key[:0], a.Event)
		if err := b.Set(l.key, l.row, nil); err != nil {
			return err
		}
	}
	l.key = idKey(l.key[:0], a.ID, seq)
	return b.Set(l.key, nil, nil)
}

// write commits a batch without waiting for the disk. Called with writing held.
func (l *Log) write(b *pebble.Batch) error {
	if err := b.Set(metaKey(metaBatch), binary.BigEndian.AppendUint64(nil, l.batches+1), nil); err != nil {
		return err
	}
	if err := b.Commit(pebble.NoSync); err != nil {
		return fmt.Errorf("write the alert log: %w", err)
	}
	l.batches++
	if err := l.fatal.Load(); err != nil {
		return *err
	}
	return nil
}

// Sync returns when all that was committed is durable.
func (l *Log) Sync() error {
	l.await()
	if err := l.use(); err != nil {
		return err
	}
	defer l.done()
	if err := l.failure(); err != nil {
		return err
	}
	l.syncing.Lock()
	defer l.syncing.Unlock()
	l.writing.Lock()
	err := l.writeTexts()
	batches := l.batches
	l.writing.Unlock()
	if err != nil {
		return err
	}
	if batches == l.synced.batches {
		return nil
	}
	if err := l.db.LogData(nil, pebble.Sync); err != nil {
		return fmt.Errorf("sync the alert log: %w", err)
	}
	if err := l.fatal.Load(); err != nil {
		return *err
	}
	if err := l.writeSynced(batches); err != nil {
		return fmt.Errorf("sync the alert log: %w", err)
	}
	return nil
}
