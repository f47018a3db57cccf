package alerts

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// Action is an entry of the audit trail: somebody did something, mostly to an
// alert. Actions count from 1 without a gap, apart from alerts.
type Action struct {
	N        uint64 `json:"action"`
	Seq      uint64 `json:"seq,omitempty"` // of the alert, 0: it is about none
	Kind     string `json:"kind"`          // acknowledge, close, reopen, assign, comment; or what Note was given
	At       int64  `json:"-"`             // ns
	By       string `json:"by"`
	State    State  `json:"state"` // of the alert, behind it
	Outcome  string `json:"outcome,omitempty"`
	Assignee string `json:"assignee,omitempty"`
	Comment  string `json:"comment,omitempty"`
	Detail   string `json:"detail,omitempty"` // of what is not about an alert
}

// storedAction is an action as it lies in the database.
type storedAction struct {
	Action
	At int64 `json:"at"`
}

// Act changes alerts, and notes who did it. Each alert that changes gets an
// action; one that is already as it is to be gets none. All or none of it is
// durable when it returns. An error of type *ChangeError says what makes no
// sense; ErrNone that the log has no such alert.
func (l *Log) Act(seqs []uint64, c Change, by string) (list []Action, err error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if err := checkName("author", by); err != nil {
		return nil, err
	}
	switch {
	case len(seqs) == 0:
		return nil, badChange("no alert is named")
	case len(seqs) > MaxActed:
		return nil, badChange("%d alerts at once, it can be %d", len(seqs), MaxActed)
	}
	seqs = slices.Compact(slices.Sorted(slices.Values(seqs)))
	if list, err = l.act(seqs, &c, by); err != nil || len(list) == 0 {
		return nil, err
	}
	return list, l.Sync()
}

func (l *Log) act(seqs []uint64, c *Change, by string) (list []Action, err error) {
	if err := l.beginWrite(); err != nil {
		return nil, err
	}
	defer l.endWrite()
	b := l.db.NewBatch()
	defer b.Close()
	now := l.opt.Now().UnixNano()
	for _, seq := range seqs {
		a, changed, err := l.actOn(b, seq, c, l.actions.Load()+1+uint64(len(list)), now, by)
		if err != nil {
			return nil, err
		}
		if changed {
			list = append(list, a)
		}
	}
	return list, l.commitActions(b, list)
}

// actOn puts the change of one alert into a batch.
func (l *Log) actOn(b *pebble.Batch, seq uint64, c *Change, n uint64, now int64, by string) (a Action, changed bool, err error) {
	_, done, err := l.get(seq)
	if err != nil {
		if errors.Is(err, ErrNone) {
			err = fmt.Errorf("alert %d: %w", seq, ErrNone)
		}
		return a, false, err
	}
	done()
	was, err := l.triage(seq)
	if err != nil {
		return a, false, err
	}
	t, kind, err := c.apply(was)
	if err != nil || kind == "" {
		return a, false, err
	}
	t.Updated, t.Action = now, n
	a = Action{N: n, Seq: seq, Kind: kind, At: now, By: by, State: t.State, Outcome: t.Outcome, Assignee: t.Assignee}
	if c.Comment != nil {
		a.Comment = *c.Comment
	}
	if err := setJSON(b, triageKey(nil, seq), t); err != nil {
		return a, false, err
	}
	return a, true, b.Set(historyKey(nil, seq, n), nil, nil)
}

// commitActions writes a batch with the actions that it brings. Called with
// writing held.
func (l *Log) commitActions(b *pebble.Batch, list []Action) error {
	if len(list) == 0 {
		return nil
	}
	for i := range list {
		if err := setJSON(b, actionKey(nil, list[i].N), storedAction{list[i], list[i].At}); err != nil {
			return err
		}
	}
	head, oldest := list[len(list)-1].N, l.oldest.Load()
	if keep := above(head, l.opt.KeepActions) + 1; keep > oldest {
		if err := b.DeleteRange(actionKey(nil, oldest), actionKey(nil, keep), nil); err != nil {
			return err
		}
		oldest = keep
	}
	if err := l.write(b); err != nil {
		return err
	}
	l.actions.Store(head)
	l.oldest.Store(oldest)
	l.acted.ring()
	return nil
}

// Note puts something into the audit trail that is not about an alert. It is
// durable when it returns.
func (l *Log) Note(kind, detail, by string) (Action, error) {
	if err := checkName("author", by); err != nil {
		return Action{}, err
	}
	if len(detail) > MaxComment {
		detail = detail[:MaxComment]
	}
	a, err := l.note(func(*pebble.Batch, uint64) error { return nil }, kind, func() string { return detail }, by)
	if err != nil {
		return a, err
	}
	return a, l.Sync()
}

// note writes an action and what edit puts beside it, in one batch. edit is
// told the action's number.
func (l *Log) note(edit func(*pebble.Batch, uint64) error, kind string, detail func() string, by string) (a Action, err error) {
	if err := l.beginWrite(); err != nil {
		return a, err
	}
	defer l.endWrite()
	b := l.db.NewBatch()
	defer b.Close()
	n := l.actions.Load() + 1
	if err := edit(b, n); err != nil {
		return a, err
	}
	a = Action{N: n, Kind: kind, At: l.opt.Now().UnixNano(), By: by, Detail: detail()}
	return a, l.commitActions(b, []Action{a})
}

// LastAction is the number of the last action, 0 if there never was one.
func (l *Log) LastAction() uint64 { return l.actions.Load() }

// ActionsAfter returns actions behind a number, up to limit of them, in their
// order; next is the number to go on behind.
func (l *Log) ActionsAfter(n uint64, limit int) (list []Action, next uint64, err error) {
	if err := l.use(); err != nil {
		return nil, n, err
	}
	defer l.done()
	head := l.actions.Load()
	if n >= head || limit <= 0 {
		return nil, n, nil
	}
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: actionKey(nil, n+1), UpperBound: actionKey(nil, head+1)})
	if err != nil {
		return nil, n, l.readError(err)
	}
	defer it.Close()
	next = n
	for ok := it.First(); ok && len(list) < min(limit, MaxPage); ok = it.Next() {
		v, err := it.ValueAndErr()
		if err != nil {
			return nil, n, l.readError(err)
		}
		a, err := l.parseAction(number(it.Key()), v)
		if err != nil {
			return nil, n, err
		}
		list, next = append(list, a), a.N
	}
	return list, next, l.readError(it.Error())
}

// History returns what was done to an alert, oldest first.
func (l *Log) History(seq uint64) (list []Action, err error) {
	if err := l.use(); err != nil {
		return nil, err
	}
	defer l.done()
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: historyKey(nil, seq, 0), UpperBound: historyKey(nil, seq+1, 0)})
	if err != nil {
		return nil, l.readError(err)
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		a, err := l.action(number(it.Key()))
		switch {
		case errors.Is(err, pebble.ErrNotFound): // the trail has its own limit
			continue
		case err != nil:
			return nil, err
		}
		list = append(list, a)
	}
	return list, l.readError(it.Error())
}

// Action returns one action, or ErrNone if there is none of that number any
// more.
func (l *Log) Action(n uint64) (Action, error) {
	if err := l.use(); err != nil {
		return Action{}, err
	}
	defer l.done()
	a, err := l.action(n)
	if errors.Is(err, pebble.ErrNotFound) {
		err = ErrNone
	}
	return a, err
}

// action reads one action; pebble.ErrNotFound: it is not kept any more.
func (l *Log) action(n uint64) (a Action, err error) {
	v, done, err := l.db.Get(actionKey(nil, n))
	if err != nil {
		return a, err
	}
	defer done.Close()
	return l.parseAction(n, v)
}

func (l *Log) parseAction(n uint64, v []byte) (Action, error) {
	var s storedAction
	if err := json.Unmarshal(v, &s); err != nil || s.N != n {
		return Action{}, l.damaged("action %d is not as it was written", n)
	}
	s.Action.At = s.At
	return s.Action, nil
}

// loadActions finds the ends of the audit trail.
func (l *Log) loadActions() error {
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: []byte{keyAction}, UpperBound: []byte{keyAction + 1}})
	if err != nil {
		return l.readError(err)
	}
	defer it.Close()
	oldest, head := uint64(1), uint64(0)
	if it.First() {
		oldest = number(it.Key())
	}
	if it.Last() {
		head = number(it.Key())
	}
	l.oldest.Store(oldest)
	l.actions.Store(head)
	return l.readError(it.Error())
}

func setJSON(b *pebble.Batch, key []byte, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return b.Set(key, text, nil)
}
