package dsl

import (
	"encoding/json"
	"strings"
	"testing"
)

// span finds a text in a source.
func span(t *testing.T, s *Source, text string) Span {
	t.Helper()
	i := strings.Index(string(s.Text), text)
	if i < 0 {
		t.Fatalf("no %q", text)
	}
	return Span{i, i + len(text)}
}

func TestDiagnosticText(t *testing.T) {
	short := NewSource("card.cep", []byte("rule r {\n  by card_id\n\twhen amount < 5 and größe > 日本 or x\n  alert {}\n}\n"))
	wild := NewSource("wild.cep", []byte("\x1b[2Jrule \u202ex\x00 @\n"))
	long := NewSource("long.cep", []byte(strings.Repeat("\n", 119)+"event Auth { amount: money(USD) }\n"))
	for _, c := range []struct {
		name string
		d    Diagnostic
		want string
	}{
		{"two labels on a line, a tab before them", Diagnostic{Code: "E103", Message: "can't compare", Source: short,
			Span: span(t, short, "5"), Label: "this is an int",
			Marks: []Mark{{Span: span(t, short, "amount"), Label: "this is money(USD)"}}, Fixes: []string{"amount < 5.00 USD"}}, `
error[E103]: can't compare
  --> card.cep:3:16
   |
 3 |     when amount < 5 and größe > 日本 or x
   |          ------   ^ this is an int
   |          |
   |          this is money(USD)
   = fix: amount < 5.00 USD
`},
		{"three labels, the primary in the middle, wide characters", Diagnostic{Code: "E103", Message: "m", Source: short,
			Span: span(t, short, "größe"), Label: "b",
			Marks: []Mark{{Span: span(t, short, "日本"), Label: "c"}, {Span: span(t, short, "amount"), Label: "a"}}}, `
error[E103]: m
  --> card.cep:3:22
   |
 3 |     when amount < 5 and größe > 日本 or x
   |          ------         ^^^^^   ---- c
   |          |              |
   |          |              b
   |          a
`},
		{"nothing that would steer the terminal", Diagnostic{Code: "E100", Message: "m", Source: wild, Span: span(t, wild, "@")}, `
error[E100]: m
  --> wild.cep:1:14
   |
 1 | �[2Jrule �x� @
   |              ^
`},
		{"labels on several lines and in another file", Diagnostic{Code: "E109", Message: "m", Source: short,
			Span: span(t, short, "card_id"), Label: "here",
			Marks: []Mark{{Span: span(t, short, "alert"), Label: "there"}, {Source: long, Span: span(t, long, "money"), Label: "elsewhere"}},
			Notes: []string{"a note"}}, `
error[E109]: m
   --> card.cep:2:6
    |
  2 |   by card_id
    |      ^^^^^^^ here
  4 |   alert {}
    |   ----- there
   --> long.cep:120
    |
120 | event Auth { amount: money(USD) }
    |                      ----- elsewhere
    = a note
`},
		{"no label, several lines, the end of the file", Diagnostic{Code: "W201", Level: LevelWarning, Message: "m", Source: short,
			Span: Span{span(t, short, "alert").Start, len(short.Text)}}, `
warning[W201]: m
  --> card.cep:4:3
   |
 4 |   alert {}
   |   ^^^^^^^^
`},
		{"behind the last line", Diagnostic{Code: "E100", Message: "m", Source: short, Span: Span{len(short.Text), len(short.Text)}, Label: "l"}, `
error[E100]: m
  --> card.cep:6:1
   |
 6 |
   | ^ l
`},
		{"a file as a whole", Diagnostic{Code: "E100", Message: "m", Source: short}, `
error[E100]: m
  --> card.cep
`},
		{"no place", Diagnostic{Code: "E100", Message: "m", Notes: []string{"n"}}, `
error[E100]: m
   = n
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := "\n" + c.d.Text(); got != c.want {
				t.Errorf("%s\ngot:%s", lineDiff(c.want, got), got)
			}
		})
	}
}

func TestDiagnosticJSON(t *testing.T) {
	s := NewSource("card.cep", []byte("rule r {\n  größe < 5\n}\n"))
	d := Diagnostic{Code: "E103", Message: "can't compare", Source: s, Span: span(t, s, "5"), Label: "an int",
		Marks: []Mark{{Span: span(t, s, "größe"), Label: "money"}}, Notes: []string{"n"}, Fixes: []string{"5.00 USD"}}
	got, err := json.Marshal(Diagnostics{d})
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"code":"E103","severity":"error","message":"can't compare","file":"card.cep","line":2,"column":11,"end":{"line":2,"column":12},` +
		`"label":"an int","notes":["n"],"fix":["5.00 USD"],"related":[{"file":"card.cep","line":2,"column":3,"end":{"line":2,"column":8},"message":"money"}]}]`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if d.String() != "card.cep:2:11: E103: can't compare" {
		t.Error(d.String())
	}
}

func TestDiagnosticsSort(t *testing.T) {
	s := NewSource("a.cep", []byte("abc"))
	ds := Diagnostics{
		{Code: "E102", Source: s, Span: Span{2, 3}, Message: "x"}, {Code: "E101", Source: s, Span: Span{2, 3}, Message: "x"},
		{Code: "E102", Source: s, Span: Span{0, 1}, Message: "x"}, {Code: "E102", Source: s, Span: Span{2, 3}, Message: "x"},
	}.Sort()
	if len(ds) != 3 || ds[0].Span.Start != 0 || ds[1].Code != "E101" {
		t.Errorf("%v", ds)
	}
}
