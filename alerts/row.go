package alerts

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strconv"

	"github.com/weir-cep/weir/cep"
)

// Entry is an alert as it stands in the log.
type Entry struct {
	Seq      uint64
	Journal  uint64 // position of the record of the journal that brought it
	Logged   int64  // ns; when it was logged first
	ID       [16]byte
	Rule     string
	Severity cep.Severity
	Shadow   bool // of a rule that is only tried
	At       int64
	Key      string   // the alert's key as one text, see cep.Alert.AppendKey
	To       []string // sinks that its rule named
	Event    cep.Ref  // of the event that it is to rules of higher levels, 0: none
	JSON     []byte   // the alert as a line, with its number and without the line's end
	Triage   Triage   // what people have made of it
}

// A row is a version byte, what filters and sinks ask for, and the alert's
// line as cep writes it, without the number, which the key holds.
const rowVersion = 1

const (
	rowShadow = 1 << iota
	rowEvent
	rowSilenced
)

var errRow = errors.New("a row of the alert log is not as it was written")

func appendRow(dst []byte, journal uint64, logged int64, a *cep.Alert, silence string) []byte {
	var flags byte
	if a.Status == "shadow" {
		flags |= rowShadow
	}
	if a.Event != 0 {
		flags |= rowEvent
	}
	if silence != "" {
		flags |= rowSilenced
	}
	dst = append(dst, rowVersion, flags, byte(a.Severity))
	dst = binary.AppendUvarint(dst, journal)
	dst = binary.BigEndian.AppendUint64(dst, uint64(logged))
	dst = binary.BigEndian.AppendUint64(dst, uint64(a.At))
	if a.Event != 0 {
		dst = binary.BigEndian.AppendUint64(dst, uint64(a.Event))
	}
	if silence != "" {
		dst = appendText(dst, silence)
	}
	dst = appendText(dst, a.Rule)
	dst = appendKeyText(dst, a)
	dst = binary.AppendUvarint(dst, uint64(len(a.To)))
	for _, s := range a.To {
		dst = appendText(dst, s)
	}
	return appendLine(dst, a)
}

// appendLine is the alert's line without a number.
func appendLine(dst []byte, a *cep.Alert) []byte {
	seq := a.Seq
	a.Seq = 0
	dst = a.AppendJSON(dst)
	a.Seq = seq
	return dst
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// appendKeyText writes the key's text behind its length, in place where the
// length takes one byte, as it mostly does.
func appendKeyText(dst []byte, a *cep.Alert) []byte {
	at := len(dst)
	dst = a.AppendKey(append(dst, 0))
	n := len(dst) - at - 1
	if n < 0x80 {
		dst[at] = byte(n)
		return dst
	}
	text := string(dst[at+1:])
	return appendText(dst[:at], text)
}

// row is a row taken apart. Its texts are the row's own bytes.
type row struct {
	flags    byte
	severity cep.Severity
	journal  uint64
	logged   int64
	at       int64
	event    cep.Ref
	silence  []byte // id of the silence that kept it from the sinks
	rule     []byte
	key      []byte
	to       []byte // as written
	line     []byte
}

func parseRow(b []byte) (r row, err error) {
	d := decoder{rest: b}
	if d.byte() != rowVersion {
		return r, errRow
	}
	r.flags = d.byte()
	r.severity = cep.Severity(d.byte())
	r.journal = d.uvarint()
	r.logged = int64(d.fixed())
	r.at = int64(d.fixed())
	if r.flags&rowEvent != 0 {
		r.event = cep.Ref(d.fixed())
	}
	if r.flags&rowSilenced != 0 {
		r.silence = d.text()
	}
	r.rule = d.text()
	r.key = d.text()
	start := d.rest
	for n := d.uvarint(); n > 0 && !d.bad; n-- {
		d.text()
	}
	r.to = start[:len(start)-len(d.rest)]
	r.line = d.rest
	if d.bad || r.severity > cep.Critical || len(r.line) < idEnd || string(r.line[:len(idStart)]) != idStart || r.line[idEnd-1] != '"' {
		return r, errRow
	}
	return r, nil
}

// sinks are the names in to.
func (r *row) sinks() []string {
	d := decoder{rest: r.to}
	var names []string
	for n := d.uvarint(); n > 0; n-- {
		names = append(names, string(d.text()))
	}
	return names
}

// goes says whether the alert is for a sink.
func (r *row) goes(sink string) bool {
	d := decoder{rest: r.to}
	for n := d.uvarint(); n > 0; n-- {
		if string(d.text()) == sink {
			return true
		}
	}
	return false
}

// A line begins with the alert's id; the number goes behind it.
const (
	idStart = `{"alert_id":"`
	idEnd   = len(idStart) + 32 + 1
)

// lineID is the alert's id as its line has it.
func lineID(line []byte) (id [16]byte, err error) {
	_, err = hex.Decode(id[:], line[len(idStart):idEnd-1])
	return id, err
}

// appendNumbered writes a line with its number, as cep writes an alert that
// has one.
func appendNumbered(dst, line []byte, seq uint64) []byte {
	dst = append(dst, line[:idEnd]...)
	dst = strconv.AppendUint(append(dst, `,"seq":`...), seq, 10)
	return append(dst, line[idEnd:]...)
}

// entry copies a row out.
func (r *row) entry(seq uint64, t Triage) (e Entry, err error) {
	if e.ID, err = lineID(r.line); err != nil {
		return e, errRow
	}
	e.Seq, e.Journal, e.Logged, e.At, e.Event = seq, r.journal, r.logged, r.at, r.event
	e.Rule, e.Key, e.To = string(r.rule), string(r.key), r.sinks()
	e.Severity, e.Shadow = r.severity, r.flags&rowShadow != 0
	e.Triage = t
	e.Triage.Silence = string(r.silence)
	e.JSON = appendNumbered(make([]byte, 0, len(r.line)+28), r.line, seq)
	return e, nil
}

// AppendJSON writes the alert as people see it: its line, and behind the number
// what has been made of it.
func (e *Entry) AppendJSON(dst []byte) []byte {
	at := idEnd + len(`,"seq":`)
	for at < len(e.JSON) && e.JSON[at] >= '0' && e.JSON[at] <= '9' {
		at++
	}
	t := &e.Triage
	dst = append(dst, e.JSON[:at]...)
	dst = append(append(append(dst, `,"state":"`...), t.State.String()...), '"')
	for _, f := range [...]struct{ name, text string }{{"outcome", t.Outcome}, {"assignee", t.Assignee}, {"silence", t.Silence}} {
		if f.text != "" {
			dst = append(append(append(dst, `,"`...), f.name...), `":`...)
			dst = cep.AppendJSONString(dst, f.text)
		}
	}
	if t.Comments > 0 {
		dst = strconv.AppendInt(append(dst, `,"comments":`...), int64(t.Comments), 10)
	}
	if t.Updated != 0 {
		dst = append(cep.AppendTime(append(dst, `,"updated":"`...), t.Updated), '"')
	}
	dst = append(cep.AppendTime(append(dst, `,"logged":"`...), e.Logged), '"')
	return append(dst, e.JSON[at:]...)
}

// decoder reads what the append functions wrote. bad says that the bytes ran
// out or made no sense; everything read from then on is empty.
type decoder struct {
	rest []byte
	bad  bool
}

func (d *decoder) fail() { d.rest, d.bad = nil, true }

func (d *decoder) byte() byte {
	if len(d.rest) == 0 {
		d.fail()
		return 0
	}
	b := d.rest[0]
	d.rest = d.rest[1:]
	return b
}

func (d *decoder) fixed() uint64 {
	if len(d.rest) < 8 {
		d.fail()
		return 0
	}
	n := binary.BigEndian.Uint64(d.rest)
	d.rest = d.rest[8:]
	return n
}

func (d *decoder) fixed32() uint32 {
	if len(d.rest) < 4 {
		d.fail()
		return 0
	}
	n := binary.BigEndian.Uint32(d.rest)
	d.rest = d.rest[4:]
	return n
}

func (d *decoder) uvarint() uint64 {
	n, size := binary.Uvarint(d.rest)
	if size <= 0 {
		d.fail()
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

func (d *decoder) text() []byte {
	n := d.uvarint()
	if n > uint64(len(d.rest)) {
		d.fail()
		return nil
	}
	t := d.rest[:n:n]
	d.rest = d.rest[n:]
	return t
}
