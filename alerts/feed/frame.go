package feed

import (
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/weir-cep/weir/alerts"
	"github.com/weir-cep/weir/cep"
)

// Frame is a message to a client, as JSON. Several clients may be given the
// same one.
type Frame struct {
	Type string // snapshot, batch, update, notice, gap, hb, error
	Text []byte

	once sync.Once
	form any
}

// Place is where a client stands: it has what passes of all alerts up to one,
// and of all actions up to one, and goes on there.
type Place struct{ Seq, Action uint64 }

// Form is the frame as a transport sends it, made by the first that asks.
func (f *Frame) Form(make func(text []byte) any) any {
	f.once.Do(func() { f.form = make(f.Text) })
	return f.form
}

// shareKey is what clients have in common that get the same batch.
type shareKey struct {
	id, filter string
	from, to   uint64
}

// batchFrame writes alerts from one number to another. action stands in a
// snapshot only, since clients share batches.
func batchFrame(kind, id string, from, to, action uint64, texts [][]byte, now time.Time) *Frame {
	size := 128
	for _, t := range texts {
		size += len(t) + 1
	}
	b := make([]byte, 0, size)
	b = cep.AppendJSONString(append(append(append(b, `{"type":"`...), kind...), `","id":`...), id)
	if kind == "snapshot" {
		b = strconv.AppendUint(append(b, `,"upto":`...), to, 10)
		b = strconv.AppendUint(append(b, `,"actions":`...), action, 10)
	} else {
		b = fmt.Appendf(b, `,"seq":[%d,%d]`, from, to)
	}
	b = append(b, `,"items":[`...)
	for i, t := range texts {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, t...)
	}
	b = cep.AppendTime(append(b, `],"ts":"`...), now.UnixNano())
	return &Frame{Type: kind, Text: append(b, `"}`...)}
}

// updateItem is what somebody made of an alert.
type updateItem struct {
	Seq      uint64 `json:"seq"`
	Kind     string `json:"kind"`
	State    string `json:"state"`
	Outcome  string `json:"outcome,omitempty"`
	Assignee string `json:"assignee,omitempty"`
	Comment  string `json:"comment,omitempty"`
	By       string `json:"by"`
	Updated  string `json:"updated"`
	Action   uint64 `json:"action"`
}

func updateFrame(id string, from, to uint64, list []alerts.Action) *Frame {
	items := make([]updateItem, 0, len(list))
	for i := range list {
		a := &list[i]
		items = append(items, updateItem{a.Seq, a.Kind, a.State.String(), a.Outcome, a.Assignee, a.Comment, a.By, string(cep.AppendTime(nil, a.At)), a.N})
	}
	return encode("update", struct {
		Type    string       `json:"type"`
		ID      string       `json:"id"`
		Actions [2]uint64    `json:"actions"`
		Items   []updateItem `json:"items"`
	}{"update", id, [2]uint64{from, to}, items})
}

func noticeFrame(id string, a *alerts.Action) *Frame {
	return encode("notice", struct {
		Type string `json:"type"`
		ID   string `json:"id"`
		Kind string `json:"kind"`
		Text string `json:"text"`
		By   string `json:"by"`
	}{"notice", id, a.Kind, a.Detail, a.By})
}

func gapFrame(id, why string, from, to uint64) *Frame {
	return encode("gap", struct {
		Type   string `json:"type"`
		ID     string `json:"id"`
		From   uint64 `json:"from"`
		To     uint64 `json:"to"`
		Reason string `json:"reason"`
		Fetch  string `json:"fetch"`
	}{"gap", id, from, to, why, fmt.Sprintf("/api/v1/alerts?after=%d&limit=500", from-1)})
}

func beatFrame(head, seq, action uint64, now time.Time) *Frame {
	return encode("hb", struct {
		Type    string `json:"type"`
		TS      string `json:"ts"`
		Head    uint64 `json:"head"`
		Seq     uint64 `json:"seq"` // everything up to it that passes was sent
		Actions uint64 `json:"actions"`
	}{"hb", string(cep.AppendTime(nil, now.UnixNano())), head, seq, action})
}

// ErrorFrame tells a client what is wrong with what it asked for.
func ErrorFrame(id, code, message string) *Frame {
	return encode("error", struct {
		Type    string `json:"type"`
		ID      string `json:"id,omitempty"`
		Code    string `json:"code"`
		Message string `json:"message"`
	}{"error", id, code, message})
}

func encode(kind string, v any) *Frame {
	text, _ := json.Marshal(v) // of texts and numbers: it can't fail
	return &Frame{Type: kind, Text: text}
}
