package server

import (
	"sync"
	"time"
)

// tries bounds how many wrong tokens may come from an address. Who has used up
// what it may waits; every tick of the rate gives one more.
type tries struct {
	most int           // in a row
	per  time.Duration // in which as many are given again
	now  func() time.Time

	mu   sync.Mutex
	list map[string]*bucket
	rest bucket // of all addresses that there is no room for
}

// maxTriers bounds the addresses that are told apart.
const maxTriers = 10_000

// bucket is filled by failures and runs dry with time.
type bucket struct {
	level float64
	at    time.Time
}

// wait is how long an address has to wait before it may try; 0: it may.
func (t *tries) wait(addr string) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.over(t.of(addr, false))
}

// fail counts a failure, and says how long its address has to wait now; 0: it
// need not.
func (t *tries) fail(addr string) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := t.of(addr, true)
	if wait := t.over(b); wait > 0 {
		return wait
	}
	b.level++
	return 0
}

func (t *tries) over(b *bucket) time.Duration {
	if b == nil || b.level <= float64(t.most)-1 {
		return 0
	}
	return time.Duration((b.level - float64(t.most) + 1) / float64(t.most) * float64(t.per))
}

// of is an address's bucket as it is now; nil: it has none, and needs none.
func (t *tries) of(addr string, make bool) *bucket {
	now := t.now()
	b := t.list[addr]
	if b == nil && len(t.list) >= maxTriers {
		t.forget(now)
	}
	switch {
	case b != nil:
	case len(t.list) >= maxTriers:
		b = &t.rest
	case make:
		b = &bucket{at: now}
		t.list[addr] = b
	default:
		return nil
	}
	b.level = max(0, b.level-float64(t.most)*float64(now.Sub(b.at))/float64(t.per))
	b.at = now
	return b
}

// forget drops the buckets that have run dry.
func (t *tries) forget(now time.Time) {
	for addr, b := range t.list {
		if now.Sub(b.at) >= t.per {
			delete(t.list, addr)
		}
	}
}
