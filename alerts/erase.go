package alerts

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"github.com/weir-cep/weir/cep"
)

// eraser takes texts of events out of rows.
type eraser struct {
	value string
	goes  func(source, typ string, raw []byte) bool
}

// eraseBatch is how many rows are looked at in one go, so that no Commit waits
// long.
const eraseBatch = 2_000

// Erase takes the texts of events out of the log of which goes says that they
// have to: raw evidence of alerts, also of alerts that are evidence themselves,
// dead letters and late events. An event's id goes where it is the value. What
// an alert says in its own words stays: key, message, fields. All that was
// replaced is gone from the database's tables when it returns; its write-ahead
// files may hold it until the log is opened again.
func (l *Log) Erase(ctx context.Context, value string, goes func(source, typ string, raw []byte) bool) (out cep.ErasedTexts, err error) {
	e := &eraser{value: value, goes: goes}
	if err := l.flushTexts(); err != nil {
		return out, err
	}
	if out.Alerts, err = l.eraseRows(ctx, keyAlert, nil, e.alertRow); err != nil {
		return out, err
	}
	texts, err := l.eraseRows(ctx, keyText, nil, func(v []byte) ([]byte, bool) { return e.line(v) })
	if err != nil {
		return out, err
	}
	if out.Dead, err = l.eraseRows(ctx, keyDead, &l.dead, e.deadRow); err != nil {
		return out, err
	}
	if out.Late, err = l.eraseRows(ctx, keyLate, &l.late, e.lateRow); err != nil {
		return out, err
	}
	if out.Alerts+out.Dead+out.Late+texts == 0 {
		return out, nil
	}
	return out, l.forget(ctx)
}

// flushTexts writes what waits in memory, where it can be looked at.
func (l *Log) flushTexts() error {
	if err := l.beginWrite(); err != nil {
		return err
	}
	defer l.endWrite()
	return l.writeTexts()
}

// forget makes the database give up what was replaced.
func (l *Log) forget(ctx context.Context) error {
	if err := l.Sync(); err != nil {
		return err
	}
	if err := l.use(); err != nil {
		return err
	}
	defer l.done()
	if err := l.db.Flush(); err != nil {
		return fmt.Errorf("erase from the alert log: %w", err)
	}
	if err := l.db.Compact(ctx, []byte{0}, []byte{0xff}, false); err != nil {
		return fmt.Errorf("erase from the alert log: %w", err)
	}
	return nil
}

// eraseRows rewrites the rows of a kind that edit changes, some at a time.
func (l *Log) eraseRows(ctx context.Context, kind byte, s *shelf, edit func(v []byte) ([]byte, bool)) (rows int, err error) {
	for at := []byte{kind}; at != nil; {
		if err := ctx.Err(); err != nil {
			return rows, err
		}
		n, next, err := l.eraseSome(at, kind, s, edit)
		if err != nil {
			return rows, err
		}
		rows += n
		at = next
	}
	return rows, nil
}

// eraseSome rewrites rows from a key on; next is where to go on, nil at the end.
func (l *Log) eraseSome(from []byte, kind byte, s *shelf, edit func(v []byte) ([]byte, bool)) (rows int, next []byte, err error) {
	if err := l.beginWrite(); err != nil {
		return 0, nil, err
	}
	defer l.endWrite()
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: []byte{kind + 1}})
	if err != nil {
		return 0, nil, l.readError(err)
	}
	defer it.Close()
	b := l.db.NewBatch()
	defer b.Close()
	looked, shrunk := 0, 0
	for ok := it.First(); ok; ok = it.Next() {
		if looked == eraseBatch {
			next = slices.Clone(it.Key())
			break
		}
		looked++
		v, err := it.ValueAndErr()
		if err != nil {
			return 0, nil, l.readError(err)
		}
		w, changed := edit(v)
		if !changed {
			continue
		}
		if err := b.Set(it.Key(), w, nil); err != nil {
			return 0, nil, err
		}
		shrunk += len(v) - len(w)
		rows++
	}
	if err := it.Error(); err != nil {
		return 0, nil, l.readError(err)
	}
	if rows == 0 {
		return 0, next, nil
	}
	if s != nil {
		if err := b.Set(metaKey(s.name), shelfState(s.first, s.next, s.bytes-uint64(shrunk)), nil); err != nil {
			return 0, nil, err
		}
	}
	if err := l.write(b); err != nil {
		return 0, nil, err
	}
	if s != nil {
		l.shelves.Lock()
		s.bytes -= uint64(shrunk)
		l.shelves.Unlock()
	}
	return rows, next, nil
}

// alertRow edits the row of an alert.
func (e *eraser) alertRow(v []byte) ([]byte, bool) {
	r, err := parseRow(v)
	if err != nil {
		return nil, false // who reads it says so
	}
	line, changed := e.line(r.line)
	if !changed {
		return nil, false
	}
	return append(slices.Clone(v[:len(v)-len(r.line)]), line...), true
}

// line edits the line of an alert.
func (e *eraser) line(line []byte) ([]byte, bool) {
	var a struct{ Events json.RawMessage }
	var events []lineEvent
	if json.Unmarshal(line, &a) != nil || json.Unmarshal(a.Events, &events) != nil {
		return nil, false
	}
	changed := false
	for i := range events {
		changed = e.event(&events[i]) || changed
	}
	head := len(line) - 1 - len(a.Events)
	if !changed || head < 0 || !bytes.Equal(line[head:len(line)-1], a.Events) {
		return nil, false
	}
	out := append(slices.Clone(line[:head]), '[')
	for i := range events {
		if i > 0 {
			out = append(out, ',')
		}
		out = events[i].append(out)
	}
	return append(out, "]}"...), true
}

// event edits an event of an alert.
func (e *eraser) event(ev *lineEvent) (changed bool) {
	var typ, id string
	if json.Unmarshal(ev.Type, &typ) != nil || json.Unmarshal(ev.ID, &id) != nil {
		return false
	}
	switch {
	case bytes.HasPrefix(ev.Data, []byte(idStart)):
		if inner, did := e.line(ev.Data); did {
			ev.Data, changed = inner, true
		}
		return changed
	case ev.Data != nil && e.goes("", typ, ev.Data):
		ev.Data, changed = nil, true
	}
	if changed && id == e.value {
		ev.ID = []byte(`""`)
	}
	return changed
}

// append writes the event as cep does.
func (ev *lineEvent) append(dst []byte) []byte {
	dst = append(append(dst, `{"step":`...), ev.Step...)
	dst = append(append(dst, `,"type":`...), ev.Type...)
	dst = append(append(dst, `,"id":`...), ev.ID...)
	dst = append(append(dst, `,"at":`...), ev.At...)
	if ev.Data != nil {
		dst = append(append(dst, `,"data":`...), ev.Data...)
	}
	return append(dst, '}')
}

// deadRow edits the row of a dead letter: its text, and its detail if that
// quotes the value.
func (e *eraser) deadRow(v []byte) ([]byte, bool) {
	d := decoder{rest: v}
	d.byte()
	p, ok := parsePlace(d.text())
	arrived := v[len(v)-len(d.rest):]
	d.fixed()
	texts := v[len(v)-len(d.rest):]
	reason, detail, field := d.text(), d.text(), d.text()
	if d.bad || !ok || len(d.rest) == 0 || !e.goes(p.source, "", d.rest) {
		return nil, false
	}
	out := slices.Clone(v[:len(v)-len(arrived)])
	out = append(out, arrived[:len(arrived)-len(texts)]...)
	if bytes.Contains(detail, []byte(e.value)) {
		detail = nil
	}
	for _, t := range [][]byte{reason, detail, field} {
		out = appendText(out, string(t))
	}
	return out, true
}

// lateRow edits the row of a late event.
func (e *eraser) lateRow(v []byte) ([]byte, bool) {
	d := decoder{rest: v}
	d.byte()
	p, ok := parsePlace(d.text())
	d.fixed()
	d.fixed()
	d.fixed()
	typ := string(d.text())
	if d.bad || !ok || len(d.rest) == 0 || !e.goes(p.source, typ, d.rest) {
		return nil, false
	}
	return slices.Clone(v[:len(v)-len(d.rest)]), true
}
