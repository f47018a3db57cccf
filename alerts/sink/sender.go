package sink

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/weir-cep/weir/alerts"
)

// Item is an alert on its way.
type Item struct {
	Seq  uint64
	ID   [16]byte
	Rule string
	Key  string // the alert's key as one text
	Text []byte // the alert as a line, without the line's end
}

// Sender sends to one place. Its methods are called by one goroutine.
type Sender interface {
	// Send returns when the receiver has all items, in their order. After an
	// error it is called with the same items again, unless the error is a
	// *RefusedError.
	Send(ctx context.Context, items []Item) error
	Close() error
}

// Resumer is a Sender that keeps something beside the cursor, so that nothing
// arrives twice after a crash.
type Resumer interface {
	Sender
	// Resume is called before the first Send, with what was kept last.
	Resume(c alerts.Cursor) error
	// Settle makes what was sent last for good, and returns what to keep.
	Settle() ([]byte, error)
}

// Targeter is a Sender that must not share its place with another one of this
// program.
type Targeter interface{ Target() string }

// RefusedError says that the receiver will never take some of the items. It has
// the others.
type RefusedError struct {
	Items []int // which
	Err   error // why
}

func (e *RefusedError) Error() string { return e.Err.Error() }
func (e *RefusedError) Unwrap() error { return e.Err }

// Opener makes the sender of a sink. It checks what the sink says, secrets and
// environment included, and touches nothing outside yet.
type Opener func(Spec) (Sender, error)

// Kinds are the openers by the kind of sink. A nil opener stands for a kind
// that needs no sender, because something else delivers its alerts.
type Kinds map[string]Opener

// Spec is a sink as the rule files declare it.
type Spec struct {
	Name    string
	Kind    string
	Options Options
	Dir     string // that relative paths start from: the rule file's
	Stdout  io.Writer
	Logger  *slog.Logger
}

// equal says whether two specs make the same sender.
func (s *Spec) equal(o *Spec) bool {
	return s.Kind == o.Kind && s.Dir == o.Dir && s.Options.equal(o.Options)
}

// open makes the sender of a spec.
func (k Kinds) open(s Spec) (Sender, error) {
	open, ok := k[s.Kind]
	if !ok {
		return nil, fmt.Errorf("sink %s: this program has no sinks of kind %s", s.Name, s.Kind)
	}
	if open == nil {
		return nil, nil
	}
	sender, err := open(s)
	if err != nil {
		return nil, fmt.Errorf("sink %s: %w", s.Name, err)
	}
	return sender, nil
}
