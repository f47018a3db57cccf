package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/internal/journal"
)

// Erase says whose events are erased: those with a field of that value.
type Erase struct {
	Field string // as the rules call it, or where it stands in the events
	Value string // as it is written in the events
	Type  string // of the events; "": all types
}

// Erased is what Erase did.
type Erased struct {
	Rows    int `json:"rows"`    // events erased from the journal's archive
	Alerts  int `json:"alerts"`  // alerts of the log that lost the text of an event
	Dead    int `json:"dead"`    // dead letters that lost their text
	Late    int `json:"late"`    // late events that lost their text
	Left    int `json:"left"`    // events that stay for now: a restart would read them
	Scanned int `json:"scanned"` // records of the journal that were looked at, those that stay left out
	// Again is when to erase again where some are left: by then the kept
	// checkpoints do not need them any more, unless they still wait for the
	// watermark.
	Again time.Duration `json:"-"`
}

// ErasingSink is a Sink that keeps texts of events and can erase them. erase
// says of a text whether it has to go; source and typ are "" where they are not
// known.
type ErasingSink interface {
	Erase(ctx context.Context, value string, erase func(source, typ string, raw []byte) bool) (ErasedTexts, error)
}

// ErasedTexts counts what an ErasingSink has erased.
type ErasedTexts = cep.ErasedTexts

// Erase takes the text of somebody's events out of all that is kept to be
// looked up: the journal's archive, and what the sink keeps as evidence, dead
// letters and late events, if it is an ErasingSink. Places stay, so nothing else
// moves; the evidence of an alert that is looked up later has no text for them.
//
// What a recovery reads stays: checkpoints are taken first, so that this is
// little, and Left counts it; erase again later. The state of the rules is not
// touched: a value that is a key there goes when the rules' windows have run
// out. Nor is what an alert says in its own words, or has been delivered.
func (r *Runtime) Erase(ctx context.Context, what Erase) (Erased, error) {
	var out Erased
	if what.Field == "" || what.Value == "" {
		return out, errors.New("erase: say which field, and of which value")
	}
	n, err := r.current()
	if err != nil {
		return out, err
	}
	m := newErasing(what, n.wire.Load())
	if n.j != nil {
		if err := n.forgetNeed(ctx); err != nil {
			return out, fmt.Errorf("erase: %w", err)
		}
	}
	// First what alerts are made from, then the alerts.
	if err := n.ask(ctx, func() { n.eraseMemory(m) }); err != nil {
		return out, err
	}
	if n.j != nil {
		if err := n.eraseJournal(ctx, m, &out); err != nil {
			return out, err
		}
	}
	if s, ok := r.cfg.Sink.(ErasingSink); ok {
		// What was found before this moment is in the sink by now.
		if err := n.ask(ctx, func() {}); err != nil {
			return out, err
		}
		t, err := s.Erase(ctx, what.Value, m.event)
		out.Alerts, out.Dead, out.Late = t.Alerts, t.Dead, t.Late
		if err != nil {
			return out, err
		}
	}
	if out.Left > 0 {
		out.Again = time.Duration(n.cfg.Keep+1) * max(n.cfg.Interval, time.Second)
	}
	return out, nil
}

// forgetNeed takes checkpoints until none that is kept needs the journal from
// before.
func (n *node) forgetNeed(ctx context.Context) error {
	var end journal.Position
	if err := n.ask(ctx, func() { end = n.pos }); err != nil {
		return err
	}
	for range n.cfg.Keep + 1 {
		if n.e == nil {
			return nil // nothing was ever deployed: there is nothing to look at
		}
		if _, err := n.checkpointNow(ctx); err != nil {
			return err
		}
		need, err := n.store.Need()
		if err != nil {
			return err
		}
		if journal.Position(need) > end {
			break
		}
	}
	n.clean()
	return nil
}

// eraseMemory forgets the texts that are still in memory for coming alerts.
func (n *node) eraseMemory(m *erasing) {
	if n.e == nil {
		return
	}
	for _, s := range n.e.steps.book.streams {
		for _, pg := range s.pages {
			for i := range pg.rows {
				row := &pg.rows[i]
				off, size := int(row.raw>>32), int(uint32(row.raw))
				raw := pg.text[off : off+size]
				if in := n.e.steps.book.inputs[inputKey(row.ref.Source(), row.ref.Partition())]; in.JSON != nil {
					raw = in.JSON(nil, raw)
				}
				if row.ref.Source() != derivedSource && m.text(m.feed(row.ref.Source()), row.schema.Name, raw) {
					row.raw = 0
				}
			}
		}
	}
}

// eraseJournal blanks rows of the archive and counts those that have to stay.
func (n *node) eraseJournal(ctx context.Context, m *erasing, out *Erased) error {
	_, err := n.j.Erase(func(rec *journal.Record) (bool, error) {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		out.Scanned++
		rows, err := m.blank(rec)
		out.Rows += rows
		return rows > 0, err
	})
	if err != nil {
		return err
	}
	need, err := n.store.Need()
	if err != nil {
		return err
	}
	end := n.j.End()
	r := n.j.Read(max(journal.Position(need), n.j.First()))
	defer r.Close()
	for {
		var rec journal.Record
		switch err := r.Next(&rec); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("erase: %w", err)
		}
		if rec.Pos >= end {
			return nil
		}
		rows, err := m.blank(&rec)
		if err != nil {
			return err
		}
		out.Left += rows
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}
