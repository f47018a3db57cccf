package engine

import (
	"fmt"
	"time"
)

// The memory of matching has a limit and a stated policy. Beyond it keys whose
// windows and runs have all run out are looked for and freed; where that does
// not do, what comes in is slowed to a trickle, so that time goes on and frees
// more; a tenth beyond the limit nothing is taken in at all, and who tries is
// told which rule holds how much. Nothing is dropped, and the process lives.
//
// Time goes on while nothing is taken in where it can: a source that takes what
// is posted falls silent, and the passing of wall time moves the watermark. One
// that reads does not, since what it would read next is not late.

const (
	lookEvery    = 500 * time.Millisecond // at the memory
	sweepRows    = 1 << 16                // as if so many rows had come: what one look sweeps
	trickleEvery = 100 * time.Millisecond // a record, while the limit is passed
	lookShare    = 64                     // of the limit: so many bytes of records are worth a look, too
	lookLeast    = 64 << 10               // bytes of records for which it is never worth one
)

// lookNow says that it is time to look at the memory. What comes in fast is not
// to pass the limit by much between two looks.
func (n *node) lookNow(now time.Time) bool {
	return now.Sub(n.looked) >= lookEvery || n.fed >= max(n.cfg.StateLimit/lookShare, lookLeast)
}

// watchMemory compares the memory of matching with its limit.
func (n *node) watchMemory(now time.Time) {
	if n.cfg.StateLimit <= 0 || n.e == nil || !n.lookNow(now) {
		return
	}
	n.looked, n.fed = now, 0
	if n.e.liveBytes() <= n.cfg.StateLimit {
		n.full, n.slow = "", false
		return
	}
	n.e.sweepMore(sweepRows)
	used := n.e.liveBytes()
	n.slow = used > n.cfg.StateLimit
	n.full = ""
	if used > n.cfg.StateLimit+n.cfg.StateLimit/10 {
		st := n.e.totals()
		n.full = n.memoryText(&st, used)
	}
}

// memoryText says which rule holds most of the memory.
func (n *node) memoryText(st *Stats, used int64) string {
	var most RuleStats
	for _, r := range st.Rules {
		if r.Bytes > most.Bytes {
			most = r
		}
	}
	text := fmt.Sprintf("The memory for matching is full: %s of %s", sizeText(used), sizeText(n.cfg.StateLimit))
	if most.Bytes > 0 {
		keys, table := n.e.keysOf(most.Name)
		keys = max(keys, 1)
		text += fmt.Sprintf(", most of it for rule %s with %d keys of %d bytes each", most.Name, keys, (most.Bytes+table)/int64(keys))
	}
	return text + ". Shorten its windows, use fewer keys, or raise the limit."
}

func sizeText(n int64) string {
	switch {
	case n >= 10<<30:
		return fmt.Sprintf("%d GiB", n>>30)
	case n >= 10<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d KiB", n>>10)
}
