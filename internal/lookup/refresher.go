package lookup

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Times of a Refresher.
const (
	DefaultRefresh = time.Minute
	DefaultTimeout = 30 * time.Second
	lookEvery      = time.Second
	tries          = 3 // of one refresh, where trying again can help
	parallel       = 8 // fetches at once when all are loaded
)

// RefresherConfig is what a Refresher is made of.
type RefresherConfig struct {
	Parser *Parser // of the program
	Kinds  map[string]FetcherOpener
	// Have are the texts that the journal holds already, by Text.Key, of this
	// program or an earlier one. One counts if the list or table still comes
	// from the same place.
	Have map[string]Text
	// Before is the refresher of the program that this one replaces; it may be
	// running. What both look after in the same way is not fetched again by
	// Load while it is fresh, and its counters go on.
	Before  *Refresher
	Timeout time.Duration // of one fetch; 0: DefaultTimeout
	Logger  *slog.Logger  // nil: slog.Default
}

// Refresher brings the outside lists and tables that a program reads, and looks
// after them. Use: New, Load before the program is deployed (not after a
// restart, when the journal has the texts), Run while it is, Close.
//
// Each list and table has one goroutine, one fetch under way at most, and one
// parsed value in memory beside the one in use.
type Refresher struct {
	cfg     RefresherConfig
	watches []*watch
	taking  sync.Mutex // changed is called by one at a time
}

// NewRefresher opens the fetchers. It connects to nothing. The error joins what
// is wrong with the options of all.
func NewRefresher(cfg RefresherConfig) (*Refresher, error) {
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	r := &Refresher{cfg: cfg}
	if cfg.Before != nil {
		cfg.Parser.Remember(cfg.Before.cfg.Parser)
	}
	var errs []error
	for _, c := range outside(cfg.Parser) {
		w, err := r.open(c)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		r.watches = append(r.watches, w)
	}
	r.cfg.Before = nil // or none would ever go
	if len(errs) > 0 {
		return nil, errors.Join(append(errs, r.Close())...)
	}
	return r, nil
}

// outside are the lists and tables that something reads and that are not
// written in the program.
func outside(p *Parser) []FetcherConfig {
	var all []FetcherConfig
	for _, ir := range p.prog.Lists {
		if ir.From != "" && p.used.lists[ir] {
			all = append(all, listConfig(ir))
		}
	}
	for _, ir := range p.prog.Tables {
		if ir.From != "" && p.used.tables[ir] {
			all = append(all, tableConfig(ir))
		}
	}
	return all
}

func (r *Refresher) open(c FetcherConfig) (*watch, error) {
	open := r.cfg.Kinds[c.From]
	if open == nil {
		return nil, fmt.Errorf("%s: %s comes from %s, which this program was built without; it has %s",
			c.Rules, c.Text().What(), c.From, strings.Join(slices.Sorted(maps.Keys(r.cfg.Kinds)), ", "))
	}
	o := c.Read()
	w := &watch{config: c, blank: c.Text(), every: o.Duration("refresh", DefaultRefresh), onError: o.Word("on_error", Keep, Keep, Missing, Fail)}
	if w.every <= 0 {
		o.Bad("refresh", "is not longer than nothing")
	}
	if err := o.Err(); err != nil {
		return nil, err
	}
	f, err := open(c)
	if err != nil {
		return nil, err
	}
	w.fetcher = f
	w.blank.Origin = f.Origin()
	// A file is looked at every second unless the rules say how often.
	if look, ok := f.(Looker); ok && !o.Has("refresh") {
		w.look = look
	}
	if have, ok := r.cfg.Have[w.blank.Key()]; ok && have.Table == c.Table && have.From == c.From && have.Origin == w.blank.Origin {
		w.have(have)
	}
	r.carry(w)
	return w, nil
}

// Close ends the connections. Run must have returned.
func (r *Refresher) Close() error {
	var errs []error
	for _, w := range r.watches {
		errs = append(errs, w.fetcher.Close())
	}
	return errors.Join(errs...)
}

// Load fetches all lists and tables, by Text.Key. Where one cannot be had or
// does not parse, its on_error decides: missing gives the empty text, keep the
// text that the journal has, and where there is none, or with fail, Load fails;
// the error joins all of them. Warnings say what is not as it should be.
func (r *Refresher) Load(ctx context.Context) (map[string]Text, []string, error) {
	texts, warnings, errs := make([]Text, len(r.watches)), make([]string, len(r.watches)), make([]error, len(r.watches))
	var wg sync.WaitGroup
	slots := make(chan struct{}, parallel)
	for i, w := range r.watches {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			texts[i], warnings[i], errs[i] = r.load(ctx, w)
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, nil, err
	}
	all := map[string]Text{}
	for i, w := range r.watches {
		all[w.blank.Key()] = texts[i]
	}
	return all, slices.DeleteFunc(warnings, func(s string) bool { return s == "" }), nil
}

func (r *Refresher) load(ctx context.Context, w *watch) (t Text, warning string, err error) {
	if w.fresh && w.kept != nil {
		if _, err := r.cfg.Parser.Parse(*w.kept); err == nil {
			return *w.kept, "", nil
		}
	}
	w.forget()
	t, rows, err := r.fetch(ctx, w)
	if err == nil {
		w.took(t, rows)
		if rows == 0 {
			warning = fmt.Sprintf("%s is empty: there is nothing in it at %s", t.What(), t.Origin)
		}
		return t, warning, nil
	}
	if ctx.Err() != nil {
		return Text{}, "", ctx.Err()
	}
	w.failed(err)
	switch {
	case w.onError == Missing:
		t = w.blank.Empty()
		w.tookMissing(t)
		return t, fmt.Sprintf("%s is treated as missing, as its on_error says: %v", t.What(), err), nil
	case w.onError == Keep && w.kept != nil:
		if _, perr := r.cfg.Parser.Parse(*w.kept); perr == nil {
			return *w.kept, fmt.Sprintf("%s keeps the version of %s: %v", w.blank.What(), since(w.kept.At), err), nil
		}
	}
	advice := ""
	if w.onError == Keep && !errors.As(err, new(*Error)) {
		advice = "; if the rules may run without it, say on_error: missing"
	}
	return Text{}, "", fmt.Errorf("%s: %s cannot be loaded: %w%s", w.blank.Rules, w.blank.What(), err, advice)
}

// Run refreshes lists and tables until ctx ends (nil). changed is called with
// each text that parses and differs from the one that the journal has, one at a
// time; when it fails, the text is brought again. Run ends early with a
// *FailedError when a list or table whose on_error is fail cannot be refreshed.
func (r *Refresher) Run(ctx context.Context, changed func(context.Context, Text) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for _, w := range r.watches {
		wg.Go(func() {
			if err := r.watch(ctx, w, changed); err != nil {
				cancel(err)
			}
		})
	}
	if len(r.watches) == 0 {
		<-ctx.Done()
	}
	wg.Wait()
	var failed *FailedError
	if errors.As(context.Cause(ctx), &failed) {
		return failed
	}
	return nil
}

// FailedError says that a list or table with on_error: fail could not be
// refreshed.
type FailedError struct {
	Text Text // without its data
	Err  error
}

func (e *FailedError) Error() string {
	return fmt.Sprintf("%s cannot be refreshed, and its on_error says fail: %v", e.Text.What(), e.Err)
}

func (e *FailedError) Unwrap() error { return e.Err }

// fetch brings a text that parses, and the number of its rows. A server is
// tried a few times.
func (r *Refresher) fetch(ctx context.Context, w *watch) (t Text, rows int, err error) {
	w.tried = true
	for try := 1; ; try++ {
		t, err = r.once(ctx, w)
		if err == nil || errors.Is(err, ErrUnchanged) || ctx.Err() != nil || w.blank.From == "file" || try == tries {
			break
		}
		if sleep(ctx, backoff(try)) != nil {
			break
		}
	}
	if err != nil {
		return Text{}, 0, err
	}
	v, err := r.parse(w, t)
	return t, v.Rows(), err
}

func (r *Refresher) once(ctx context.Context, w *watch) (Text, error) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Timeout)
	defer cancel()
	t, err := w.fetcher.Fetch(ctx)
	if err != nil {
		if errors.Is(err, ErrUnchanged) {
			return Text{}, err
		}
		return Text{}, fmt.Errorf("%s: %w", w.blank.Origin, err)
	}
	t.At = time.Now().UnixNano()
	return t, nil
}

// parse parses a text, unless it is the one that was refused before.
func (r *Refresher) parse(w *watch, t Text) (Value, error) {
	if w.refusal != nil && w.refused == t.Hash {
		return Value{}, w.refusal
	}
	v, err := r.cfg.Parser.Parse(t)
	w.refused, w.refusal = t.Hash, err
	return v, err
}
