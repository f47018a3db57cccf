package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/weir-cep/weir/internal/decode"
	"github.com/weir-cep/weir/internal/journal"
)

// Receipt says what became of ingested records.
type Receipt struct {
	Position uint64 // of the journal
	Accepted int
	Rejected int
	Skipped  int // of types that no rule names
	Rejects  []Reject
	Unknown  []decode.TypeCount // types of the skipped ones
}

// Reject is a record that did not become an event.
type Reject struct {
	Line   int // from 1
	Reason string
	Detail string
	Field  string // that is wrong, "" if it is none
}

// ErrBusy tells that nothing can be taken in right now.
type ErrBusy struct {
	Why        string
	RetryAfter time.Duration
}

func (e *ErrBusy) Error() string { return e.Why }

// Errors of Ingest beside ErrStalled, ErrClosed and *ErrBusy.
var (
	ErrNoRules  = errors.New("no rules are deployed yet")
	ErrNoSource = errors.New("no such source")
)

// retryAfter is when to try again what was refused because too much waits.
const retryAfter = time.Second

// Ingest takes in JSON lines for a source of kind http; "" is the only one of
// that kind. It returns when they are durable in the journal. Lines that are
// no events of the source are dead letters, and the others are taken all the
// same. It may be called by many goroutines.
func (r *Runtime) Ingest(ctx context.Context, source string, lines []byte) (Receipt, error) {
	n, err := r.current()
	if err != nil {
		return Receipt{}, err
	}
	p, err := n.posted(source)
	if err != nil {
		return Receipt{}, err
	}
	c := Chunk{Data: withRoom(lines), First: -1}
	size := entryBytes(&c)
	busy, err := n.room.try(p.stream, size)
	if err != nil {
		return Receipt{}, err
	}
	if busy != "" {
		return Receipt{}, &ErrBusy{busy, retryAfter}
	}
	told := make(chan error, 1)
	c.Durable = func(err error) { told <- err }
	en, err := p.entry(c, size)
	if err == nil {
		err = p.send(en, -1)
	}
	if err != nil {
		n.room.free(size)
		return Receipt{}, err
	}
	select {
	case err = <-told:
	case <-n.failed:
		err = fmt.Errorf("%w: %w", ErrStalled, n.failure)
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			return Receipt{}, err
		}
		return Receipt{}, fmt.Errorf("%w: %w", ErrStalled, err)
	}
	return en.receipt(&p.feed.Load().config)
}

// posted finds the partition that takes what is posted to a source.
func (n *node) posted(source string) (*livePart, error) {
	w := n.wire.Load()
	if w == nil {
		return nil, ErrNoRules
	}
	f, names := w.taker()
	if source != "" {
		if f = w.feed(source); f == nil || f.kind != "http" {
			return nil, fmt.Errorf("%w: %q is not a source of kind http; there is %s", ErrNoSource, source, orNone(names))
		}
	}
	if f == nil {
		if len(names) == 0 {
			return nil, fmt.Errorf("%w: every type that the rules read comes from a source of another kind", ErrNoSource)
		}
		return nil, fmt.Errorf("%w: say which source, one of %s", ErrNoSource, strings.Join(names, ", "))
	}
	return n.partition(f, "", 0)
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// withRoom copies lines, ends the last, and leaves room behind them for what
// the decoder unescapes.
func withRoom(lines []byte) []byte {
	b := make([]byte, len(lines), len(lines)+len(lines)/8+64)
	copy(b, lines)
	if len(b) > 0 && b[len(b)-1] != '\n' {
		b = append(b, '\n')
	}
	return b
}

// receipt says what the decoder made of an entry. The coordinator may have the
// rows already, but not what is read here.
func (en *inbound) receipt(cfg *decode.Config) (Receipt, error) {
	<-en.rows.done
	res := &en.rows.res
	rec := Receipt{Position: uint64(en.rec.Pos), Rejected: len(res.Dead), Skipped: int(res.Skipped), Unknown: res.Unknown}
	rec.Accepted = int(res.Records) - rec.Rejected - rec.Skipped
	if len(res.Dead) == 0 {
		return rec, nil
	}
	lines := lineNumbers(cfg, en.rec.Data)
	for i := range res.Dead {
		d := &res.Dead[i]
		line := 0
		if d.Position < uint64(len(lines)) {
			line = lines[d.Position]
		}
		rec.Rejects = append(rec.Rejects, Reject{Line: line, Reason: d.Reason.String(), Detail: d.Detail, Field: d.Field})
	}
	return rec, nil
}

// lineNumbers are the line numbers of a chunk's records, from 1.
func lineNumbers(cfg *decode.Config, data []byte) (lines []int) {
	c := *cfg
	if c.MaxEvent == 0 {
		c.MaxEvent = decode.DefaultMaxEvent
	}
	for i, line := 0, 1; i < len(data); line++ {
		end, next := c.Record(data, i, true)
		if end > i {
			lines = append(lines, line)
		}
		if next < 0 {
			break
		}
		i = next
	}
	return lines
}

// Flush works off all that has come so far, as if nothing more came, and
// returns when its alerts are out. It is for programs whose input ends. Events
// that come later and stand before the last one are late.
func (r *Runtime) Flush(ctx context.Context) error {
	n, err := r.current()
	if err != nil {
		return err
	}
	n.mu.Lock()
	live := slices.Collect(maps.Values(n.live))
	n.mu.Unlock()
	for _, p := range live {
		p.mu.Lock()
		p.idle = true
		p.mu.Unlock()
	}
	_, err = n.submit(ctx, &inbound{rec: journal.Record{Kind: recFlush, Stream: journal.NoStream}})
	return err
}
