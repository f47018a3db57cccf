package lookup

import (
	"reflect"
	"time"

	"github.com/weir-cep/weir/dsl"
)

// carry takes over from the refresher of the rules before: how a list or table
// that is declared as it was is doing, and its text, if it is as fresh as the
// rules ask for. So a deployment that changes no list fetches and parses none.
func (r *Refresher) carry(w *watch) {
	if r.cfg.Before == nil {
		return
	}
	for _, old := range r.cfg.Before.watches {
		if !sameSource(&old.config, &w.config) {
			continue
		}
		s := old.Stats()
		if w.kept == nil || w.kept.Hash != s.Hash { // another text than the last one fetched
			w.stats.Fetches, w.stats.Changes, w.stats.Errors = s.Fetches, s.Changes, s.Errors
			return
		}
		w.fresh = s.Failing == "" && !s.Missing && !s.Fetched.IsZero() && time.Since(s.Fetched) < 2*w.every
		w.stats = s
		return
	}
}

// sameSource says whether two declarations are about the same content, read as
// the same values.
func sameSource(a, b *FetcherConfig) bool {
	plain := func(c FetcherConfig) FetcherConfig {
		options := make([]dsl.Option, len(c.Options))
		for i, o := range c.Options {
			o.Span = dsl.Span{}
			options[i] = o
		}
		c.Options = options
		return c
	}
	return reflect.DeepEqual(plain(*a), plain(*b))
}

// Remember takes over what the parser of another program remembers of lists and
// tables that both programs read in the same way.
func (p *Parser) Remember(other *Parser) {
	if p == other || p.prog.Zone.String() != other.prog.Zone.String() {
		return
	}
	other.mu.Lock()
	defer other.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	for key, last := range other.last {
		if p.readsAs(key, last.table, other) {
			p.last[key] = last
		}
	}
}

// readsAs says whether a text gives the same value in both programs.
func (p *Parser) readsAs(key string, table bool, other *Parser) bool {
	if table {
		a, b := p.tables[key], other.tables[key]
		return a != nil && b != nil && reflect.DeepEqual(a.Key, b.Key) && reflect.DeepEqual(a.Cols, b.Cols)
	}
	a, b := p.lists[key], other.lists[key]
	return a != nil && b != nil && reflect.DeepEqual(a.Elem, b.Elem) && p.used.nets[a] == other.used.nets[b]
}
