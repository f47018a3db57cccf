package journal

import "time"

// Stats is what a journal says of itself.
type Stats struct {
	Segments    int
	Bytes       int64 // on disk, without indexes
	First, End  Position
	FirstTime   int64 // least time of the oldest segment, ns since 1970; 0: it is empty
	LastTime    int64 // greatest time of the newest records
	Need        Position
	Queued      int   // records that wait to be written
	QueuedBytes int64 // of the buffers they take, with those being written
	Stalled     string
	StalledFrom time.Time
	Groups      uint64 // syncs since Open
	Records     uint64 // appended since Open
	Raw, Stored uint64 // bytes appended since Open, as they came and as they are on disk
	Cut         int64  // bytes of a torn tail that Open cut off
}

// Stats returns the state of the moment.
func (j *Journal) Stats() Stats {
	j.mu.RLock()
	s := Stats{
		Segments: len(j.segs), Bytes: j.bytes, First: j.first(), End: j.end(), Need: j.need, Cut: j.cut,
		Groups: j.done.groups, Records: j.done.records, Raw: j.done.raw, Stored: j.done.stored,
	}
	if len(j.segs) > 0 {
		s.FirstTime = j.segs[0].sum.minTime
	}
	for i := len(j.segs) - 1; i >= 0 && s.LastTime == 0; i-- {
		s.LastTime = j.segs[i].sum.maxTime
	}
	j.mu.RUnlock()
	q := &j.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	s.Queued, s.QueuedBytes = q.count, q.bytes
	if q.stalled != nil {
		s.Stalled, s.StalledFrom = q.stalled.Error(), q.since
	}
	return s
}
