package lookup

import (
	"errors"
	"reflect"
	"testing"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// FuzzParse: whatever stands in a text, it is parsed or refused with places,
// and always the same way.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "a\nb\n# c\n", "[1, \"2\", null, [3]]", "name,level,limits.daily\nann,high,3\n", "\xef\xbb\xbfa;\"b\nc\"",
		`{"name":"ann","level":"low","limits":{"daily":"1.5"},"nets":["10.0.0.1"],"age":41}`, "[{", "\xff\n", "1 USD\n2.50\n", "10.0.0.0/8\n::1", "2026-01-31T00:00:00Z", "1h30m", "names\n\"", "[\n[\n["} {
		for format := range byte(3) {
			f.Add([]byte(seed), format, byte(0))
		}
	}
	point := cep.Type{Kind: cep.KindPoint}
	elems := []cep.Type{stringT, intT, ipT, usdT, risk, boolT, {Kind: cep.KindNumber}, {Kind: cep.KindTimestamp}, {Kind: cep.KindDuration}}
	f.Fuzz(func(t *testing.T, data []byte, format, which byte) {
		text := Text{Name: "names", Rules: "rules.cep", From: []string{"file", "redis"}[int(which)%2], Origin: "there",
			Format: []string{"text", "csv", "json"}[int(format)%3], Delimiter: []rune{',', ';', 0}[int(format)/3%3], Data: data}.Seal()
		var prog *dsl.Program
		if n := int(which) / 2 % (len(elems) + 2); n < len(elems) {
			prog = listOf("rules.cep", elems[n], dsl.OpIn, text.From)
		} else if n == len(elems) {
			prog = listOf("rules.cep", stringT, dsl.OpInNet, text.From)
		} else {
			prog = tableOf("rules.cep", text.From)
			prog.Tables[0].Cols = append(prog.Tables[0].Cols, cep.Field{Name: "place", Type: point.OrMissing()})
			text.Name, text.Table = "people", true
		}
		v, err := Parse(prog, text)
		again, err2 := Parse(prog, text)
		if (err == nil) != (err2 == nil) || err != nil && err.Error() != err2.Error() || v.Rows() != again.Rows() {
			t.Fatalf("%d rows, %v, and then %d, %v", v.Rows(), err, again.Rows(), err2)
		}
		if err != nil {
			if v != (Value{}) {
				t.Fatalf("a value beside the error %v", err)
			}
			places(t, err, string(data))
			return
		}
		if v.List != nil && !reflect.DeepEqual(v.List.Values(), again.List.Values()) {
			t.Fatalf("%v, and then %v", v.List.Values(), again.List.Values())
		}
	})
}

// places checks that an error is made of *Error with lines of the text.
func places(t *testing.T, err error, data string) {
	t.Helper()
	all, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("%T is no joined error: %v", err, err)
	}
	lines := 1
	for _, c := range data {
		if c == '\n' {
			lines++
		}
	}
	n := 0
	for _, err := range all.Unwrap() {
		var e *Error
		if !errors.As(err, &e) || e.File != "there" || e.Line < 0 || e.Line > lines {
			t.Fatalf("%#v is no error of a text of %d lines", err, lines)
		}
		n++
	}
	if n > maxErrors+1 {
		t.Fatalf("%d errors", n)
	}
}
