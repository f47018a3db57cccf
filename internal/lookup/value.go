package lookup

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/weir-cep/weir/cep"
)

// reader turns text and JSON into values of declared types, by the rules by
// which events are read.
type reader struct{ zone *time.Location }

// fromText reads a cell, or a JSON string. An empty cell is a missing value
// where one may be missing, and an empty string.
func (r reader) fromText(s string, t cep.Type, format string) (v cep.Value, err error) {
	v.Type = t.Required()
	if s == "" && t.Optional {
		return cep.Missing(t), nil
	}
	switch t.Kind {
	case cep.KindString:
		v.Text = s
		return v, nil
	case cep.KindBool:
		switch strings.ToLower(s) {
		case "true", "1":
			v.Word = 1
		case "false", "0":
		default:
			return v, mismatch(s, t)
		}
		return v, nil
	case cep.KindInt:
		d, ok := cep.ParseDecimal(s)
		n, err := d.Scaled(0)
		if !ok || err != nil {
			return v, mismatch(s, t)
		}
		v.Word = cep.Word(n)
		return v, nil
	case cep.KindNumber:
		f, ok := cep.ParseNumber(s)
		if !ok {
			return v, mismatch(s, t)
		}
		v.Word = cep.NumberWord(f)
		return v, nil
	case cep.KindEnum:
		i := t.Enum.Index(s)
		if i < 0 {
			return v, fmt.Errorf("%q is no %s: %s", s, t.Enum.Name, strings.Join(t.Enum.Words, ", "))
		}
		v.Word = cep.Word(i)
		return v, nil
	}
	var n int64
	switch t.Kind {
	case cep.KindMoney:
		n, err = cep.ParseMoney(s, t.Currency)
	case cep.KindTimestamp:
		n, err = cep.ParseTime(s, format, r.zone)
	case cep.KindDuration:
		n, err = cep.ParseDuration(s)
	case cep.KindIP:
		v.Wide, err = cep.ParseIP(s)
	case cep.KindPoint:
		v.Wide, err = cep.ParsePoint(s)
	case cep.KindList:
		el, err := r.fromText(s, *t.Elem, format)
		v.List = []cep.Value{el}
		return v, err
	default:
		return v, fmt.Errorf("%s can't be read from a file", t)
	}
	v.Word = cep.Word(n)
	if err != nil {
		return v, fmt.Errorf("%q is not %s: %w", s, t.Required(), err)
	}
	return v, nil
}

func mismatch(s string, t cep.Type) error { return fmt.Errorf("%q is not %s", s, t.Required()) }

// fromJSON reads a decoded JSON value (numbers as json.Number).
func (r reader) fromJSON(j any, t cep.Type, format string) (cep.Value, error) {
	if t.Kind == cep.KindList {
		return r.listFromJSON(j, t, format)
	}
	switch x := j.(type) {
	case nil:
		if t.Optional {
			return cep.Missing(t), nil
		}
		return cep.Value{}, fmt.Errorf("null, but a %s is required", t)
	case string:
		return r.fromText(x, t.Required(), format) // "" is not missing in JSON
	case json.Number:
		switch t.Kind {
		case cep.KindString, cep.KindInt, cep.KindNumber, cep.KindMoney, cep.KindTimestamp:
			return r.fromText(x.String(), t, format)
		}
	case bool:
		switch t.Kind {
		case cep.KindBool, cep.KindString:
			return r.fromText(fmt.Sprint(x), t, format)
		}
	case map[string]any:
		if t.Kind == cep.KindPoint {
			lat, ok1 := x["lat"].(json.Number)
			lon, ok2 := x["lon"].(json.Number)
			if ok1 && ok2 {
				return r.fromText(lat.String()+","+lon.String(), t, format)
			}
		}
	}
	return cep.Value{}, fmt.Errorf("%s is not %s", jsonText(j), t.Required())
}

func (r reader) listFromJSON(j any, t cep.Type, format string) (cep.Value, error) {
	if j == nil {
		if t.Optional {
			return cep.Missing(t), nil
		}
		return cep.Value{}, fmt.Errorf("null, but a %s is required", t)
	}
	elems, ok := j.([]any)
	if !ok {
		elems = []any{j} // a single value reads as a list of one
	}
	v := cep.Value{Type: t.Required()}
	for _, el := range elems {
		e, err := r.fromJSON(el, *t.Elem, format)
		if err != nil {
			return cep.Value{}, err
		}
		v.List = append(v.List, e)
	}
	return v, nil
}

func jsonText(j any) string {
	b, err := json.Marshal(j)
	if err != nil {
		return fmt.Sprint(j)
	}
	if len(b) > 60 {
		b = append(b[:57], "..."...)
	}
	return string(b)
}

// element reads an element of a list that is declared to hold elem. A list of
// ips, or one in which ips are looked up, may hold networks too: they stay
// strings.
func (r reader) element(s string, elem cep.Type, nets bool) (cep.Value, error) {
	if elem.Kind == cep.KindIP && strings.Contains(s, "/") || elem.Kind == cep.KindString && nets {
		if !isNetwork(s) {
			return cep.Value{}, fmt.Errorf("%q is neither an ip address nor a network like 10.0.0.0/8", s)
		}
		return cep.Str(s), nil
	}
	return r.fromText(s, elem, "")
}

func isNetwork(s string) bool {
	if strings.Contains(s, "/") {
		_, err := netip.ParsePrefix(s)
		return err == nil
	}
	_, err := cep.ParseIP(s)
	return err == nil
}
