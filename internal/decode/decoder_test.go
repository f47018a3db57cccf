package decode

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/weir-cep/weir/cep"
)

func optional(name string, t cep.Type) cep.Field { return cep.Field{Name: name, Type: t.OrMissing()} }

func listOf(k cep.Kind) cep.Type {
	return cep.Type{Kind: cep.KindList, Elem: &cep.Type{Kind: k}}
}

// decodeAll decodes text in one chunk.
func decodeAll(t *testing.T, cfg Config, text string) (*cep.Batch, *Result) {
	t.Helper()
	d, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var b cep.Batch
	var res Result
	d.Decode([]byte(text), &b, &res)
	return &b, &res
}

// show writes what a chunk became: a line per row, "Type@position field=value …",
// and one per dead letter.
func show(b *cep.Batch, res *Result) string {
	var s strings.Builder
	for i, r := range b.Rows {
		t := &b.Tables[r.Table]
		fmt.Fprintf(&s, "%s@%d", t.Schema.Name, r.Ref.Position())
		for fi, f := range t.Schema.Fields {
			c := &t.Cols[fi]
			if c.Words == nil {
				continue
			}
			v := cep.Missing(f.Type)
			if c.Has(int(r.Index)) {
				v = b.Value(f.Type.Required(), c.Words[r.Index])
			}
			fmt.Fprintf(&s, " %s=%s", f.Name, v.AppendJSON(nil))
		}
		if raw := b.RawText(i); len(raw) == 0 {
			s.WriteString(" no raw text")
		}
		s.WriteByte('\n')
	}
	for _, l := range res.Dead {
		fmt.Fprintf(&s, "dead@%d %s (%s)\n", l.Position, l.Reason, l.Detail)
	}
	return s.String()
}

// TestConversions reads each kind from JSON and CSV: want is the value's JSON,
// "missing", or the reason of the dead letter. A CSV cell of "-" is not tried.
func TestConversions(t *testing.T) {
	money := cep.Type{Kind: cep.KindMoney, Currency: "USD"}
	enum := cep.Type{Kind: cep.KindEnum, Enum: decisions}
	plain := func(k cep.Kind) cep.Type { return cep.Type{Kind: k} }
	ts := func(format string) cep.Field { return cep.Field{Type: plain(cep.KindTimestamp), Format: format} }
	typed := func(t cep.Type) cep.Field { return cep.Field{Type: t} }
	for _, c := range []struct {
		f        cep.Field
		json     string
		wantJSON string
		cell     string
		wantCell string
	}{
		{typed(plain(cep.KindString)), `"x"`, `"x"`, "x", `"x"`},
		{typed(plain(cep.KindString)), `"a\"\u00e9\ud83d\ude00\n"`, `"a\"é😀\n"`, `"a""b"`, `"a\"b"`},
		{typed(plain(cep.KindString)), `"\ud800x"`, `"�x"`, `"a,b"`, `"a,b"`},
		{typed(plain(cep.KindString)), `1.50e3`, `"1.50e3"`, "1.50e3", `"1.50e3"`},
		{typed(plain(cep.KindString)), `true`, `"true"`, "true", `"true"`},
		{typed(plain(cep.KindString)), `""`, `""`, "", `""`},
		{typed(plain(cep.KindString)), `null`, `missing_field`, `""`, `""`},
		{typed(plain(cep.KindString)), `{}`, `wrong_type`, " x ", `" x "`},
		{typed(plain(cep.KindString)), `[]`, `wrong_type`, "-", ""},
		{typed(plain(cep.KindInt)), `42`, `42`, "42", `42`},
		{typed(plain(cep.KindInt)), `"-7"`, `-7`, "-7", `-7`},
		{typed(plain(cep.KindInt)), `1e3`, `1000`, "1.0", `1`},
		{typed(plain(cep.KindInt)), `1.5`, `bad_number`, "1.5", `bad_number`},
		{typed(plain(cep.KindInt)), `9223372036854775807`, `9223372036854775807`, "-9223372036854775808", `-9223372036854775808`},
		{typed(plain(cep.KindInt)), `9223372036854775808`, `out_of_range`, "9223372036854775808", `out_of_range`},
		{typed(plain(cep.KindInt)), `1e30`, `out_of_range`, "1_000", `bad_number`},
		{typed(plain(cep.KindInt)), `"x"`, `bad_number`, `"1,000"`, `bad_number`},
		{typed(plain(cep.KindInt)), `true`, `wrong_type`, "", `missing_field`},
		{typed(plain(cep.KindInt)), `{"a":1}`, `wrong_type`, "007", `bad_number`},
		{typed(plain(cep.KindNumber)), `3.25`, `3.25`, "3.25", `3.25`},
		{typed(plain(cep.KindNumber)), `-0`, `0`, "-0.0", `0`},
		{typed(plain(cep.KindNumber)), `1e999`, `out_of_range`, "1e999", `out_of_range`},
		{typed(plain(cep.KindNumber)), `"NaN"`, `bad_number`, "Infinity", `bad_number`},
		{typed(plain(cep.KindNumber)), `0.1234567890123456789012345`, `0.12345678901234568`, "5e-324", `5e-324`},
		{typed(plain(cep.KindBool)), `true`, `true`, "TRUE", `true`},
		{typed(plain(cep.KindBool)), `false`, `false`, "False", `false`},
		{typed(plain(cep.KindBool)), `"true"`, `wrong_type`, "1", `true`},
		{typed(plain(cep.KindBool)), `1`, `wrong_type`, "0", `false`},
		{typed(plain(cep.KindBool)), `null`, `missing_field`, "yes", `wrong_type`},
		{typed(money), `12.30`, `"12.30 USD"`, "12.30", `"12.30 USD"`},
		{typed(money), `"12.30 USD"`, `"12.30 USD"`, "12.30 USD", `"12.30 USD"`},
		{typed(money), `0.1`, `"0.10 USD"`, "1e2", `"100.00 USD"`},
		{typed(money), `"12.30 EUR"`, `other_currency`, "12.30 EUR", `other_currency`},
		{typed(money), `1.2345678`, `too_many_decimals`, "1.2345678", `too_many_decimals`},
		{typed(money), `1e13`, `out_of_range`, "99999999999999", `out_of_range`},
		{typed(money), `"$5"`, `bad_number`, `"5,00"`, `bad_number`},
		{typed(money), `false`, `wrong_type`, "", `missing_field`},
		{typed(enum), `"declined"`, `"declined"`, "declined", `"declined"`},
		{typed(enum), `"Declined"`, `unknown_enum`, "Declined", `unknown_enum`},
		{typed(enum), `"\u0064eclined"`, `"declined"`, `"declined"`, `"declined"`},
		{typed(enum), `1`, `wrong_type`, "", `missing_field`},
		{typed(plain(cep.KindSeverity)), `"critical"`, `"critical"`, "low", `"low"`},
		{ts(""), `"2026-01-31T10:00:00.5+01:00"`, `"2026-01-31T09:00:00.500Z"`, "2026-01-31T10:00:00", `"2026-01-31T10:00:00Z"`},
		{ts(""), `1769853600`, `wrong_type`, "yesterday", `bad_time`},
		{ts(""), `"2500-01-01T00:00:00Z"`, `out_of_range`, "", `missing_field`},
		{ts("unix_s"), `1769853600.25`, `"2026-01-31T10:00:00.250Z"`, "1769853600", `"2026-01-31T10:00:00Z"`},
		{ts("unix_ms"), `"1769853600250"`, `"2026-01-31T10:00:00.250Z"`, "1769853600250", `"2026-01-31T10:00:00.250Z"`},
		{ts("unix_s"), `true`, `wrong_type`, "x", `bad_time`},
		{ts("20060102"), `20260131`, `"2026-01-31T00:00:00Z"`, "20260131", `"2026-01-31T00:00:00Z"`},
		{typed(plain(cep.KindDuration)), `"1h30m"`, `"1h30m"`, "90m", `"1h30m"`},
		{typed(plain(cep.KindDuration)), `90`, `wrong_type`, "90", `bad_duration`},
		{typed(plain(cep.KindIP)), `"::ffff:10.0.0.1"`, `"10.0.0.1"`, "10.0.0.1", `"10.0.0.1"`},
		{typed(plain(cep.KindIP)), `"2001:db8::1"`, `"2001:db8::1"`, "2001:DB8:0::1", `"2001:db8::1"`},
		{typed(plain(cep.KindIP)), `"10.0.0.256"`, `bad_ip`, "10.0.0", `bad_ip`},
		{typed(plain(cep.KindIP)), `10.0`, `wrong_type`, "10.0.0.01", `bad_ip`},
		{typed(plain(cep.KindPoint)), `{"lat":48.85,"lon":2.35}`, `{"lat":48.85,"lon":2.35}`, `"48.85,2.35"`, `{"lat":48.85,"lon":2.35}`},
		{typed(plain(cep.KindPoint)), `{ "alt": [1,{"a":2}], "lon" : "2.35" , "l\u0061t": 48.85 }`, `{"lat":48.85,"lon":2.35}`, `"48.85, 2.35"`, `{"lat":48.85,"lon":2.35}`},
		{typed(plain(cep.KindPoint)), `{"lat":1,"lat":2,"lon":3}`, `{"lat":2,"lon":3}`, "48.85", `bad_point`},
		{typed(plain(cep.KindPoint)), `"48.85,2.35"`, `{"lat":48.85,"lon":2.35}`, `"91,0"`, `bad_point`},
		{typed(plain(cep.KindPoint)), `{"lat":48.85}`, `bad_point`, "-", ""},
		{typed(plain(cep.KindPoint)), `{"lat":"x","lon":1}`, `bad_point`, "-", ""},
		{typed(plain(cep.KindPoint)), `{}`, `bad_point`, "-", ""},
		{typed(plain(cep.KindPoint)), `[48.85,2.35]`, `wrong_type`, "-", ""},
		{typed(listOf(cep.KindString)), `["a","\u0062",3,true]`, `["a","b","3","true"]`, "a", `wrong_type`},
		{typed(listOf(cep.KindString)), `"a"`, `["a"]`, "-", ""},
		{typed(listOf(cep.KindString)), ` [ ] `, `[]`, "-", ""},
		{typed(listOf(cep.KindString)), `["a",null]`, `wrong_type`, "-", ""},
		{typed(listOf(cep.KindString)), `[["a"]]`, `wrong_type`, "-", ""},
		{typed(listOf(cep.KindInt)), `[1 , 2,"3"]`, `[1,2,3]`, "-", ""},
		{typed(listOf(cep.KindInt)), `[1,2.5]`, `bad_number`, "-", ""},
		{typed(listOf(cep.KindIP)), `["10.0.0.1","10.0.0.2"]`, `["10.0.0.1","10.0.0.2"]`, "-", ""},
		{typed(listOf(cep.KindPoint)), `[{"lat":1,"lon":2},"3,4"]`, `[{"lat":1,"lon":2},{"lat":3,"lon":4}]`, "-", ""},
		{typed(listOf(cep.KindPoint)), `{"lat":1,"lon":2}`, `[{"lat":1,"lon":2}]`, "-", ""},
		{typed(listOf(cep.KindNumber)), `{"lat":1}`, `wrong_type`, "-", ""},
		{typed(plain(cep.KindInt).OrMissing()), `null`, `missing`, "", `missing`},
		{typed(plain(cep.KindInt).OrMissing()), `"x"`, `bad_number`, "x", `bad_number`},
		{typed(plain(cep.KindString).OrMissing()), `""`, `""`, "", `missing`},
		{typed(plain(cep.KindString).OrMissing()), `null`, `missing`, `""`, `missing`},
		{typed(listOf(cep.KindString).OrMissing()), `null`, `missing`, "", `missing`},
	} {
		c.f.Name = "v"
		check := func(cfg Config, text, want string) {
			t.Helper()
			cfg.Single = schema("E", c.f)
			b, res := decodeAll(t, cfg, text)
			if len(b.Rows)+len(res.Dead) != 1 || res.Records != 1 {
				t.Fatalf("%s: %s", text, show(b, res))
			}
			got := "missing"
			if len(res.Dead) > 0 {
				got = res.Dead[0].Reason.String()
				if !strings.HasPrefix(res.Dead[0].Detail, "v: ") || len(res.Dead[0].Detail) < 10 {
					t.Errorf("%s: the detail is %q", text, res.Dead[0].Detail)
				}
				if len(b.Bytes) != len(text) || len(b.Wide)+len(b.Elems) != 0 {
					t.Errorf("%s: a rejected row left something behind", text)
				}
			} else if col := &b.Tables[0].Cols[0]; col.Has(0) {
				got = string(b.Value(c.f.Type.Required(), col.Words[0]).AppendJSON(nil))
			}
			if got != want {
				t.Errorf("%s as %v: %s, want %s", text, c.f.Type, got, want)
			}
		}
		check(Config{}, `{"v":`+c.json+`}`, c.wantJSON)
		check(Config{Need: [][]bool{{true}}}, `{"w":1, "v" : `+c.json+"}\n", c.wantJSON)
		if c.cell != "-" {
			check(Config{Format: CSV, Header: []string{"k", "v"}}, "1,"+c.cell, c.wantCell)
			check(Config{Format: CSV, Header: []string{"v", "k"}}, c.cell+",1\r\n", c.wantCell)
		}
	}
}

// TestNotStoredIsStillChecked: what is rejected does not depend on the rules.
func TestNotStoredIsStillChecked(t *testing.T) {
	s := schema("E", field("a", cep.KindInt), field("s", cep.KindString), field("p", cep.KindPoint), cep.Field{Name: "l", Type: listOf(cep.KindIP)})
	text := `{"a":1,"s":"\u0041","p":"1,2","l":["10.0.0.1"]}
{"a":2,"s":"\u0041","p":"1,2","l":["10.0.0.x"]}
{"a":3,"p":"1,2","l":[]}
`
	b, res := decodeAll(t, Config{Single: s, Need: [][]bool{{true, false, false, false}}}, text)
	want := "E@0 a=1\ndead@1 bad_ip (l: the value is not an ip address)\ndead@2 missing_field (s: missing, and must not be)\n"
	if got := show(b, res); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if len(b.Bytes) != len(text) || len(b.Wide)+len(b.Elems) > 0 {
		t.Error("values of fields that nobody reads were kept")
	}
	for i := 1; i < 4; i++ {
		if c := b.Tables[0].Cols[i]; c.Words != nil || c.Present != nil {
			t.Errorf("column %d is stored", i)
		}
	}
}

func TestPathsAndTypes(t *testing.T) {
	auth := schema("Auth", cep.Field{Name: "amount", Path: "payment.amount.value", Type: cep.Type{Kind: cep.KindInt}},
		cep.Field{Name: "same", Path: "payment.amount.value", Type: cep.Type{Kind: cep.KindString}},
		cep.Field{Name: "where", Path: "geo", Type: cep.Type{Kind: cep.KindPoint, Optional: true}},
		cep.Field{Name: "lat", Path: "geo.lat", Type: cep.Type{Kind: cep.KindNumber, Optional: true}})
	auth.Tag = "card.auth.v2"
	cfg := Config{Schemas: []*cep.Schema{auth, schema("Seven", field("n", cep.KindInt)), {Name: "Auth", Derived: true}}, TypeField: "meta.type"}
	cfg.Schemas[1].Tag = "7"
	b, res := decodeAll(t, cfg, strings.Join([]string{
		`{"meta":{"type":"card.auth.v2"},"payment":{"amount":{"value":5,"currency":"USD"}},"geo":{"lat":1.5,"lon":2}}`,
		`{"payment":{"x":[{}],"amount":{"value":6}},"geo":"3,4","meta":{"v":2,"type":"card.auth.v2"}}`,
		``,
		`{"payment":{"amount":{"value":7}},"payment":{},"meta":{"type":"card.auth.v2"}}`,
		`{"payment":{"amount":{"value":7}},"payment":{"amount":{"value":8}},"meta":{"type":"x"},"meta":{"type":"card.auth.v2"}}`,
		`{"payment":{"amount":7},"meta":{"type":"card.auth.v2"}}`,
		`{"payment":{"amount":[{"value":7}]},"meta":{"type":"card.auth.v2"}}`,
		`   `,
		`{"meta":{"type":"Auth"},"payment":{"amount":{"value":5}}}`,
		`{"meta":{"type":7},"n":1}`,
		`{"meta":{"type":"other"}}`,
		`{"meta":{"type":"Auth"}}`,
		`{"meta":{"type":null}}`,
		`{"meta":{"type":"card.auth.v2"},"meta":3}`,
		`{"meta":{"type":{}}}`,
		`{"meta.type":"7","n":1}`,
		`{"meta":{"t\u0079pe":"\u0037"},"\u006e":2}`,
	}, "\n"))
	want := `Auth@0 amount=5 same="5" where={"lat":1.5,"lon":2} lat=1.5
Auth@1 amount=6 same="6" where={"lat":3,"lon":4} lat=null
Auth@3 amount=8 same="8" where=null lat=null
Seven@7 n=1
Seven@14 n=2
dead@2 missing_field (amount: missing, and must not be)
dead@4 missing_field (amount: missing, and must not be)
dead@5 missing_field (amount: missing, and must not be)
dead@10 missing_field (meta.type: missing, and must not be)
dead@11 missing_field (meta.type: missing, and must not be)
dead@12 wrong_type (meta.type: the value is of another type)
dead@13 missing_field (meta.type: missing, and must not be)
`
	if got := show(b, res); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if res.Records != 15 || res.Skipped != 3 || fmt.Sprint(res.Unknown) != "[{Auth 2} {other 1}]" {
		t.Errorf("records %d, skipped %d, unknown %v", res.Records, res.Skipped, res.Unknown)
	}
	var n Counts
	n.Add(res.Dead)
	if n.Total() != 7 || n[MissingField] != 6 {
		t.Errorf("counts %v", n)
	}
}

func TestCSV(t *testing.T) {
	s := schema("E", field("at", cep.KindTimestamp), field("name", cep.KindString), optional("n", cep.Type{Kind: cep.KindInt}))
	cfg := Config{Format: CSV, Single: s, Header: []string{"name", "extra", "at", "n"}, MaxEvent: 80}
	b, res := decodeAll(t, cfg, strings.Join([]string{
		`x,,2026-01-31T10:00:00Z,1`,
		`"two
lines, ""quoted""",,2026-01-31T10:00:00Z,`,
		`short,,2026-01-31T10:00:00Z`,
		`long,,2026-01-31T10:00:00Z,5,more,cells`,
		``,
		`bare " quote,,2026-01-31T10:00:00Z,1`,
		`"closed"early,,2026-01-31T10:00:00Z,1`,
		"bad\xff,,2026-01-31T10:00:00Z,1",
		`,,2026-01-31T10:00:00Z,7`,
		`x,,not a time,7`,
		strings.Repeat("y", 90) + `,,2026-01-31T10:00:00Z,7`,
		`"open,,2026-01-31T10:00:00Z,7`,
		`z,,2026-01-31T10:00:00Z,8`,
	}, "\n"))
	want := `E@0 at="2026-01-31T10:00:00Z" name="x" n=1
E@1 at="2026-01-31T10:00:00Z" name="two\nlines, \"quoted\"" n=null
E@3 at="2026-01-31T10:00:00Z" name="long" n=5
E@7 at="2026-01-31T10:00:00Z" name="" n=7
E@11 at="2026-01-31T10:00:00Z" name="z" n=8
dead@2 short_row (3 cells, the header has 4)
dead@4 bad_csv (a quote inside a cell that does not begin with one at byte 6)
dead@5 bad_csv (text behind a closing quote at byte 9)
dead@6 bad_utf8 (the record is not UTF-8)
dead@8 bad_time (at: the value is not a timestamp of the declared format)
dead@9 too_long (longer than 80 bytes)
dead@10 bad_csv (a quote is not closed at byte 1)
`
	if got := show(b, res); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if b.Rows[0].At != 1769853600*cep.Second {
		t.Errorf("event time %d", b.Rows[0].At)
	}
	if got := string(res.Dead[4].Raw); got != "x,,not a time,7" {
		t.Errorf("raw text %q", got)
	}
}

// TestManyLinesInACell: a cell holds MaxLines line ends and not one more; what
// comes behind a record that was given up is found.
func TestManyLinesInACell(t *testing.T) {
	s := schema("E", field("a", cep.KindString), optional("n", cep.Type{Kind: cep.KindInt}))
	for _, lines := range []int{MaxLines, MaxLines + 1} {
		text := `"` + strings.Repeat("\n", lines) + `",7` + "\nb,8\n"
		b, res := decodeAll(t, Config{Format: CSV, Single: s, Header: []string{"a", "n"}}, text)
		last := b.Rows[len(b.Rows)-1]
		if n := b.Tables[0].Cols[1].Words[last.Index]; n != 8 {
			t.Errorf("%d lines: the last row has n = %d", lines, n)
		}
		if good := lines == MaxLines; good != (len(res.Dead) == 0) || good && len(b.Rows) != 2 {
			t.Errorf("%d lines: %d rows, %d dead letters", lines, len(b.Rows), len(res.Dead))
		}
	}
}

func TestMixedCSV(t *testing.T) {
	cfg := Config{Format: CSV, Delimiter: ';', TypeField: "kind", Header: []string{"kind", "a", "b"},
		Schemas: []*cep.Schema{schema("A", field("a", cep.KindInt)), schema("B", field("b", cep.KindInt), optional("c", cep.Type{Kind: cep.KindInt}))}}
	b, res := decodeAll(t, cfg, "A;1;\nB;;2\n\"B\";x;3\nC;1;1\n;1;1\nA;;1\n")
	want := `A@0 a=1
B@1 b=2 c=null
B@2 b=3 c=null
dead@4 missing_field (kind: missing, and must not be)
dead@5 missing_field (a: missing, and must not be)
`
	if got := show(b, res); got != want || res.Skipped != 1 {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestSyntaxErrors(t *testing.T) {
	s := schema("E", optional("v", cep.Type{Kind: cep.KindInt}))
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for _, c := range []struct{ line, want string }{
		{`{"v":1} x`, `bad_json (more text behind the object at byte 9)`},
		{`{"v":1`, `bad_json ("," or "}" expected at byte 7)`},
		{`{"v":1,}`, `bad_json (a key in quotes expected at byte 8)`},
		{`{"v" 1}`, `bad_json (":" expected at byte 6)`},
		{`{v:1}`, `bad_json (a key in quotes expected at byte 2)`},
		{`[1]`, `bad_json (the record is not an object at byte 1)`},
		{`x`, `bad_json (the record is not an object at byte 1)`},
		{`{"v":01}`, `bad_json (not a number at byte 6)`},
		{`{"v":tru}`, `bad_json (a value expected at byte 6)`},
		{`{"v":}`, `bad_json (a value expected at byte 6)`},
		{`{"v":`, `bad_json (the record ends where a value is expected at byte 6)`},
		{`{"w":"a` + "\t" + `b"}`, `bad_json (a control character in a string at byte 8)`},
		{`{"w":"a`, `bad_json (a string is not closed at byte 6)`},
		{`{"w":"\x"}`, `bad_json (an unknown escape in a string at byte 7)`},
		{`{"w":"\u00g0"}`, `bad_json (an unknown escape in a string at byte 7)`},
		{`{"w":[1,2}`, `bad_json ("," or "]" expected at byte 10)`},
		{`{"w":{"a":1]}`, `bad_json ("," or "}" expected at byte 12)`},
		{`{"w":[1,]}`, `bad_json (a value expected at byte 9)`},
		{`{"w":{"a"}}`, `bad_json (":" expected at byte 10)`},
		{`{"w":-}`, `bad_json (not a number at byte 6)`},
		{"{\"w\":\"\xff\"}", `bad_utf8 (a string is not UTF-8 at byte 6)`},
		{"{\"\xc3\":1}", `bad_utf8 (a string is not UTF-8 at byte 2)`},
		{`{"w":` + deep(MaxDepth) + `}`, `too_deep (nested deeper than 128)`},
		{`{"v":1}` + strings.Repeat(" ", 1000), `too_long (longer than 1000 bytes)`},
	} {
		b, res := decodeAll(t, Config{Single: s, MaxEvent: 1000}, "{\"v\":0}\n"+c.line+"\n{\"v\":2}\n")
		if got, want := show(b, res), "E@0 v=0\nE@2 v=2\ndead@1 "+c.want+"\n"; got != want {
			t.Errorf("%s:\n%swant\n%s", c.line, got, want)
		}
	}
	for _, line := range []string{`{"w":` + deep(MaxDepth-1) + `,"v":2}`, "\t{ \"v\"\t:\r2 } \r", `{"v":1,"v":2}`, `{"w":{"v":1},"v":2}`} {
		if b, res := decodeAll(t, Config{Single: s}, line); show(b, res) != "E@0 v=2\n" {
			t.Errorf("%.80s: %s", line, show(b, res))
		}
	}
}

// TestRejectedRowsLeaveNoTrace puts failures around the ends of bitmap words.
func TestRejectedRowsLeaveNoTrace(t *testing.T) {
	s := schema("E", optional("o", cep.Type{Kind: cep.KindInt}), field("r", cep.KindInt), optional("p", cep.Type{Kind: cep.KindInt}), field("z", cep.KindInt))
	for _, n := range []int{0, 1, 63, 64, 65, 127, 128, 129} {
		var text, want strings.Builder
		for i := range n {
			fmt.Fprintf(&text, `{"o":%d,"r":%d,"z":%d}`+"\n", i, i, i)
			fmt.Fprintf(&want, "E@%d o=%d r=%d p=null z=%d\n", i, i, i, i)
		}
		text.WriteString(`{"o":1,"r":1,"p":1}` + "\n" + `{"r":5,"z":6}` + "\n")
		fmt.Fprintf(&want, "E@%d o=null r=5 p=null z=6\n", n+1)
		fmt.Fprintf(&want, "dead@%d missing_field (z: missing, and must not be)\n", n)
		b, res := decodeAll(t, Config{Single: s}, text.String())
		if got := show(b, res); got != want.String() {
			t.Errorf("%d rows: got\n%swant\n%s", n, got, want.String())
		}
		for i, c := range b.Tables[0].Cols {
			if len(c.Present) != (n+1+63)/64 || len(c.Words) != n+1 {
				t.Errorf("%d rows: column %d has %d words, %d bitmap words", n, i, len(c.Words), len(c.Present))
			}
		}
	}
}

func TestConfigErrors(t *testing.T) {
	a := schema("A", field("x", cep.KindInt))
	for _, c := range []struct {
		cfg  Config
		want string
	}{
		{Config{}, "no event type"},
		{Config{Schemas: []*cep.Schema{a, {Name: "B", Tag: "A"}}}, `selected by "A"`},
		{Config{Schemas: []*cep.Schema{a}, Single: schema("B")}, "B is not among"},
		{Config{Single: a, Format: CSV}, "without a header"},
		{Config{Single: a, Format: CSV, Header: []string{"x", "x"}}, `column "x" twice`},
		{Config{Single: a, Delimiter: '"'}, "cannot delimit"},
		{Config{Single: a, MaxEvent: -1}, "limit of a record"},
		{Config{Single: a, Need: [][]bool{{true, true}}}, "needs for 2 fields of A"},
		{Config{Single: schema("B", cep.Field{Name: "x", Path: "a..b"})}, "empty part"},
	} {
		if _, err := New(c.cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want …%s…", err, c.want)
		}
	}
	if _, err := New(Config{Single: a, Format: CSV, Header: []string{"y", "y", "x"}}); err != nil {
		t.Errorf("a column that nobody reads may stand twice: %v", err)
	}
}

func TestZone(t *testing.T) {
	s := schema("E", field("at", cep.KindTimestamp))
	b, _ := decodeAll(t, Config{Single: s, Zone: time.FixedZone("", -5*3600)}, `{"at":"2026-01-31T10:00:00"}`)
	if got := string(cep.AppendTime(nil, b.Rows[0].At)); got != "2026-01-31T15:00:00Z" {
		t.Errorf("read as %s", got)
	}
}

func TestDeadLetterJSON(t *testing.T) {
	l := DeadLetter{Position: 3, Reason: BadIP, Detail: `ip: "x"`, Raw: []byte("{\"ip\":\"x\"}\xff")}
	want := `{"source":"events","position":103,"reason":"bad_ip","detail":"ip: \"x\"","raw":"{\"ip\":\"x\"}\ufffd"}`
	if got := string(l.AppendJSON(nil, "events", 100)); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

func TestDecodeAllocatesNothing(t *testing.T) {
	d, err := New(Config{Schemas: []*cep.Schema{authSchema(), loginSchema(), readingSchema()}})
	if err != nil {
		t.Fatal(err)
	}
	text := append(chunks(1, mixed)[0], `{"type":"Login","login_id":"\u0041","at":"2026-01-01T00:00:00Z","user_id":"é","ok":true,"new_device":false,"ip":"::1","geo":{"lat":1,"lon":2}}`+"\n"...)
	var b cep.Batch
	var res Result
	for range 2 { // grow everything, chunk included
		d.Decode(text, &b, &res)
		text = b.Bytes[:len(text)]
	}
	if n := testing.AllocsPerRun(20, func() { d.Decode(text, &b, &res) }); n != 0 {
		t.Errorf("%v allocations for %d events", n, len(b.Rows))
	}
	if len(res.Dead) > 0 {
		t.Errorf("%+v", res.Dead[0])
	}
	c, lines := csvBench(t)
	c.Decode(lines[0], &b, &res)
	if n := testing.AllocsPerRun(20, func() { c.Decode(lines[0], &b, &res) }); n != 0 {
		t.Errorf("%v allocations for %d CSV events", n, len(b.Rows))
	}
}
