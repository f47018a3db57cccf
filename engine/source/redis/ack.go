package redis

import (
	"context"
	"sync"
	"time"
)

// acker acknowledges entries that are in the journal, several at a time. What
// it could not acknowledge stays pending, and is known when it comes again.
type acker struct {
	r    *reader
	quit chan struct{}
	done chan struct{}

	mu     sync.Mutex
	ids    []id
	failed error
}

func newAcker(r *reader) *acker {
	a := &acker{r: r, quit: make(chan struct{}), done: make(chan struct{})}
	go a.run()
	return a
}

// add notes entries to acknowledge; it does not block.
func (a *acker) add(ids []id) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ids = append(a.ids, ids...)
}

// err is why acknowledging failed.
func (a *acker) err() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.failed
}

func (a *acker) run() {
	defer close(a.done)
	tick := time.NewTicker(a.r.s.times.ack)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			a.flush()
		case <-a.quit:
			a.flush()
			return
		}
	}
}

// stop acknowledges what is left and ends.
func (a *acker) stop() {
	close(a.quit)
	<-a.done
}

// flush acknowledges what was noted.
func (a *acker) flush() {
	a.mu.Lock()
	ids := a.ids
	a.ids = nil
	a.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), a.r.s.times.answer)
	defer cancel()
	if err := a.now(ctx, ids); err != nil {
		a.mu.Lock()
		a.failed = err
		a.mu.Unlock()
	}
}

// now acknowledges entries and waits for it.
func (a *acker) now(ctx context.Context, ids []id) error {
	const most = 1000
	for len(ids) > 0 {
		n := min(most, len(ids))
		args := make([]any, 3, 3+n)
		args[0], args[1], args[2] = "XACK", a.r.s.stream, a.r.s.group
		for _, i := range ids[:n] {
			args = append(args, i.String())
		}
		if err := a.r.client.Do(ctx, args...).Err(); err != nil {
			return a.r.s.explain("acknowledge entries", err)
		}
		ids = ids[n:]
	}
	return nil
}
