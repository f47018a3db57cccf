package server

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"time"
)

// schemas are the schemas of Go types, by name where they have one.
type schemas struct{ named node }

// of is the schema of a value's type.
func (s *schemas) of(v any) node {
	if n, ok := v.(node); ok {
		return n
	}
	return s.ofType(reflect.TypeOf(v))
}

var (
	stampType   = reflect.TypeFor[stamp]()
	secondsType = reflect.TypeFor[seconds]()
	rawType     = reflect.TypeFor[json.RawMessage]()
	timeType    = reflect.TypeFor[time.Time]()
	textType    = reflect.TypeFor[encoding.TextMarshaler]()
)

func (s *schemas) ofType(t reflect.Type) node {
	switch {
	case t == stampType:
		return node{"type": "string", "format": "date-time", "nullable": true}
	case t == secondsType:
		return node{"type": "number", "description": "seconds"}
	case t == rawType:
		return s.alert()
	case t == timeType:
		return node{"type": "string", "format": "date-time"}
	case t.Implements(textType):
		return node{"type": "string"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		n := s.ofType(t.Elem())
		if _, ref := n["$ref"]; ref {
			return node{"allOf": []node{n}, "nullable": true}
		}
		n["nullable"] = true
		return n
	case reflect.Bool:
		return node{"type": "boolean"}
	case reflect.String:
		return node{"type": "string"}
	case reflect.Float32, reflect.Float64:
		return node{"type": "number"}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return node{"type": "integer", "minimum": 0}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return node{"type": "integer"}
	case reflect.Slice, reflect.Array:
		return node{"type": "array", "items": s.ofType(t.Elem())}
	case reflect.Map:
		return node{"type": "object", "additionalProperties": s.ofType(t.Elem())}
	case reflect.Struct:
		return s.ofStruct(t)
	}
	return node{} // anything
}

// ofStruct puts a type that has a name among the named ones.
func (s *schemas) ofStruct(t reflect.Type) node {
	name := t.Name()
	if name == "" {
		return s.fields(t)
	}
	name = strings.ToUpper(name[:1]) + name[1:]
	if _, ok := s.named[name]; !ok {
		s.named[name] = node{} // so that a type that holds itself ends
		s.named[name] = s.fields(t)
	}
	return node{"$ref": "#/components/schemas/" + name}
}

func (s *schemas) fields(t reflect.Type) node {
	props, required := node{}, []string{}
	s.into(t, props, &required)
	n := node{"type": "object", "properties": props}
	if len(required) > 0 {
		n["required"] = required
	}
	return n
}

// into adds a struct's fields, those of structs that it embeds included.
func (s *schemas) into(t reflect.Type, props node, required *[]string) {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous && f.Tag.Get("json") == "" && f.Type.Kind() == reflect.Struct {
			s.into(f.Type, props, required)
			continue
		}
		name := jsonName(&f)
		if name == "" {
			continue
		}
		props[name] = s.ofType(f.Type)
		if !strings.Contains(f.Tag.Get("json"), ",omitempty") && !strings.Contains(f.Tag.Get("json"), ",omitzero") {
			*required = append(*required, name)
		}
	}
}

// alert is an alert as the log has it, with what people have made of it. Its
// other fields are described with the rule language.
func (s *schemas) alert() node {
	s.named["Alert"] = node{"type": "object", "required": []string{"alert_id", "seq", "state", "logged", "rule", "severity"}, "additionalProperties": true,
		"properties": node{
			"alert_id": node{"type": "string"},
			"seq":      node{"type": "integer", "minimum": 1},
			"state":    node{"type": "string", "enum": []string{"open", "acknowledged", "closed"}},
			"outcome":  node{"type": "string"},
			"assignee": node{"type": "string"},
			"silence":  node{"type": "string"},
			"comments": node{"type": "integer"},
			"updated":  node{"type": "string", "format": "date-time"},
			"logged":   node{"type": "string", "format": "date-time"},
			"rule":     node{"type": "string"},
			"severity": node{"type": "string"},
		}}
	return node{"$ref": "#/components/schemas/Alert"}
}
