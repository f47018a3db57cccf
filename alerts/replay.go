package alerts

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/cockroachdb/pebble/v2"

	"github.com/weir-cep/weir/cep"
)

// replay is how far the alerts have come again that a recovery finds anew.
type replay struct {
	on         bool
	next       uint64 // number of the alert that comes next
	reproduced uint64
	missing    uint64
}

// Replay says that Commit will bring again what comes behind alert seq: what
// the log has of it is compared and not appended. A log that ends before seq
// has lost alerts that were durable, and says so.
func (l *Log) Replay(seq uint64) error {
	if err := l.beginWrite(); err != nil {
		return err
	}
	defer l.endWrite()
	if head := l.head.Load(); seq > head {
		return &CorruptError{
			File: l.newest(".log"),
			Why:  fmt.Sprintf("the log ends with alert %d, and the checkpoint was taken behind alert %d: restore a savepoint of both", head, seq),
		}
	}
	l.replay = replay{on: true, next: seq + 1}
	return nil
}

// Replayed ends a replay. Alerts of the log that did not come again in their
// place, or not with the same text, are missing: 0, or the runtime does not do
// again what it did. They stay in the log as they are.
func (l *Log) Replayed() (reproduced, missing uint64) {
	l.writing.Lock()
	defer l.writing.Unlock()
	r := &l.replay
	if head := l.head.Load(); r.on && r.next <= head {
		l.opt.Logger.Error("the replay did not bring alerts that are in the log", "first", r.next, "last", head)
		r.missing += head + 1 - r.next
	}
	reproduced, missing = r.reproduced, r.missing
	l.replay = replay{}
	l.missing.Add(missing)
	return reproduced, missing
}

// compare checks alerts that come again against the log, and returns how many
// of them are in it. Called with writing held.
func (l *Log) compare(alerts []*cep.Alert) (known int, err error) {
	r := &l.replay
	if !r.on {
		return 0, nil
	}
	for head := l.head.Load(); known < len(alerts) && r.next <= head; known++ {
		same, err := l.same(r.next, alerts[known])
		if err != nil {
			return 0, err
		}
		if same {
			r.reproduced++
		} else {
			r.missing++
		}
		r.next++
	}
	return known, nil
}

// same says whether an alert is the one that the log has under a number. One
// that retention has removed cannot be compared, and is taken to be.
func (l *Log) same(seq uint64, a *cep.Alert) (bool, error) {
	a.Seq = seq
	l.key = alertKey(l.key[:0], seq)
	v, done, err := l.db.Get(l.key)
	switch {
	case errors.Is(err, pebble.ErrNotFound):
		if seq < l.first.Load() {
			return true, nil
		}
		return false, l.damaged("alert %d is missing", seq)
	case err != nil:
		return false, l.readError(err)
	}
	defer done.Close()
	row, err := parseRow(v)
	if err != nil {
		return false, l.damaged("alert %d: %v", seq, err)
	}
	l.row = appendLine(l.row[:0], a)
	if bytes.Equal(row.line, l.row) || faded(row.line, l.row) {
		return true, nil
	}
	id, err := lineID(row.line)
	l.opt.Logger.Error("the replay brought another alert than the log has", "seq", seq,
		"logged", hex.EncodeToString(id[:]), "replayed", hex.EncodeToString(a.ID[:]), "rule", string(row.rule), "replayed_rule", a.Rule)
	return false, err
}

// faded says whether two lines differ only in evidence that one of them has not:
// raw events may have left the archive between the two runs, by its retention
// or because they were erased. An event's id is read out of its text, so without
// that its place stands there.
func faded(logged, again []byte) bool {
	old, oldEvents, ok := takeEvents(logged)
	if !ok {
		return false
	}
	now, nowEvents, ok := takeEvents(again)
	if !ok || !bytes.Equal(old, now) || len(oldEvents) != len(nowEvents) {
		return false
	}
	for i := range nowEvents {
		if !nowEvents[i].fadedFrom(&oldEvents[i]) {
			return false
		}
	}
	return true
}

// fadedFrom says whether two events are one, with or without its text.
func (e *lineEvent) fadedFrom(o *lineEvent) bool {
	if e.Data != nil && o.Data != nil {
		if inner := bytes.HasPrefix(e.Data, []byte(idStart)) && faded(o.Data, e.Data); !inner && !bytes.Equal(e.Data, o.Data) {
			return false
		}
	}
	return bytes.Equal(e.Step, o.Step) && bytes.Equal(e.Type, o.Type) && bytes.Equal(e.At, o.At) &&
		(bytes.Equal(e.ID, o.ID) || isPlace(e.ID) || isPlace(o.ID))
}

// isPlace says that an id is a place, source/partition/position, or was erased.
func isPlace(id []byte) bool {
	parts := bytes.Split(bytes.Trim(id, `"`), []byte("/"))
	if len(parts) < 3 {
		return len(parts) == 1 && len(parts[0]) == 0
	}
	for _, p := range parts[len(parts)-2:] {
		if _, err := strconv.ParseUint(string(p), 10, 64); err != nil {
			return false
		}
	}
	return true
}

// lineEvent is an event of an alert's line, taken apart.
type lineEvent struct{ Step, Type, ID, At, Data json.RawMessage }

// takeEvents cuts a line at its events, which stand last.
func takeEvents(line []byte) (head []byte, events []lineEvent, ok bool) {
	var a struct{ Events json.RawMessage }
	if json.Unmarshal(line, &a) != nil || json.Unmarshal(a.Events, &events) != nil {
		return nil, nil, false
	}
	head = line[:max(0, len(line)-1-len(a.Events))] // it ends with the brace
	return head, events, true
}
