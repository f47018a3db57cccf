package app

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/engine"
)

// posted is an event type that comes over HTTP, and the source that takes it.
type posted struct {
	source    string
	schema    *cep.Schema
	typeField string // where the event says its type
}

// postedTypes lists the types that rules read and that come over HTTP.
func postedTypes(prog *dsl.Program) (list []posted) {
	for _, s := range engine.Reads(prog) {
		p, carried := posted{source: engine.HTTPSource, schema: s, typeField: "type"}, false
		for _, src := range prog.Sources {
			if !slices.Contains(src.Of, s) {
				continue
			}
			carried = true
			if src.Kind == "http" {
				p.source, carried = src.Name, false
				if i := slices.IndexFunc(src.Options, func(o dsl.Option) bool { return o.Name == "type" }); i >= 0 {
					p.typeField = src.Options[i].Value.Text
				}
				break
			}
		}
		if !carried && !s.Derived {
			list = append(list, p)
		}
	}
	return list
}

// example is an event of the type as JSON, for a user to send and to change. It
// happens at now.
func (p *posted) example(now time.Time) string {
	o := &object{}
	tag := p.schema.Tag
	if tag == "" {
		tag = p.schema.Name
	}
	o.set(p.typeField, string(cep.AppendJSONString(nil, tag)))
	for i := range p.schema.Fields {
		f := &p.schema.Fields[i]
		path := f.Path
		if path == "" {
			path = f.Name
		}
		if !f.Type.Optional || i == p.schema.Time {
			o.set(path, exampleValue(f.Type, f.Format, f.Name, now))
		}
	}
	return string(o.appendJSON(nil))
}

// exampleValue is a value of a type as JSON.
func exampleValue(t cep.Type, format, name string, now time.Time) string {
	switch t.Kind {
	case cep.KindBool:
		return "true"
	case cep.KindInt, cep.KindNumber:
		return "1"
	case cep.KindMoney:
		if t.Currency == "" {
			return `"10.00"`
		}
		return `"10.00 ` + t.Currency + `"`
	case cep.KindEnum:
		return string(cep.AppendJSONString(nil, t.Enum.Words[0]))
	case cep.KindTimestamp:
		return exampleTime(format, now)
	case cep.KindDuration:
		return `"1m"`
	case cep.KindIP:
		return `"203.0.113.7"`
	case cep.KindPoint:
		return `{"lat":52.5,"lon":13.4}`
	case cep.KindSeverity:
		return `"high"`
	case cep.KindList:
		return "[" + exampleValue(*t.Elem, format, name, now) + "]"
	}
	return string(cep.AppendJSONString(nil, name+"1"))
}

func exampleTime(format string, now time.Time) string {
	switch format {
	case "":
		return `"` + now.UTC().Format(time.RFC3339) + `"`
	case cep.UnixSeconds:
		return strconv.FormatInt(now.Unix(), 10)
	case cep.UnixMillis:
		return strconv.FormatInt(now.UnixMilli(), 10)
	}
	return string(cep.AppendJSONString(nil, now.UTC().Format(format)))
}

// object is a JSON object whose members stand in the order in which they came.
type object struct {
	names  []string
	values []any // string: JSON; *object
}

// set puts a value at a dotted path.
func (o *object) set(path, json string) {
	head, rest, nested := strings.Cut(path, ".")
	i := slices.Index(o.names, head)
	if !nested {
		if i < 0 {
			o.names, o.values = append(o.names, head), append(o.values, json)
		}
		return
	}
	if i < 0 {
		o.names, o.values = append(o.names, head), append(o.values, &object{})
		i = len(o.names) - 1
	}
	if inner, ok := o.values[i].(*object); ok {
		inner.set(rest, json)
	}
}

func (o *object) appendJSON(dst []byte) []byte {
	dst = append(dst, '{')
	for i, name := range o.names {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(cep.AppendJSONString(dst, name), ':')
		switch v := o.values[i].(type) {
		case *object:
			dst = v.appendJSON(dst)
		case string:
			dst = append(dst, v...)
		}
	}
	return append(dst, '}')
}
