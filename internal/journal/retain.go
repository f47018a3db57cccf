package journal

import "fmt"

// Clean applies retention: it removes the oldest segments as long as one of
// the bounds is exceeded, recovery does not need them, and a newer one is
// there. It returns how many it removed.
func (j *Journal) Clean() (removed int, err error) {
	j.maintain.Lock()
	defer j.maintain.Unlock()
	err = j.removeDoomed() // of a call that failed
	for s := j.expired(); s != nil && err == nil; s = j.expired() {
		if err = j.removeOldest(s); err == nil {
			removed++
		}
	}
	if err != nil {
		return removed, fmt.Errorf("clean the journal: %w", err)
	}
	return removed, nil
}

// expired is the oldest segment if it is not to be kept.
func (j *Journal) expired() *segment {
	j.mu.RLock()
	defer j.mu.RUnlock()
	if len(j.segs) < 2 || j.need == 0 || j.segs[0].sum.next > j.need {
		return nil
	}
	s := j.segs[0]
	switch {
	case j.opt.KeepBytes > 0 && j.bytes > j.opt.KeepBytes:
		return s
	case j.opt.KeepAge > 0 && s.sum.maxTime < j.opt.Now().Add(-j.opt.KeepAge).UnixNano():
		return s
	}
	return nil
}

// removeOldest takes the oldest segment out.
func (j *Journal) removeOldest(s *segment) error {
	j.mu.Lock()
	j.segs = append([]*segment(nil), j.segs[1:]...)
	j.bytes -= s.sum.end
	for stream, spans := range j.rows {
		n := 0
		for n < len(spans) && spans[n].seq == s.seq {
			n++
		}
		switch {
		case n == len(spans):
			delete(j.rows, stream)
		case n > 0:
			j.rows[stream] = append([]span(nil), spans[n:]...)
		}
	}
	j.mu.Unlock()
	j.cache.drop()
	j.doomed = s.name
	return j.removeDoomed()
}

// removeDoomed removes the file of a segment that is no longer in the journal.
// That its name is gone is durable before the next one goes: a hole between
// segments is damage.
func (j *Journal) removeDoomed() error {
	if j.doomed == "" {
		return nil
	}
	j.fs.Remove(indexName(j.doomed)) // a cache; Open removes what is left
	if err := j.fs.Remove(j.doomed); err != nil && !isMissing(err) {
		return err
	}
	if err := j.syncDir(); err != nil {
		return err
	}
	j.doomed = ""
	return nil
}
