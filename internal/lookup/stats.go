package lookup

import (
	"fmt"
	"time"
)

// Stats is how one list or table is doing.
type Stats struct {
	Name, Rules, From, Origin string
	Table                     bool
	OnError                   string        // keep, missing or fail
	Refresh                   time.Duration // how often it is fetched

	Hash  uint64 // of the version in the journal
	Rows  int    // values or rows of that version; 0 after a restart until it was fetched
	Bytes int

	Fetched time.Time // when the version was last found to be what is outside; zero: never
	Changed time.Time // when the version was taken
	Missing bool      // it is empty because its content could not be had

	Fetches uint64 // refreshes tried, retries not counted
	Changes uint64 // versions taken
	Errors  uint64 // refreshes that failed
	Failing string // why the last one did, "" if it did not
}

// Age is how long ago the version was the outside's, negative if unknown.
func (s *Stats) Age(now time.Time) time.Duration {
	if s.Fetched.IsZero() {
		return -1
	}
	return max(0, now.Sub(s.Fetched))
}

// Health says in one sentence what is wrong, "" if nothing is.
func (s *Stats) Health(now time.Time) string {
	if s.Failing == "" {
		return ""
	}
	what := Text{Name: s.Name, Table: s.Table}.What()
	if s.Missing {
		return fmt.Sprintf("%s is treated as missing: %s", what, s.Failing)
	}
	if age := s.Age(now); age >= 0 {
		return fmt.Sprintf("%s is %s old: %s", what, age.Round(time.Second), s.Failing)
	}
	return fmt.Sprintf("%s cannot be refreshed: %s", what, s.Failing)
}

// Stats tells how each list and table is doing, lists first, as they are
// declared.
func (r *Refresher) Stats() []Stats {
	all := make([]Stats, len(r.watches))
	for i, w := range r.watches {
		all[i] = w.Stats()
	}
	return all
}

// Stats may be asked for at any time.
func (w *watch) Stats() Stats {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.stats
	s.Name, s.Rules, s.From, s.Origin, s.Table = w.blank.Name, w.blank.Rules, w.blank.From, w.blank.Origin, w.blank.Table
	s.OnError, s.Refresh = w.onError, w.every
	return s
}

func (w *watch) has(hash uint64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.taken && w.stats.Hash == hash
}

// failed notes a failure and says whether it is another one than before.
func (w *watch) failed(err error) (news bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := &w.stats
	s.Fetches++
	s.Errors++
	news = s.Failing != err.Error()
	s.Failing = err.Error()
	return news
}

// good notes that the content was had at a time and says whether it could not
// be had before.
func (w *watch) good(at time.Time) (news bool) {
	w.kept = nil
	s := &w.stats
	s.Fetches++
	s.Fetched, s.Missing = at, false
	news = s.Failing != ""
	s.Failing = ""
	return news
}

// unchanged notes that the journal has the content; rows is negative if they
// were not counted.
func (w *watch) unchanged(at time.Time, rows int) (news bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if rows >= 0 {
		w.stats.Rows = rows
	}
	return w.good(at)
}

// took notes that the journal has a text.
func (w *watch) took(t Text, rows int) (news bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	news = w.good(time.Unix(0, t.At))
	w.version(t, rows)
	return news
}

// tookMissing notes that the journal has the empty text.
func (w *watch) tookMissing(t Text) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kept = nil
	w.version(t, 0)
	w.stats.Missing = true
}

func (w *watch) version(t Text, rows int) {
	s := &w.stats
	if !w.taken || s.Hash != t.Hash {
		s.Changed = time.Now()
		s.Changes++
	}
	s.Hash, s.Rows, s.Bytes = t.Hash, rows, len(t.Data)
	w.taken = true
}
