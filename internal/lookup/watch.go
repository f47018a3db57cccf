package lookup

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

// What a failed refresh does: the option on_error.
const (
	Keep    = "keep"    // the last version goes on
	Missing = "missing" // the list or table becomes empty
	Fail    = "fail"    // the program that uses it stops
)

// watch looks after one list or table. Only its own goroutine, or Load's, uses
// the fields above mu.
type watch struct {
	config  FetcherConfig
	blank   Text // without content
	fetcher Fetcher
	look    Looker // nil: not looked at between refreshes
	every   time.Duration
	onError string

	kept    *Text  // what the journal had at the start, until a text is taken
	fresh   bool   // kept was fetched lately
	tried   bool   // it was fetched, with or without success
	refused uint64 // hash of a text that was parsed last
	refusal error  // what was wrong with it, nil: nothing

	mu    sync.Mutex
	stats Stats
	taken bool // stats.Hash is the journal's
}

// have takes up what the journal has.
func (w *watch) have(t Text) {
	w.kept, w.taken = &t, true
	w.stats.Hash, w.stats.Bytes = t.Hash, len(t.Data)
	if t.At != 0 {
		w.stats.Fetched, w.stats.Changed = time.Unix(0, t.At), time.Unix(0, t.At)
	}
}

// forget makes the next fetch bring the content, changed or not.
func (w *watch) forget() {
	if f, ok := w.fetcher.(Rememberer); ok {
		f.Forget()
	}
}

// watch runs until ctx ends, or on_error: fail has its case.
func (r *Refresher) watch(ctx context.Context, w *watch, changed func(context.Context, Text) error) error {
	wait := w.first()
	for failures := 0; ; {
		if !w.sleep(ctx, wait) {
			return nil
		}
		err := r.refresh(ctx, w, changed)
		if ctx.Err() != nil {
			return nil
		}
		var failed *FailedError
		var refused *notTaken
		switch {
		case err == nil:
			failures, wait = 0, spread(w.every)
			continue
		case errors.As(err, &failed):
			return err
		case w.look != nil && !errors.As(err, &refused):
			wait = w.every // nothing will have changed before a look says so
		default:
			failures++
			wait = min(w.every, backoff(failures))
		}
	}
}

// first is how long to wait until the first refresh: none if nothing was
// fetched in this process yet.
func (w *watch) first() time.Duration {
	switch s := w.Stats(); {
	case !w.tried && !w.fresh:
		return 0
	case s.Failing != "":
		return min(w.every, backoff(1))
	}
	return spread(w.every)
}

// sleep waits, less if a look tells that the content may have changed.
func (w *watch) sleep(ctx context.Context, d time.Duration) bool {
	if w.look == nil {
		return sleep(ctx, d) == nil
	}
	for ; d > 0; d -= lookEvery {
		if sleep(ctx, min(d, lookEvery)) != nil {
			return false
		}
		if w.look.Look() {
			return true
		}
	}
	return ctx.Err() == nil
}

// notTaken says that the journal did not take a text.
type notTaken struct{ err error }

func (e *notTaken) Error() string { return "the change cannot be recorded: " + e.err.Error() }
func (e *notTaken) Unwrap() error { return e.err }

// refresh brings the content and hands it on if it is new.
func (r *Refresher) refresh(ctx context.Context, w *watch, changed func(context.Context, Text) error) error {
	t, rows, err := r.fetch(ctx, w)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, ErrUnchanged):
		r.recovered(w, w.unchanged(time.Now(), -1))
		return nil
	case err == nil:
		return r.take(ctx, w, t, rows, changed)
	}
	r.log(w, w.failed(err), err)
	switch w.onError {
	case Fail:
		return &FailedError{w.blank, err}
	case Missing:
		w.forget() // what comes next is new, be it what was before
		empty := w.blank.Empty()
		if !w.has(empty.Hash) {
			if herr := r.hand(ctx, w, empty, changed); herr != nil {
				return herr
			}
		}
		w.tookMissing(empty)
	}
	return err
}

// take hands a text on that parses.
func (r *Refresher) take(ctx context.Context, w *watch, t Text, rows int, changed func(context.Context, Text) error) error {
	if w.has(t.Hash) {
		r.recovered(w, w.unchanged(time.Unix(0, t.At), rows))
		return nil
	}
	if err := r.hand(ctx, w, t, changed); err != nil {
		w.forget()
		return err
	}
	r.recovered(w, w.took(t, rows))
	r.cfg.Logger.Info("lookup changed", "lookup", t.What(), "origin", t.Origin, "rows", rows, "bytes", len(t.Data))
	return nil
}

func (r *Refresher) hand(ctx context.Context, w *watch, t Text, changed func(context.Context, Text) error) error {
	r.taking.Lock()
	defer r.taking.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := changed(ctx, t); err != nil {
		e := &notTaken{err}
		if ctx.Err() == nil {
			r.log(w, w.failed(e), e)
		}
		return e
	}
	return nil
}

// log tells of a failure that was not told before.
func (r *Refresher) log(w *watch, news bool, err error) {
	if news {
		r.cfg.Logger.Warn("lookup not refreshed", "lookup", w.blank.What(), "on_error", w.onError, "error", err)
	}
}

func (r *Refresher) recovered(w *watch, news bool) {
	if news {
		r.cfg.Logger.Info("lookup refreshed again", "lookup", w.blank.What(), "origin", w.blank.Origin)
	}
}

// backoff is how long to wait after so many failures: half a second, doubled
// each time up to a minute, and up to half of it more by chance.
func backoff(failures int) time.Duration {
	d := min(time.Second/2<<min(failures-1, 10), time.Minute)
	return d + rand.N(d/2)
}

// spread is a period, a tenth shorter or longer by chance, so that many lists
// are not fetched at once.
func spread(d time.Duration) time.Duration { return d - d/10 + rand.N(d/5+1) }

func since(at int64) string {
	if at == 0 {
		return "before"
	}
	return time.Since(time.Unix(0, at)).Round(time.Second).String() + " ago"
}
