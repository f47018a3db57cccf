package sink

import (
	"context"
	"math/rand/v2"
	"time"
)

// How long a lane waits after errors that follow one another: twice as long
// each time, a random part of up to half taken off so that lanes that failed
// together do not come back together.
const (
	firstWait = 250 * time.Millisecond
	longWait  = 30 * time.Second
)

// backoff counts errors that follow one another.
type backoff struct{ n int }

func (b *backoff) next() time.Duration {
	d := firstWait << min(b.n, 10)
	b.n++
	d = min(d, longWait)
	return d - rand.N(d/2+1)
}

func (b *backoff) reset() { b.n = 0 }

// pause waits, or returns why it was not to wait any longer.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
