package sourcetest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/weir-cep/weir/engine"
)

// Record is one record of a partition.
type Record struct {
	Position int64
	Text     string
}

// Rejected is what a source could not make a record of.
type Rejected struct{ Position, Reason, Raw string }

// Intake takes what a source reads. Its methods may be called by any goroutine.
type Intake struct {
	// Waiting is how many chunks may be on their way to a partition; 0 is 4.
	Waiting int

	mu      sync.Mutex
	changed chan struct{} // closed and made anew at every change
	parts   []*Part
	held    bool  // chunks stay on their way
	stalled error // chunks are refused
	life    int   // counts crashes
	dead    bool
}

// New returns an intake without partitions.
func New() *Intake { return &Intake{changed: make(chan struct{})} }

// Part is a partition.
type Part struct {
	in   *Intake
	id   int
	name string

	// What is in the journal.
	records  []Record
	cursor   []byte
	headers  [][]string // of CSV, whenever they changed
	rejected []Rejected
	chunks   int
	last     int64 // position of the last record

	lag   int64
	ended bool
	way   []chunk // on their way, in order
}

type chunk struct {
	engine.Chunk
	taken *taken
}

// taken is a partition as one Intake.Partition call handed it out.
type taken struct {
	p    *Part
	life int
	err  error // a chunk was refused
}

// change tells those who wait. It is called with the lock held.
func (in *Intake) change() {
	close(in.changed)
	in.changed = make(chan struct{})
}

// Partition makes a partition or takes it up again.
func (in *Intake) Partition(name string, id int) (engine.Partition, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.dead {
		return nil, errDead
	}
	i := slices.IndexFunc(in.parts, func(p *Part) bool { return id < 0 && p.name == name || id >= 0 && p.id == id })
	if i < 0 {
		p := &Part{in: in, id: id, name: name, last: -1}
		for id < 0 && slices.ContainsFunc(in.parts, func(q *Part) bool { return q.id == p.id+1 }) {
			p.id++
		}
		if id < 0 {
			p.id++
		}
		i = len(in.parts)
		in.parts = append(in.parts, p)
	}
	p := in.parts[i]
	if len(p.way) > 0 {
		return nil, fmt.Errorf("partition %s is taken up while %d chunks are on their way: they would enter twice", name, len(p.way))
	}
	p.ended = false
	in.change()
	return &taken{p: p, life: in.life}, nil
}

var errDead = fmt.Errorf("the process of this source is gone: %w", engine.ErrStalled)

func (t *taken) Cursor() []byte {
	t.p.in.mu.Lock()
	defer t.p.in.mu.Unlock()
	return slices.Clone(t.p.cursor)
}

func (t *taken) Put(ctx context.Context, c engine.Chunk) error {
	in := t.p.in
	most := in.Waiting
	if most == 0 {
		most = 4
	}
	for {
		in.mu.Lock()
		if t.life != in.life {
			in.mu.Unlock()
			return errDead
		}
		if t.err == nil && in.stalled != nil && len(t.p.way) == 0 {
			t.err = in.stalled
		}
		if t.err != nil {
			in.mu.Unlock()
			return t.err
		}
		if len(t.p.way) < most {
			t.p.way = append(t.p.way, chunk{c, t})
			in.change()
			in.mu.Unlock()
			go in.settle(t.p)
			return nil
		}
		wait := in.changed
		in.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// settle brings what is on its way to a partition into the journal, or not.
func (in *Intake) settle(p *Part) {
	in.mu.Lock()
	var done []func()
	for len(p.way) > 0 && (!in.held || in.stalled != nil) {
		c := p.way[0]
		p.way = p.way[1:]
		if c.taken.err == nil && in.stalled != nil {
			c.taken.err = in.stalled
		}
		err := c.taken.err
		if err == nil {
			p.take(c.Chunk)
		}
		if c.Durable != nil {
			done = append(done, func() { c.Durable(err) })
		}
	}
	in.change()
	in.mu.Unlock()
	for _, f := range done {
		f()
	}
}

// take appends a chunk's records.
func (p *Part) take(c engine.Chunk) {
	p.chunks++
	if c.Header != nil && (len(p.headers) == 0 || !slices.Equal(p.headers[len(p.headers)-1], c.Header)) {
		p.headers = append(p.headers, c.Header)
	}
	at := c.First
	if at < 0 {
		at = p.last + 1
	}
	gaps := c.Gaps
	n := 0
	for line := range bytes.Lines(c.Data) {
		if !bytes.HasSuffix(line, []byte("\n")) {
			panic(fmt.Sprintf("sourcetest: a record without its line end: %q", line))
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		for len(gaps) > 0 && gaps[0].Record == n {
			at += int64(gaps[0].Skip)
			gaps = gaps[1:]
		}
		if at <= p.last {
			panic(fmt.Sprintf("sourcetest: position %d comes behind %d", at, p.last))
		}
		p.records = append(p.records, Record{at, string(line)})
		p.last = at
		at++
		n++
	}
	p.cursor = slices.Clone(c.Cursor)
}

func (t *taken) Lag(records int64) {
	t.p.in.mu.Lock()
	defer t.p.in.mu.Unlock()
	t.p.lag = records
	t.p.in.change()
}

func (t *taken) Reject(position, reason string, raw []byte) {
	t.p.in.mu.Lock()
	defer t.p.in.mu.Unlock()
	r := Rejected{position, reason, string(raw)}
	if !slices.Contains(t.p.rejected, r) { // dead letters are counted once a position
		t.p.rejected = append(t.p.rejected, r)
	}
	t.p.in.change()
}

func (t *taken) End() {
	t.p.in.mu.Lock()
	defer t.p.in.mu.Unlock()
	t.p.ended = true
	t.p.in.change()
}

// Hold lets chunks stay on their way until Release.
func (in *Intake) Hold() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.held = true
}

// Release lets chunks into the journal again.
func (in *Intake) Release() { in.set(func() { in.held = false }) }

// Stall refuses what is on its way and what comes, until Resume.
func (in *Intake) Stall() { in.set(func() { in.stalled = engine.ErrStalled }) }

// Resume ends a stall.
func (in *Intake) Resume() { in.set(func() { in.stalled = nil }) }

func (in *Intake) set(f func()) {
	in.mu.Lock()
	f()
	parts := slices.Clone(in.parts)
	in.mu.Unlock()
	for _, p := range parts {
		in.settle(p)
	}
}

// Crash forgets what is on its way and refuses everything until Restart, as a
// process that is dead does: Durable is never called.
func (in *Intake) Crash() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.life++
	in.dead = true
	for _, p := range in.parts {
		p.way = nil
	}
	in.change()
}

// Restart begins the life after a crash.
func (in *Intake) Restart() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.dead, in.held, in.stalled = false, false, nil
	in.change()
}

// Part returns a copy of what a partition holds, by name; the zero Snapshot if
// there is none.
func (in *Intake) Part(name string) Snapshot {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, p := range in.parts {
		if p.name == name {
			return p.snapshot()
		}
	}
	return Snapshot{}
}

// Snapshot is what a partition holds.
type Snapshot struct {
	Name     string
	ID       int
	Records  []Record
	Headers  [][]string
	Rejected []Rejected
	Cursor   []byte
	Chunks   int
	Waiting  int // chunks on their way
	Lag      int64
	Ended    bool
}

func (p *Part) snapshot() Snapshot {
	return Snapshot{p.name, p.id, slices.Clone(p.records), slices.Clone(p.headers), slices.Clone(p.rejected),
		slices.Clone(p.cursor), p.chunks, len(p.way), p.lag, p.ended}
}

// Texts returns the records' texts.
func (s Snapshot) Texts() []string {
	var out []string
	for _, r := range s.Records {
		out = append(out, r.Text)
	}
	return out
}

// Parts returns what all partitions hold, in the order in which they came up.
func (in *Intake) Parts() []Snapshot {
	in.mu.Lock()
	defer in.mu.Unlock()
	var out []Snapshot
	for _, p := range in.parts {
		out = append(out, p.snapshot())
	}
	return out
}

// Count returns how many records are in the journal.
func (in *Intake) Count() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	n := 0
	for _, p := range in.parts {
		n += len(p.records)
	}
	return n
}

// Patience is how long Wait waits.
const Patience = 60 * time.Second

// Wait waits until what holds; it is asked again after every change, and now
// and then for things that change outside of the intake.
func (in *Intake) Wait(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(Patience)
	for {
		in.mu.Lock()
		changed := in.changed
		in.mu.Unlock()
		if holds() {
			return
		}
		select {
		case <-changed:
		case <-time.After(20 * time.Millisecond):
		case <-deadline:
			for _, p := range in.Parts() {
				t.Logf("partition %d %s: %d records, %d rejected, %d on their way, ended %v", p.ID, p.Name, len(p.Records), len(p.Rejected), p.Waiting, p.Ended)
			}
			t.Fatalf("not in %v: %s", Patience, what)
		}
	}
}
