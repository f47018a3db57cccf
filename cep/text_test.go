package cep

import (
	"encoding/json"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

var decision = &Enum{Name: "Decision", Words: []string{"approved", "declined"}}

func mustIP(t *testing.T, s string) Value {
	t.Helper()
	w, err := ParseIP(s)
	if err != nil {
		t.Fatal(err)
	}
	return Value{Type: Type{Kind: KindIP}, Wide: w}
}

func mustPoint(t *testing.T, s string) Value {
	t.Helper()
	w, err := ParsePoint(s)
	if err != nil {
		t.Fatal(err)
	}
	return Value{Type: Type{Kind: KindPoint}, Wide: w}
}

func TestValueTextAndJSON(t *testing.T) {
	for _, c := range []struct {
		v          Value
		text, json string
	}{
		{Bool(true), `true`, `true`},
		{Int(-3), `-3`, `-3`},
		{Int(math.MinInt64), `-9223372036854775808`, `-9223372036854775808`},
		{Num(3.5), `3.5`, `3.5`},
		{Num(100), `100`, `100`},
		{Num(0.30000000000000004), `0.30000000000000004`, `0.30000000000000004`},
		{Num(1e21), `1e+21`, `1e+21`},
		{Num(1e-7), `1e-07`, `1e-07`},
		{Num(math.Copysign(0, -1)), `0`, `0`},
		{Money(3_490_000, "USD"), `3.49 USD`, `"3.49 USD"`},
		{Str("a\"b\\c\n\x01é\xff"), "a\"b\\c\n\x01é\xff", `"a\"b\\c\n\u0001é\ufffd"`},
		{Str(""), ``, `""`},
		{EnumOf(decision, 1), `declined`, `"declined"`},
		{SeverityOf(Critical), `critical`, `"critical"`},
		{Time(1769853600 * Second), `2026-01-31T10:00:00Z`, `"2026-01-31T10:00:00Z"`},
		{Time(-1), `1969-12-31T23:59:59.999999999Z`, `"1969-12-31T23:59:59.999999999Z"`},
		{Span(90 * Minute), `1h30m`, `"1h30m"`},
		{mustIP(t, "10.0.0.1"), `10.0.0.1`, `"10.0.0.1"`},
		{mustIP(t, "::ffff:10.0.0.1"), `10.0.0.1`, `"10.0.0.1"`},
		{mustIP(t, "2001:DB8::1"), `2001:db8::1`, `"2001:db8::1"`},
		{mustPoint(t, "48.85, 2.35"), `48.85,2.35`, `{"lat":48.85,"lon":2.35}`},
		{ListOf(Type{Kind: KindString}, Str("a"), Str("b")), `a, b`, `["a","b"]`},
		{ListOf(Type{Kind: KindInt}), ``, `[]`},
		{Missing(Type{Kind: KindInt}), `–`, `null`},
	} {
		if got := c.v.String(); got != c.text {
			t.Errorf("text %q, want %q", got, c.text)
		}
		if got := string(c.v.AppendJSON(nil)); got != c.json {
			t.Errorf("json %s, want %s", got, c.json)
		}
	}
	if IP(netip.MustParseAddr("::ffff:1.2.3.4")).Wide != mustIP(t, "1.2.3.4").Wide {
		t.Error("a v4-mapped address is not the v4 one")
	}
	for _, s := range []string{"fe80::1%eth0", "10.0.0", "", "10.0.0.0/8", "010.0.0.1"} {
		if _, err := ParseIP(s); err != ErrIP {
			t.Errorf("ParseIP(%q): %v", s, err)
		}
	}
	for _, s := range []string{"1", "1;2", "91,0", "0,181", "a,b", "1,2,3", "", "NaN,0"} {
		if _, err := ParsePoint(s); err != ErrPoint {
			t.Errorf("ParsePoint(%q): %v", s, err)
		}
	}
}

func TestFormats(t *testing.T) {
	for _, c := range []struct {
		v            Value
		format, want string
	}{
		{Num(4.25), ".1", "4.2"},
		{Num(-0.04), ".1", "0.0"},
		{Num(-0.06), ".1", "-0.1"},
		{Num(2), ".0", "2"},
		{Int(7), ".2", "7.00"},
		{Int(7), ".0", "7"},
		{Money(3_495_000, "USD"), ".2", "3.50 USD"},
		{Money(3_485_000, "USD"), ".2", "3.48 USD"},
		{Money(3_490_000, "USD"), ".0", "3 USD"},
		{Money(-1, "USD"), ".2", "0.00 USD"},
		{Money(1_500_000, "USD"), ".8", "1.50000000 USD"},
		{Time(1769853600 * Second), "date", "2026-01-31"},
		{Time(1769853600*Second + 5), "time", "10:00:00"},
		{Str("4111111111111111"), "mask", "************1111"},
		{Str("c1"), "mask", "**"},
		{Str("héllo wörld é"), "mask", "*********ld é"},
		{Str(""), "mask", ""},
		{Int(123456), "mask", "****56"},
		{Missing(Type{Kind: KindNumber}), ".2", "–"},
		{ListOf(Type{Kind: KindNumber}, Num(1), Num(2.345)), ".1", "1.0, 2.3"},
	} {
		f, ok := ParseFormat(c.format)
		if !ok || !f.Fits(c.v.Type) {
			t.Errorf("%s does not fit %v", c.format, c.v.Type)
		}
		if got := string(c.v.AppendFormat([]byte("x"), f)); got != "x"+c.want {
			t.Errorf("%s as %s = %s, want %s", c.v, c.format, got[1:], c.want)
		}
	}
	for _, s := range []string{"", ".", ".21", ".-1", ".+1", "Date", "2", ".123"} {
		if f, ok := ParseFormat(s); ok {
			t.Errorf("format %q read as %v", s, f)
		}
	}
	if (Format{Kind: FormatDate}).Fits(Type{Kind: KindString}) || (Format{Kind: FormatDigits}).Fits(Type{Kind: KindBool}) {
		t.Error("a format fits a type that it cannot write")
	}
}

func TestJSONStringsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(t, "s")
		var got string
		if err := json.Unmarshal(AppendJSONString(nil, s), &got); err != nil {
			t.Fatal(err)
		}
		if want := string([]rune(s)); got != want || utf8.ValidString(s) && got != s {
			t.Fatalf("%q came back as %q", s, got)
		}
	})
}

func sampleAlert() *Alert {
	return &Alert{
		ID: [16]byte{0: 1, 15: 0xfe}, Rule: "card_testing", Version: "ab12", Status: "live",
		Severity: High, Score: 90, HasScore: true,
		At: 1769853720 * Second, FirstAt: 1769853600 * Second,
		Key:     []NamedValue{{"card_id", Str("c1")}},
		Message: "Card c1: 3 declines under 5.00 USD, then 450.00 USD in RO",
		Labels:  []Label{{"team", "card-fraud"}, {"channel", "cnp"}},
		Fields: []NamedValue{
			{"nothing", Missing(Type{Kind: KindInt})},
			{"probed", Money(3_490_000, "USD")},
			{"ratio", Num(0.5)},
			{"took", Span(2 * Minute)},
		},
		Revision: 1,
		Events: []AlertEvent{
			{Step: "small", Type: "Auth", ID: "a1", At: 1769853600 * Second, Data: []byte(`{"auth_id":"a1","amount":1.00}`)},
			{Step: "big", Type: "Auth", ID: "events/0/17", At: 1769853720*Second + 5*Millisecond},
		},
	}
}

func TestAlertJSON(t *testing.T) {
	logged := sampleAlert()
	logged.Seq, logged.Kind, logged.Truncated, logged.Suppressed = 42, MatchTimeout, true, 3
	bare := &Alert{Rule: "r", Status: "shadow"}
	var got []byte
	for _, a := range []*Alert{sampleAlert(), logged, bare} {
		line := a.AppendJSON(nil)
		if !json.Valid(line) {
			t.Errorf("not JSON: %s", line)
		}
		got = append(append(got, line...), '\n')
	}
	golden := filepath.Join("testdata", "alerts.ndjson")
	if os.Getenv("WEIR_REWRITE") != "" {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestBatchRebaseAndValue(t *testing.T) {
	elem := Type{Kind: KindString}
	b := &Batch{
		Rows:  []Row{{Ref: MakeRef(0, 0, 0)}, {Ref: MakeRef(0, 0, 7)}},
		Bytes: []byte("abc"), Wide: []Wide{mustIP(t, "10.0.0.1").Wide},
		Elems: []Word{StringWord(0, 1), StringWord(1, 2)},
	}
	b.Rebase(3, 9, 100)
	for i, want := range []Ref{MakeRef(3, 9, 100), MakeRef(3, 9, 107)} {
		if b.Rows[i].Ref != want {
			t.Errorf("row %d is at %x, want %x", i, b.Rows[i].Ref, want)
		}
	}
	for _, c := range []struct {
		v    Value
		want string
	}{
		{b.Value(elem, StringWord(1, 2)), "bc"},
		{b.Value(Type{Kind: KindIP}, 0), "10.0.0.1"},
		{b.Value(Type{Kind: KindList, Elem: &elem}, StringWord(0, 2)), "a, bc"},
		{b.Value(Type{Kind: KindInt}, 5), "5"},
	} {
		if c.v.String() != c.want {
			t.Errorf("value %s, want %s", c.v, c.want)
		}
	}
}
