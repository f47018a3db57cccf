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

const (
	lookEvery    = 500 * time.Millisecond // at the memory
	sweepRows    = 1 << 16                // as if so many rows had come: what one look sweeps
	trickleEvery = 100 * time.Millisecond // a record, while the limit is passed
)

// watchMemory compares the memory of matching with its limit.
func (n *node) watchMemory(now time.Time) {
	if n.cfg.StateLimit <= 0 || n.e == nil || now.Sub(n.looked) < lookEvery {
		return
	}
	n.looked = now
	st := n.e.totals()
	used := st.stateBytes(st.Rules)
	if used <= n.cfg.StateLimit {
		n.full, n.slow = "", false
		return
	}
	n.e.sweepMore(sweepRows)
	st = n.e.totals()
	used = st.stateBytes(st.Rules)
	n.slow = used > n.cfg.StateLimit
	n.full = ""
	if used > n.cfg.StateLimit+n.cfg.StateLimit/10 {
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
		keys := max(n.e.keysOf(most.Name), 1)
		text += fmt.Sprintf(", most of it for rule %s with %d keys of %d bytes each", most.Name, keys, most.Bytes/int64(keys))
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
