package lookup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// world is what is outside: one list's content, which can fail.
type world struct {
	mu      sync.Mutex
	content string
	err     error
	fetches int
	forgot  int
	closed  bool
	etag    bool // answers ErrUnchanged if the content is the one before
	last    string
}

func (w *world) set(content string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.content, w.err = content, err
}

func (w *world) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.fetches
}

// opener makes fetchers of the world's content, in which lines are values.
func (w *world) opener(c FetcherConfig) (Fetcher, error) {
	t := c.Text()
	t.Origin, t.Format = "there", "text"
	return &worldFetcher{w, t}, nil
}

type worldFetcher struct {
	*world
	text Text
}

func (f *worldFetcher) Origin() string { return "there" }

func (f *worldFetcher) Close() error { f.closed = true; return nil }

func (f *worldFetcher) Forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.forgot++
	f.last = "\x00"
}

func (f *worldFetcher) Fetch(ctx context.Context) (Text, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fetches++
	if f.err != nil {
		return Text{}, f.err
	}
	if f.etag && f.last == f.content {
		return Text{}, ErrUnchanged
	}
	f.last = f.content
	t := f.text
	t.Data = []byte(f.content)
	return t.Seal(), nil
}

func every(d time.Duration) dsl.Option {
	return dsl.Option{Name: "refresh", Value: cep.Value{Type: cep.Type{Kind: cep.KindDuration}, Word: cep.Word(d)}}
}

// refresher looks after a list of ints from the world.
func (w *world) refresher(t *testing.T, have map[string]Text, options ...dsl.Option) *Refresher {
	t.Helper()
	prog := listOf("rules.cep", intT, dsl.OpIn, "test", options...)
	r, err := NewRefresher(RefresherConfig{Parser: NewParser(prog), Kinds: map[string]FetcherOpener{"test": w.opener}, Have: have,
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// record plays the journal.
type record struct {
	mu    sync.Mutex
	texts []string
	err   error
}

func (j *record) take(_ context.Context, t Text) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return j.err
	}
	j.texts = append(j.texts, string(t.Data))
	return nil
}

func (j *record) fail(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.err = err
}

func (j *record) want(t *testing.T, texts ...string) {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	if !slices.Equal(j.texts, texts) {
		t.Errorf("recorded %q, want %q", j.texts, texts)
	}
}

// run starts the refresher in the background and returns what ends it.
func run(t *testing.T, r *Refresher, j *record) (end func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx, j.take) }()
	return func() error { cancel(); return <-done }
}

// pass lets time pass in the bubble until nothing moves.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func first(r *Refresher) Stats { return r.Stats()[0] }

func TestOnlyChangesAreRecorded(t *testing.T) {
	for _, etag := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w, j := &world{content: "1\n2\n", etag: etag}, &record{}
			r := w.refresher(t, nil)
			texts, warnings, err := r.Load(t.Context())
			if err != nil || len(warnings) != 0 || len(texts) != 1 || string(texts["rules.cep:names"].Data) != "1\n2\n" {
				t.Fatalf("%v, warnings %q, %v", texts, warnings, err)
			}
			end := run(t, r, j)
			pass(10 * time.Minute)
			j.want(t)
			if n := w.count(); n < 9 || n > 12 {
				t.Errorf("%d fetches in ten minutes at one a minute", n)
			}
			w.set("1\n2\n3\n", nil)
			pass(90 * time.Second)
			j.want(t, "1\n2\n3\n")
			w.set("1\n2\n", nil)
			pass(90 * time.Second)
			j.want(t, "1\n2\n3\n", "1\n2\n")
			s := first(r)
			if s.Rows != 2 || s.Changes != 3 || s.Errors != 0 || s.Failing != "" || s.Age(time.Now()) > 70*time.Second || s.OnError != "keep" || s.Refresh != time.Minute {
				t.Errorf("%+v", s)
			}
			if err := end(); err != nil {
				t.Error(err)
			}
			if err := r.Close(); err != nil || !w.closed {
				t.Errorf("closed: %v, %v", w.closed, err)
			}
		})
	}
}

// After a restart the journal has the text: nothing is recorded again, but what
// has changed meanwhile is, at once.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{content: "1\n"}
		texts, _, err := w.refresher(t, nil).Load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		pass(time.Hour)
		j := &record{}
		r := w.refresher(t, texts)
		if s := first(r); s.Age(time.Now()) != time.Hour || s.Bytes != 2 {
			t.Errorf("%+v", s)
		}
		end := run(t, r, j)
		synctest.Wait()
		j.want(t)
		if s := first(r); s.Fetches != 1 || s.Rows != 1 || s.Age(time.Now()) != 0 {
			t.Errorf("%+v", s)
		}
		_ = end()
		w.set("2\n", nil)
		end = run(t, w.refresher(t, texts), j)
		synctest.Wait()
		j.want(t, "2\n")
		_ = end()
		// A text of another place, or of a table, is not what the list holds.
		for _, other := range []func(*Text){func(t *Text) { t.Origin = "elsewhere" }, func(t *Text) { t.Table = true }, func(t *Text) { t.From = "file" }} {
			o := texts["rules.cep:names"]
			other(&o)
			if s := first(w.refresher(t, map[string]Text{o.Key(): o})); s.Hash != 0 {
				t.Errorf("%+v is taken for the list's", o)
			}
		}
	})
}

func TestKeep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, j := &world{content: "1\n"}, &record{}
		r := w.refresher(t, nil, every(time.Hour))
		if _, _, err := r.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		end := run(t, r, j)
		w.set("", errors.New("connection refused"))
		pass(3 * time.Hour)
		s := first(r)
		if age := s.Age(time.Now()); s.Failing != "there: connection refused" || s.Errors < 2 || age != 3*time.Hour || s.Missing {
			t.Errorf("%+v", s)
		}
		if got, want := s.Health(time.Now()), "list names is 3h0m0s old: there: connection refused"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
		// A failure is not waited out for an hour.
		w.set("1\nx\n", nil)
		pass(2 * time.Minute)
		if s := first(r); s.Failing != `there:2: "x" is not int` {
			t.Errorf("%+v", s)
		}
		w.set("1\n2\n", nil)
		pass(2 * time.Minute)
		j.want(t, "1\n2\n")
		if s := first(r); s.Health(time.Now()) != "" || s.Rows != 2 {
			t.Errorf("%+v", s)
		}
		_ = end()
	})
}

// A server that stumbles once is no failure.
func TestRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{err: errors.New("reset")}
		r := w.refresher(t, nil, opt("on_error", "fail"))
		go func() {
			for w.count() < tries-1 {
				time.Sleep(time.Millisecond)
			}
			w.set("1\n", nil)
		}()
		if _, _, err := r.Load(t.Context()); err != nil || w.count() != tries {
			t.Errorf("%d fetches, %v", w.count(), err)
		}
	})
}

func TestMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, j := &world{err: errors.New("no route")}, &record{}
		r := w.refresher(t, nil, opt("on_error", "missing"))
		texts, warnings, err := r.Load(t.Context())
		if err != nil || string(texts["rules.cep:names"].Data) != "[]" || len(warnings) != 1 || !strings.Contains(warnings[0], "list names is treated as missing, as its on_error says: there: no route") {
			t.Fatalf("%v, warnings %q, %v", texts, warnings, err)
		}
		if v, err := r.cfg.Parser.Parse(texts["rules.cep:names"]); err != nil || v.Rows() != 0 {
			t.Errorf("%d rows, %v", v.Rows(), err)
		}
		end := run(t, r, j)
		pass(10 * time.Minute)
		j.want(t)
		if s := first(r); !s.Missing || s.Health(time.Now()) != "list names is treated as missing: there: no route" {
			t.Errorf("%+v", s)
		}
		w.set("1\n", nil)
		pass(2 * time.Minute)
		w.set("", errors.New("no route"))
		pass(2 * time.Minute)
		w.set("1\n", nil)
		pass(2 * time.Minute)
		j.want(t, "1\n", "[]", "1\n")
		if s := first(r); s.Missing || s.Rows != 1 || s.Failing != "" {
			t.Errorf("%+v", s)
		}
		_ = end()
	})
}

func TestFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, j := &world{content: "1\n"}, &record{}
		r := w.refresher(t, nil, opt("on_error", "fail"))
		if _, _, err := r.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.set("", errors.New("no route"))
		err := r.Run(t.Context(), j.take)
		var failed *FailedError
		if !errors.As(err, &failed) || failed.Text.Name != "names" || err.Error() != "list names cannot be refreshed, and its on_error says fail: there: no route" {
			t.Errorf("%v", err)
		}
		j.want(t)
	})
}

// Without a text there is nothing to keep: a program is not deployed with lists
// that are empty by accident.
func TestNothingToKeep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{content: "1\n"}
		texts, _, err := w.refresher(t, nil).Load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		w.set("", errors.New("no route"))
		if _, _, err := w.refresher(t, nil).Load(t.Context()); err == nil ||
			err.Error() != "rules.cep: list names cannot be loaded: there: no route; if the rules may run without it, say on_error: missing" {
			t.Error(err)
		}
		if _, _, err := w.refresher(t, texts, opt("on_error", "fail")).Load(t.Context()); err == nil || strings.Contains(err.Error(), "say on_error") {
			t.Error(err)
		}
		r := w.refresher(t, texts)
		pass(time.Minute)
		again, warnings, err := r.Load(t.Context())
		if err != nil || string(again["rules.cep:names"].Data) != "1\n" || len(warnings) != 1 || !strings.HasPrefix(warnings[0], "list names keeps the version of 1m") {
			t.Errorf("%v, warnings %q, %v", again, warnings, err)
		}
		w.set("x\n", nil)
		if _, _, err := w.refresher(t, nil).Load(t.Context()); err == nil || err.Error() != `rules.cep: list names cannot be loaded: there:1: "x" is not int` {
			t.Error(err)
		}
	})
}

func TestEmptyIsTold(t *testing.T) {
	w := &world{}
	if _, warnings, err := w.refresher(t, nil).Load(t.Context()); err != nil || !slices.Equal(warnings, []string{"list names is empty: there is nothing in it at there"}) {
		t.Errorf("%q, %v", warnings, err)
	}
}

// A deployment that changes no list fetches none that is fresh, and the counters
// go on.
func TestDeployment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, j := &world{content: "1\n"}, &record{}
		before := w.refresher(t, nil)
		texts, _, err := before.Load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		end := run(t, before, j)
		pass(time.Hour)
		n := w.count()
		next := func(elem cep.Type, options ...dsl.Option) *Refresher {
			prog := listOf("rules.cep", elem, dsl.OpIn, "test", options...)
			r, err := NewRefresher(RefresherConfig{Parser: NewParser(prog), Kinds: map[string]FetcherOpener{"test": w.opener}, Have: texts, Before: before, Logger: before.cfg.Logger})
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		same := next(intT)
		again, warnings, err := same.Load(t.Context())
		if err != nil || len(warnings) != 0 || string(again["rules.cep:names"].Data) != "1\n" || w.count() != n {
			t.Errorf("%v, warnings %q, %v, %d fetches", again, warnings, err, w.count()-n)
		}
		if a, b := first(before), first(same); a != b || b.Fetches < 50 {
			t.Errorf("%+v, before %+v", b, a)
		}
		v, err := before.cfg.Parser.Parse(texts["rules.cep:names"])
		if u, uerr := same.cfg.Parser.Parse(texts["rules.cep:names"]); err != nil || uerr != nil || u.List != v.List {
			t.Error("it is parsed again", err, uerr)
		}
		// Declared in another way it is another list.
		for _, r := range []*Refresher{next(stringT), next(intT, every(time.Second))} {
			n := w.count()
			if _, _, err := r.Load(t.Context()); err != nil || w.count() != n+1 {
				t.Errorf("%v, %d fetches", err, w.count()-n)
			}
		}
		if u, err := next(stringT).cfg.Parser.Parse(texts["rules.cep:names"]); err != nil || !u.List.HasText("1") {
			t.Error("a list of another type has the values of before", err)
		}
		// What the journal has is not what was fetched last.
		w.set("2\n", nil)
		pass(2 * time.Minute)
		j.want(t, "2\n")
		if s := first(next(intT)); s.Hash != texts["rules.cep:names"].Hash || s.Changes != 2 {
			t.Errorf("%+v", s)
		}
		_ = end()
		end = run(t, next(intT), j)
		synctest.Wait()
		j.want(t, "2\n", "2\n")
		_ = end()
		// One that was not fetched for long is.
		late := w.refresher(t, nil)
		if texts, _, err = late.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		before = late
		pass(2 * time.Minute)
		n = w.count()
		if _, _, err := next(intT).Load(t.Context()); err != nil || w.count() != n+1 {
			t.Errorf("%v, %d fetches", err, w.count()-n)
		}
	})
}

// A change that the journal cannot take is brought again, unchanged or not.
func TestJournalRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, j := &world{content: "1\n", etag: true}, &record{}
		r := w.refresher(t, nil, every(time.Hour))
		if _, _, err := r.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		j.fail(errors.New("stalled"))
		end := run(t, r, j)
		w.set("2\n", nil)
		pass(2 * time.Hour)
		j.want(t)
		if s := first(r); s.Failing != "the change cannot be recorded: stalled" || s.Rows != 1 {
			t.Errorf("%+v", s)
		}
		j.fail(nil)
		pass(2 * time.Minute)
		j.want(t, "2\n")
		_ = end()
	})
}

func TestKindsAndOptions(t *testing.T) {
	p := NewParser(listOf("rules.cep", intT, dsl.OpIn, "redis"))
	_, err := NewRefresher(RefresherConfig{Parser: p, Kinds: map[string]FetcherOpener{"file": Files, "http": Files}})
	if err == nil || err.Error() != "rules.cep: list names comes from redis, which this program was built without; it has file, http" {
		t.Error(err)
	}
	_, err = NewRefresher(RefresherConfig{Parser: NewParser(listOf("rules.cep", intT, dsl.OpIn, "file", opt("path", "a"), every(0))), Kinds: map[string]FetcherOpener{"file": Files}})
	if err == nil || !strings.Contains(err.Error(), "option refresh") {
		t.Error(err)
	}
	unused := listOf("rules.cep", intT, dsl.OpIn, "redis")
	unused.Rules = nil
	if r, err := NewRefresher(RefresherConfig{Parser: NewParser(unused)}); err != nil || len(r.Stats()) != 0 {
		t.Errorf("a list that nothing reads is opened: %v", err)
	}
}

// Many lists that change all the time, while others ask how they are doing.
func TestManyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const lists = 40
		prog := &dsl.Program{Zone: time.UTC}
		for i := range lists {
			p := listOf("rules.cep", intT, dsl.OpIn, "test", every(time.Second))
			p.Lists[0].Name, p.Lists[0].Index = fmt.Sprintf("l%02d", i), i
			prog.Lists, prog.Rules = append(prog.Lists, p.Lists[0]), append(prog.Rules, p.Rules...)
		}
		var n int
		var mu sync.Mutex
		open := func(c FetcherConfig) (Fetcher, error) {
			t := c.Text()
			t.Origin, t.Format = c.Name, "text"
			return fetchFunc(func() (Text, error) {
				mu.Lock()
				defer mu.Unlock()
				n++
				t.Data = fmt.Append(nil, n)
				return t.Seal(), nil
			}), nil
		}
		parser := NewParser(prog)
		r, err := NewRefresher(RefresherConfig{Parser: parser, Kinds: map[string]FetcherOpener{"test": open}, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
		if err != nil {
			t.Fatal(err)
		}
		texts, _, err := r.Load(t.Context())
		if err != nil || len(texts) != lists {
			t.Fatalf("%d texts, %v", len(texts), err)
		}
		l, err := parser.Apply(nil, texts)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var asking sync.WaitGroup
		asking.Go(func() {
			for ctx.Err() == nil {
				r.Stats()
				time.Sleep(100 * time.Millisecond)
			}
		})
		version := l.Version
		err = r.Run(ctx, func(_ context.Context, text Text) error { // one at a time: l has no lock
			if l, err = parser.Apply(l, map[string]Text{text.Key(): text}); err != nil {
				return err
			}
			if version++; l.Version != version {
				t.Errorf("version %d, want %d", l.Version, version)
			}
			if version == 1000 {
				cancel()
			}
			return nil
		})
		asking.Wait()
		if err != nil || version < 1000 {
			t.Errorf("version %d, %v", version, err)
		}
	})
}

type fetchFunc func() (Text, error)

func (f fetchFunc) Fetch(context.Context) (Text, error) { return f() }
func (f fetchFunc) Origin() string                      { return "func" }
func (f fetchFunc) Close() error                        { return nil }
