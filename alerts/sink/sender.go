package sink

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"

	"github.com/weir-cep/weir/alerts"
	"github.com/weir-cep/weir/dsl"
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
// environment included, and connects to nothing yet. Errors name the sink.
type Opener func(Spec) (Sender, error)

// Kinds are the openers by the kind of sink. A nil opener stands for a kind
// that needs no sender, because something else delivers its alerts.
type Kinds map[string]Opener

// Spec is what a sender is made of.
type Spec struct {
	IR     *dsl.SinkIR // as a rule file declares it
	Stdout io.Writer   // nil: the process's own
	Logger *slog.Logger
}

// Equal says whether two specs make the same sender.
func (s *Spec) Equal(o *Spec) bool {
	return s.IR.Kind == o.IR.Kind && s.IR.File == o.IR.File && slices.EqualFunc(s.IR.Options, o.IR.Options, func(a, b dsl.Option) bool {
		return a.Name == b.Name && a.EnvName == b.EnvName && string(a.Value.AppendJSON(nil)) == string(b.Value.AppendJSON(nil))
	})
}

// open makes the sender of a spec.
func (k Kinds) open(s Spec) (Sender, error) {
	open, ok := k[s.IR.Kind]
	if !ok {
		return nil, fmt.Errorf("%s: sink %s: this program has no sinks of kind %s", s.IR.File, s.IR.Name, s.IR.Kind)
	}
	if open == nil {
		return nil, nil
	}
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	return open(s)
}
