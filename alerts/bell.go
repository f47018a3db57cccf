package alerts

import "sync"

// bell tells those who wait that something has come.
type bell struct {
	mu     sync.Mutex
	rings  chan struct{} // closed with the next ring
	wanted bool          // somebody waits
}

// wait returns a channel that is closed with the next ring. Take the channel,
// then look whether something has come, then wait.
func (b *bell) wait() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rings == nil {
		b.rings = make(chan struct{})
	}
	b.wanted = true
	return b.rings
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.wanted {
		close(b.rings)
		b.rings = make(chan struct{})
		b.wanted = false
	}
}
