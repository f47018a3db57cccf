package alerts

import "time"

// Stalled says why and since when the disk takes no writes; "" if it does.
func (l *Log) Stalled() (since time.Time, why string) {
	since, err := l.disk.Stalled()
	if err != nil {
		why = err.Error()
	}
	return since, why
}

// Stats are figures of a log.
type Stats struct {
	First, Head uint64 // numbers of the oldest and the last alert
	Bytes       uint64 // on disk
	Dead, Late  uint64 // kept, not in all
	Missing     uint64 // alerts that replays did not bring again, since the log was opened
	Silenced    uint64 // alerts that silences kept from the sinks, since the log was opened
	Silences    int    // in force now
	Stalled     string // "" or why the disk takes no writes
	Failed      string // "" or why the log cannot go on
}

// Stats returns figures of the log.
func (l *Log) Stats() Stats {
	s := Stats{First: l.first.Load(), Head: l.head.Load(), Missing: l.missing.Load(), Silenced: l.silenced.Load(), Silences: l.silences.inForce(l.opt.Now().UnixNano())}
	_, s.Stalled = l.Stalled()
	if err := l.fatal.Load(); err != nil {
		s.Failed = (*err).Error()
	}
	l.shelves.Lock()
	s.Dead, s.Late = l.dead.next-l.dead.first, l.late.next-l.late.first
	l.shelves.Unlock()
	if l.use() == nil {
		s.Bytes = l.db.Metrics().DiskSpaceUsage()
		l.done()
	}
	return s
}
