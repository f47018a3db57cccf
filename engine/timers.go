package engine

// timers holds the deadlines of a shard's keys in a heap. A key has at most
// one live timer per rule: one that a later event postponed is looked at when
// it comes and set anew, so a key that is seen a thousand times within its
// limit costs one entry and one look.
//
// The order among equal deadlines does not matter: the states of different
// keys and rules know nothing of each other, and what fires is sorted before
// anyone sees it.
type timers struct {
	heap  []timerAt
	slots []timer // by id; 0 is none
	free  []uint32
}

type timerAt struct {
	at int64
	id uint32
}

// timer says whose deadline it is. A dead one is ignored when it comes.
type timer struct {
	at   int64
	sid  uint32 // of the rule
	key  uint32 // slot in the rule's space
	live bool
}

func newTimers() *timers { return &timers{slots: make([]timer, 1)} }

// set makes a timer and returns its id.
func (t *timers) set(at int64, sid, key uint32) uint32 {
	var id uint32
	if n := len(t.free); n > 0 {
		id, t.free = t.free[n-1], t.free[:n-1]
	} else {
		id = uint32(len(t.slots))
		t.slots = append(t.slots, timer{})
	}
	t.slots[id] = timer{at: at, sid: sid, key: key, live: true}
	t.heap = append(t.heap, timerAt{at, id})
	t.up(len(t.heap) - 1)
	return id
}

// kill makes the timer pass unnoticed.
func (t *timers) kill(id uint32) { t.slots[id].live = false }

// forget is kill for a timer that may have come already, its id with another.
func (t *timers) forget(id, sid, key uint32) {
	if s := &t.slots[id]; s.live && s.sid == sid && s.key == key {
		s.live = false
	}
}

// at returns the time of a live timer.
func (t *timers) at(id uint32) int64 { return t.slots[id].at }

// next takes the earliest timer before w; ok false: there is none. Dead ones
// are passed over.
func (t *timers) next(w int64) (tm timer, ok bool) {
	for len(t.heap) > 0 && t.heap[0].at < w {
		id := t.heap[0].id
		tm = t.slots[id]
		last := len(t.heap) - 1
		t.heap[0] = t.heap[last]
		t.heap = t.heap[:last]
		if last > 0 {
			t.down(0)
		}
		t.slots[id].live = false
		t.free = append(t.free, id)
		if tm.live {
			return tm, true
		}
	}
	return timer{}, false
}

// due reports whether a timer before w may be waiting.
func (t *timers) due(w int64) bool { return len(t.heap) > 0 && t.heap[0].at < w }

// The heap has four children to a node: half the levels of a binary one, and
// the children share a cache line or two.
func (t *timers) up(i int) {
	e := t.heap[i]
	for i > 0 {
		p := (i - 1) / 4
		if t.heap[p].at <= e.at {
			break
		}
		t.heap[i] = t.heap[p]
		i = p
	}
	t.heap[i] = e
}

func (t *timers) down(i int) {
	e := t.heap[i]
	for {
		c := 4*i + 1
		if c >= len(t.heap) {
			break
		}
		least := c
		for j := c + 1; j < min(c+4, len(t.heap)); j++ {
			if t.heap[j].at < t.heap[least].at {
				least = j
			}
		}
		if t.heap[least].at >= e.at {
			break
		}
		t.heap[i] = t.heap[least]
		i = least
	}
	t.heap[i] = e
}

func (t *timers) bytes() int64 {
	return int64(cap(t.heap))*16 + int64(cap(t.slots))*24 + int64(cap(t.free))*4
}

// load puts a timer in its place under the id that it had; false: there is one.
// When all are there, loaded makes them usable.
func (t *timers) load(id uint32, at int64, sid, key uint32) bool {
	if id == 0 {
		return false
	}
	for uint32(len(t.slots)) <= id {
		t.slots = append(t.slots, timer{})
	}
	if t.slots[id].live {
		return false
	}
	t.slots[id] = timer{at: at, sid: sid, key: key, live: true}
	return true
}

// loaded ends loading.
func (t *timers) loaded() {
	for id := len(t.slots) - 1; id > 0; id-- {
		if s := &t.slots[id]; s.live {
			t.heap = append(t.heap, timerAt{s.at, uint32(id)})
		} else {
			t.free = append(t.free, uint32(id))
		}
	}
	for i := (len(t.heap)+2)/4 - 1; i >= 0; i-- {
		t.down(i)
	}
}
