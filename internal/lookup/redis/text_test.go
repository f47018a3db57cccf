package redis

import (
	"strings"
	"testing"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/expr"
	"github.com/weir-cep/weir/internal/lookup"
	"github.com/weir-cep/weir/internal/slab"
)

var (
	stringT = cep.Type{Kind: cep.KindString}
	intT    = cep.Type{Kind: cep.KindInt}
	ipT     = cep.Type{Kind: cep.KindIP}
	pointT  = cep.Type{Kind: cep.KindPoint}
	listT   = cep.Type{Kind: cep.KindList, Elem: &stringT}
)

func TestSetText(t *testing.T) {
	got, err := setText(lookup.Text{Name: "names", From: "redis"}, []string{"b", "a\nb", "b", `"q"`, "ü", ""})
	want := "[\"\",\n\"\\\"q\\\"\",\n\"a\\nb\",\n\"b\",\n\"ü\"]"
	if err != nil || string(got.Data) != want || got.Format != "json" || got.Hash == 0 {
		t.Errorf("%s %q, %v, want %q", got.Format, got.Data, err, want)
	}
	if _, err := setText(lookup.Text{}, []string{"a", "\xff\xfe"}); err == nil || !strings.Contains(err.Error(), `"\xff\xfe" is not UTF-8`) {
		t.Error(err)
	}
	empty, err := setText(lookup.Text{}, nil)
	if err != nil || empty.Hash != empty.Empty().Hash {
		t.Errorf("an empty set is %q, %v", empty.Data, err)
	}
}

// cells parses what a hash becomes and returns the cells of a row.
func cells(t *testing.T, key cep.Field, cols []cep.Field, fields map[string]string, row string) (string, error) {
	t.Helper()
	ir := &dsl.TableIR{Name: "people", Key: key, Cols: cols, From: "redis", File: "rules.cep"}
	prog := &dsl.Program{Tables: []*dsl.TableIR{ir}}
	text, err := hashText(lookup.Text{Name: "people", Rules: "rules.cep", Table: true, From: "redis", Origin: "redis x, key people"}, key, cols, fields)
	if err != nil {
		return "", err
	}
	l, err := lookup.Apply(prog, nil, map[string]lookup.Text{text.Key(): text})
	if err != nil {
		return "", err
	}
	f := &expr.Frame{Lookups: l, Syms: slab.NewSymbols(), Key: []cep.Value{cep.Str(row)}}
	var out []string
	for i, col := range cols {
		read, err := (&expr.Compiler{}).Value(&dsl.Expr{Op: dsl.OpTableCell, Table: ir, Index: i, Type: col.Type,
			Args: []*dsl.Expr{{Op: dsl.OpKey, Type: key.Type}}})
		if err != nil {
			t.Fatal(err)
		}
		var v cep.Value
		read(f, &v)
		out = append(out, v.String())
	}
	return strings.Join(out, " "), nil
}

func TestHashText(t *testing.T) {
	key := cep.Field{Name: "name", Type: stringT}
	level, age := cep.Field{Name: "level", Type: stringT}, cep.Field{Name: "age", Type: intT.OrMissing(), Path: "info.age"}
	place, tags := cep.Field{Name: "place", Type: pointT}, cep.Field{Name: "tags", Type: listT}
	for _, tt := range []struct {
		name  string
		key   cep.Field
		cols  []cep.Field
		value string
		want  string
	}{
		{"object", key, []cep.Field{level, age}, "{\n \"level\": \"high\", \"info\": {\"age\": 41}, \"x\": [1]}", "high 41"},
		{"a column may be missing", key, []cep.Field{level, age}, `{"level":"high"}`, "high –"},
		{"the field is the key, whatever the value says", key, []cep.Field{level, age}, `{"name":"eve","level":"low"}`, "low –"},
		{"a key of another name", cep.Field{Name: "name", Path: "a.b", Type: stringT}, []cep.Field{level}, `{"a":{"b":"eve"},"level":"low"}`, "low"},
		{"no member", key, []cep.Field{age}, "{}", "–"},
		{"one column", key, []cep.Field{level}, "high", "high"},
		{"one column, in an object", key, []cep.Field{level}, `{"level":"high"}`, "high"},
		{"one column, braces that are no object", key, []cep.Field{level}, `{high}`, "{high}"},
		{"one column, quotes", key, []cep.Field{level}, `"high"`, `"high"`},
		{"one column, empty", key, []cep.Field{age}, "", "–"},
		{"one column, number", key, []cep.Field{age}, "41", "41"},
		{"point", key, []cep.Field{place}, "1.5,2.5", "1.5,2.5"},
		{"point as an object", key, []cep.Field{place}, `{"lat":1.5,"lon":2.5}`, "1.5,2.5"},
		{"point in an object", key, []cep.Field{place}, `{"place":{"lat":1.5,"lon":2.5}}`, "1.5,2.5"},
		{"list", key, []cep.Field{tags}, `["a", "b"]`, "a, b"},
		{"list that is no JSON", key, []cep.Field{tags}, `[a, b`, "[a, b"},
		{"list of one", key, []cep.Field{tags}, `a`, "a"},
		{"no column", key, nil, "1", ""},
	} {
		got, err := cells(t, tt.key, tt.cols, map[string]string{"ann": tt.value, "bob": tt.value}, "ann")
		if err != nil || got != tt.want {
			t.Errorf("%s: %q, %v, want %q", tt.name, got, err, tt.want)
		}
	}
}

func TestHashErrors(t *testing.T) {
	level, age := cep.Field{Name: "level", Type: stringT}, cep.Field{Name: "age", Type: intT}
	for _, tt := range []struct {
		name   string
		key    cep.Type
		fields map[string]string
		want   string
	}{
		{"plain value", stringT, map[string]string{"ann": "high"}, `field "ann": its value is a JSON object with the columns level, age, not "high"`},
		{"broken", stringT, map[string]string{"ann": `{"level":`}, `field "ann": its value is a JSON object`},
		{"bytes", stringT, map[string]string{"ann": "{\"level\":\"\xff\"}"}, `field "ann": its value is not UTF-8 text`},
		{"field", stringT, map[string]string{"\xff": "{}"}, `field "\xff": it is not UTF-8 text`},
		{"cell", stringT, map[string]string{"bob": `{"level":"x","age":1}`, "ann": `{"level":"x","age":"old"}`}, `redis x, key people: name "ann": age: "old" is not int`},
		{"missing", stringT, map[string]string{"ann": `{"level":"x"}`}, `redis x, key people: name "ann": age: there is no "age" in the object`},
		{"key", intT, map[string]string{"ann": `{"level":"x","age":1}`}, `redis x, key people: name: "ann" is not int`},
		{"one key twice", ipT, map[string]string{"::1": `{"level":"x","age":1}`, "0::1": `{"level":"x","age":1}`}, `is there twice, written in two ways`},
	} {
		_, err := cells(t, cep.Field{Name: "name", Type: tt.key}, []cep.Field{level, age}, tt.fields, "ann")
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
	many := map[string]string{}
	for i := range 100 {
		many[strings.Repeat("a", i)] = "x"
	}
	_, err := cells(t, cep.Field{Name: "name", Type: stringT}, []cep.Field{level, age}, many, "ann")
	if n := strings.Count(err.Error(), "\n") + 1; n != maxErrors {
		t.Errorf("%d lines of errors", n)
	}
}
