package nfa

import (
	"math"

	"github.com/weir-cep/weir/internal/slab"
)

// A key's state is one slot: a header, then its runs in the order of their
// starts, each of Prog.words words.
//
//	header  w0  number of runs
//	        w1  number of the key's next event
//	        w2  earliest deadline, never if there is none
//	        w3  time after which nothing can happen any more, never if there is none
const (
	headWords = 4

	hdrRuns     = 0
	hdrSeq      = 1
	hdrDeadline = 2
	hdrIdle     = 3

	never = int64(math.MaxInt64)
)

// run is a partial match: a window into the slot (or into scratch space). It
// owns one reference to its chain.
//
//	w0  time of its first event    w1  of its last
//	w2  number of its first event  w3  of its last
//	w4  chain <<32 | events of the current step
//	w5  time of the current step's first event
//	w6  step <<48 | flags <<32 | bound events in all
//	w7… rounds of each group, then the tracks of the current block
type run []uint64

const runWords = 7

// Flags of a run.
const (
	flagClosed  = 1 << iota // until has held: the step absorbs no more
	flagMatched             // what it has bound is a match already (match each)
	flagDone                // its block is complete
)

func (r run) start() int64          { return int64(r[0]) }
func (r run) last() int64           { return int64(r[1]) }
func (r run) startSeq() uint64      { return r[2] }
func (r run) lastSeq() uint64       { return r[3] }
func (r run) head() slab.Handle     { return slab.Handle(r[4] >> 32) }
func (r run) n() int                { return int(uint32(r[4])) }
func (r run) entry() int64          { return int64(r[5]) }
func (r run) step() int             { return int(r[6] >> 48) }
func (r run) is(flag uint64) bool   { return r[6]>>32&flag != 0 }
func (r run) len() int              { return int(uint32(r[6])) }
func (r run) set(flag uint64)       { r[6] |= flag << 32 }
func (r run) clear(flag uint64)     { r[6] &^= flag << 32 }
func (r run) setHead(h slab.Handle) { r[4] = uint64(h)<<32 | r[4]&math.MaxUint32 }
func (r run) setN(n int)            { r[4] = r[4]&^math.MaxUint32 | uint64(uint32(n)) }
func (r run) setStep(i int)         { r[6] = r[6]&^(0xffff<<48) | uint64(i)<<48 }
func (r run) setLen(n int)          { r[6] = r[6]&^math.MaxUint32 | uint64(uint32(n)) }
func (r run) empty() bool           { return r[4]>>32 == 0 }
func (r run) rounds(g int) int      { return int(r[runWords+g]) }
func (r run) setRounds(g, n int)    { r[runWords+g] = uint64(n) }

// maxSteps is the largest step number that fits into a run.
const maxSteps = 1<<16 - 1

// track is one alternative of the run's current block.
//
//	w0  chain <<32 | events of its current step   (chain: one of only)
//	w1  dead <<32 | 1 + its current step, from 0; 0 not begun
//	w2  time of the current step's first event    w3  of its last event
type track []uint64

const trackWords = 4

func (t track) head() slab.Handle     { return slab.Handle(t[0] >> 32) }
func (t track) n() int                { return int(uint32(t[0])) }
func (t track) at() int               { return int(uint32(t[1])) - 1 }
func (t track) dead() bool            { return t[1]>>32 != 0 }
func (t track) kill()                 { t[1] |= 1 << 32 }
func (t track) entry() int64          { return int64(t[2]) }
func (t track) last() int64           { return int64(t[3]) }
func (t track) setHead(h slab.Handle) { t[0] = uint64(h)<<32 | t[0]&math.MaxUint32 }

// track is the i-th track of the run's block.
func (p *Prog) track(r run, i int) track {
	at := p.blockAt + i*trackWords
	return track(r[at : at+trackWords])
}

// runAt is the i-th run of a slot.
func (p *Prog) runAt(w []uint64, i int) run {
	at := headWords + i*p.words
	return run(w[at : at+p.words : at+p.words])
}
