package evidence

import "sync"

// cacheSize is how many regions are kept: the events of an alert often stand
// near each other, and near those of the next.
const cacheSize = 16

// cache holds the regions read last, replaced in turn.
type cache struct {
	mu    sync.Mutex
	slots [cacheSize]cached
	next  int
}

type cached struct {
	log      *Log
	from, to int64
	text     []byte
}

func (c *cache) get(l *Log, from, to int64) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.slots {
		if s := &c.slots[i]; s.log == l && s.from == from && s.to == to {
			return s.text
		}
	}
	return nil
}

func (c *cache) put(l *Log, from, to int64, text []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.slots[c.next] = cached{l, from, to, text}
	c.next = (c.next + 1) % cacheSize
}
