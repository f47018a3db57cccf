package outcome

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/weir-cep/weir/alerts"
	"github.com/weir-cep/weir/engine"
)

// Log is what is asked of the alert log.
type Log interface {
	ActionsAfter(n uint64, limit int) (list []alerts.Action, next uint64, err error)
	Acted() <-chan struct{}
	Get(seq uint64) (alerts.Entry, error)
	Sync() error
}

// atOnce is how many actions are read at a time.
const atOnce = 256

// Opener returns what opens the source of a log's outcomes.
func Opener(log Log) engine.Opener {
	return func(engine.SourceConfig) (engine.Source, error) { return &source{log}, nil }
}

type source struct{ log Log }

// row is an event as the journal gets it.
type row struct {
	Type  string `json:"type"`
	Alert string `json:"alert_id"`
	Key   string `json:"key"`
	Label string `json:"label"`
	At    string `json:"at"`
}

// Run hands over outcomes as they are given, until ctx ends.
func (s *source) Run(ctx context.Context, in engine.Intake) error {
	p, err := in.Partition("", 0)
	if err != nil {
		return err
	}
	n, err := position(p.Cursor())
	if err != nil {
		return err
	}
	for {
		acted := s.log.Acted() // before reading, or an action in between is slept over
		list, next, err := s.log.ActionsAfter(n, atOnce)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			select {
			case <-acted:
				continue
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		data, err := s.rows(list)
		if err != nil {
			return err
		}
		if len(data) > 0 {
			// The journal must not know of an action that a crash can undo: the
			// next one would have its number.
			if err := s.log.Sync(); err != nil {
				return err
			}
			c := engine.Chunk{Data: data, First: -1, Cursor: strconv.AppendUint(nil, next, 10)}
			if err := p.Put(ctx, c); err != nil {
				return err
			}
		}
		n = next
	}
}

// position reads a cursor; none stands before the first action.
func position(cursor []byte) (uint64, error) {
	if len(cursor) == 0 {
		return 0, nil
	}
	n, err := strconv.ParseUint(string(cursor), 10, 64)
	if err != nil {
		return 0, errors.New("the journal's cursor of outcomes is not the number of an action: " + strconv.Quote(string(cursor)))
	}
	return n, nil
}

// rows writes the events of those actions that say an outcome.
func (s *source) rows(list []alerts.Action) (data []byte, err error) {
	for i := range list {
		a := &list[i]
		if a.Seq == 0 || a.Kind != "close" || a.State != alerts.StateClosed || a.Outcome == "" {
			continue
		}
		e, err := s.log.Get(a.Seq)
		if errors.Is(err, alerts.ErrNone) {
			continue
		}
		if err != nil {
			return nil, err
		}
		line, err := json.Marshal(row{"Outcome", hex.EncodeToString(e.ID[:]), e.Key, a.Outcome, time.Unix(0, a.At).UTC().Format(time.RFC3339Nano)})
		if err != nil {
			return nil, err
		}
		data = append(append(data, line...), '\n')
	}
	return data, nil
}
