package cep

import (
	"encoding/hex"
	"strconv"
)

// AppendJSON writes the alert as one line of JSON, without the line's end. The
// order of the keys never changes; seq stands only in an alert that has one,
// score only where the rule gives one, data only where the raw event is still
// there; missing values are left out of key and fields.
func (a *Alert) AppendJSON(dst []byte) []byte {
	dst = hex.AppendEncode(append(dst, `{"alert_id":"`...), a.ID[:])
	dst = append(dst, '"')
	if a.Seq != 0 {
		dst = strconv.AppendUint(append(dst, `,"seq":`...), a.Seq, 10)
	}
	dst = AppendJSONString(append(dst, `,"rule":`...), a.Rule)
	dst = AppendJSONString(append(dst, `,"version":`...), a.Version)
	dst = AppendJSONString(append(dst, `,"status":`...), a.Status)
	dst = AppendJSONString(append(dst, `,"severity":`...), a.Severity.String())
	if a.HasScore {
		dst = appendJSONNumber(append(dst, `,"score":`...), a.Score)
	}
	dst = AppendTime(append(dst, `,"at":"`...), a.At)
	dst = AppendTime(append(dst, `","first_at":"`...), a.FirstAt)
	dst = appendNamed(append(dst, `","key":`...), a.Key)
	dst = AppendJSONString(append(dst, `,"message":`...), a.Message)
	dst = append(dst, `,"labels":{`...)
	for i, l := range a.Labels {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(AppendJSONString(dst, l.Name), ':')
		dst = AppendJSONString(dst, l.Text)
	}
	dst = appendNamed(append(dst, `},"fields":`...), a.Fields)
	dst = strconv.AppendInt(append(dst, `,"revision":`...), int64(a.Revision), 10)
	dst = strconv.AppendInt(append(dst, `,"suppressed":`...), int64(a.Suppressed), 10)
	dst = strconv.AppendBool(append(dst, `,"truncated":`...), a.Truncated)
	dst = AppendJSONString(append(dst, `,"kind":`...), a.Kind.String())
	dst = append(dst, `,"events":[`...)
	for i := range a.Events {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = a.Events[i].appendJSON(dst)
	}
	return append(dst, "]}"...)
}

func (e *AlertEvent) appendJSON(dst []byte) []byte {
	dst = AppendJSONString(append(dst, `{"step":`...), e.Step)
	dst = AppendJSONString(append(dst, `,"type":`...), e.Type)
	dst = AppendJSONString(append(dst, `,"id":`...), e.ID)
	dst = append(AppendTime(append(dst, `,"at":"`...), e.At), '"')
	if e.Data != nil {
		dst = append(append(dst, `,"data":`...), e.Data...)
	}
	return append(dst, '}')
}

func appendNamed(dst []byte, vs []NamedValue) []byte {
	dst = append(dst, '{')
	first := true
	for i := range vs {
		if vs[i].Value.Missing {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(AppendJSONString(dst, vs[i].Name), ':')
		dst = vs[i].Value.AppendJSON(dst)
	}
	return append(dst, '}')
}
