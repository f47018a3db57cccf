package nfa

import (
	"slices"

	"github.com/weir-cep/weir/dsl"
)

// refTrack is how far one sequence of a block is.
type refTrack struct{ step, n int } // step -1: nothing bound yet

func newRefTracks(s *dsl.StepIR) []refTrack {
	ts := make([]refTrack, len(s.Sub))
	for i := range ts {
		ts[i].step = -1
	}
	return ts
}

// next returns the track after e, if it takes e: as its next step once the
// current one has its minimum, else as one more of the current one.
func (d refRule) next(t refTrack, seq []*dsl.StepIR, e *refEvent, b refBinds) (refTrack, bool) {
	fits := func(i int) bool { return d.fits(seq[i].Route, seq[i].Where, e, b) }
	if (t.step < 0 || t.n >= seq[t.step].Lo) && t.step+1 < len(seq) && fits(t.step+1) {
		return refTrack{t.step + 1, 1}, true
	}
	if t.step >= 0 && (seq[t.step].Hi == 0 || t.n < seq[t.step].Hi) && fits(t.step) {
		return refTrack{t.step, t.n + 1}, true
	}
	return t, false
}

func (t refTrack) done(seq []*dsl.StepIR) bool {
	return t.step == len(seq)-1 && t.n >= seq[t.step].Lo
}

// begins says whether e can be the first event of a step or block.
func (d refRule) begins(s *dsl.StepIR, e *refEvent, b refBinds) bool {
	if s.Kind == dsl.StepEvent {
		return d.fits(s.Route, s.Where, e, b)
	}
	for _, seq := range s.Sub {
		if _, ok := d.next(refTrack{step: -1}, seq, e, b); ok {
			return true
		}
	}
	return false
}

// progress is the part of a block that e has moved; nil if it takes e nowhere.
type refProgress struct {
	tracks []refTrack
	binds  refBinds
	won    int // of a "one of": the alternative that is complete, else -1
	done   bool
}

// advanceBlock gives e to an open block. All alternatives of a "one of" move
// side by side, each seeing its own bindings only; the first to complete wins,
// of a tie the first written, and the others' events are let go. In an "all of"
// e goes to the first member that can take it. Decision: also to one that is
// complete and has room.
func (d refRule) advanceBlock(s *dsl.StepIR, tracks []refTrack, binds refBinds, e *refEvent) *refProgress {
	p := &refProgress{tracks: slices.Clone(tracks), binds: binds, won: -1}
	moved := false
	for k, seq := range s.Sub {
		own, tag := binds, -1
		if s.Kind == dsl.StepOneOf {
			tag = k
			own = slices.DeleteFunc(slices.Clone(binds), func(b refBind) bool { return b.track >= 0 && b.track != k })
		}
		t, ok := d.next(tracks[k], seq, e, own)
		if !ok {
			continue
		}
		moved = true
		p.tracks[k] = t
		p.binds = p.binds.with(refBind{binding: seq[t.step].Binding, e: e, track: tag, head: t.n == 1})
		if s.Kind == dsl.StepAllOf {
			break
		}
		if p.won < 0 && t.done(seq) {
			p.won = k
		}
	}
	if !moved {
		return nil
	}
	p.done = p.won >= 0
	if s.Kind == dsl.StepAllOf {
		p.done = true
		for k, seq := range s.Sub {
			p.done = p.done && p.tracks[k].done(seq)
		}
	}
	if p.won >= 0 {
		kept := refBinds{}
		for _, b := range p.binds {
			if b.track == p.won {
				b.track = -1
			}
			if b.track < 0 {
				kept = append(kept, b)
			}
		}
		p.binds = kept
	}
	return p
}

// reported is what a match shows of a run. Decision: a run that times out in an
// open "one of" shows the first written alternative that has bound anything.
func (b refBinds) reported() refBinds {
	first := -1
	for _, x := range b {
		if x.track >= 0 && (first < 0 || x.track < first) {
			first = x.track
		}
	}
	return slices.DeleteFunc(slices.Clone(b), func(x refBind) bool { return x.track != -1 && x.track != first })
}

// inBlock returns the run after the open block it is in has taken e, nil if it
// takes e nowhere. Decision: a run whose alternative has won stands in that
// alternative's last step, as if the block were it; but the run began with the
// block's first event, and the block's within counts from there, even if only
// another alternative had taken it.
func (d *refDet) inBlock(r *refRun, e *refEvent) *refRun {
	s := r.place.step()
	p := d.advanceBlock(s, r.tracks, r.binds, e)
	if p == nil {
		return nil
	}
	c := *r
	c.tracks, c.binds, c.open, c.last = p.tracks, p.binds, !p.done, e
	if p.won >= 0 {
		seq := s.Sub[p.won]
		c.place = c.place.into(seq).moved(len(seq) - 1)
		c.n = p.tracks[p.won].n
	}
	return &c
}
