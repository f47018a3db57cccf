package decode

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/weir-cep/weir/cep"
	"pgregory.net/rapid"
)

// The oracle reads a record with encoding/json into maps and converts by the
// language's table, slowly and in plain terms.

func oracleSchemas() []*cep.Schema {
	point := cep.Type{Kind: cep.KindPoint}
	return []*cep.Schema{
		schema("A",
			optional("s", cep.Type{Kind: cep.KindString}),
			optional("i", cep.Type{Kind: cep.KindInt}),
			cep.Field{Name: "deep", Path: "o.p.i", Type: cep.Type{Kind: cep.KindInt, Optional: true}},
			cep.Field{Name: "mid", Path: "o.p", Type: cep.Type{Kind: cep.KindString, Optional: true}}),
		schema("B",
			cep.Field{Name: "n", Type: cep.Type{Kind: cep.KindNumber}},
			optional("b", cep.Type{Kind: cep.KindBool}),
			optional("l", listOf(cep.KindString)),
			cep.Field{Name: "place", Path: "o", Type: point.OrMissing()},
			optional("m", cep.Type{Kind: cep.KindMoney, Currency: "USD"})),
	}
}

// oracleJSON says what show would: a row, a reason, or "skipped".
func oracleJSON(line []byte, schemas []*cep.Schema) string {
	if !json.Valid(line) || bytes.TrimLeft(line, " \t\r\n")[0] != '{' {
		return "bad_json"
	}
	if !utf8.Valid(line) {
		return "bad_utf8"
	}
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.UseNumber()
	var record map[string]any
	if err := dec.Decode(&record); err != nil {
		return "bad_json"
	}
	if nesting(line) > MaxDepth {
		return "too_deep"
	}
	kind := at(record, "type")
	name, isText := literal(kind)
	if !isText {
		if kind == nil {
			return "missing_field"
		}
		return "wrong_type"
	}
	for _, s := range schemas {
		if s.Name == name {
			return oracleRow(record, s)
		}
	}
	return "skipped"
}

func oracleRow(record map[string]any, s *cep.Schema) string {
	out := s.Name
	for _, f := range s.Fields {
		v := at(record, path(&f))
		text := ""
		switch {
		case v == nil && f.Type.Optional:
			text = "null"
		case v == nil:
			return "missing_field"
		default:
			var bad string
			if text, bad = oracleValue(v, f.Type); bad != "" {
				return bad
			}
		}
		out += " " + f.Name + "=" + text
	}
	return out
}

func oracleValue(v any, t cep.Type) (text, bad string) {
	lit, isText := literal(v)
	quote := func(s string) string { return string(cep.AppendJSONString(nil, s)) }
	switch t.Kind {
	case cep.KindString:
		if !isText {
			return "", "wrong_type"
		}
		return quote(lit), ""
	case cep.KindBool:
		b, ok := v.(bool)
		if !ok {
			return "", "wrong_type"
		}
		return fmt.Sprint(b), ""
	case cep.KindInt, cep.KindNumber, cep.KindMoney:
		if _, isBool := v.(bool); !isText || isBool {
			return "", "wrong_type"
		}
		return oracleNumber(lit, t)
	case cep.KindPoint:
		return oraclePoint(v)
	case cep.KindList:
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		}
		parts := make([]string, len(list))
		for i, e := range list {
			if parts[i], bad = oracleValue(e, *t.Elem); bad != "" {
				return "", bad
			}
		}
		return "[" + strings.Join(parts, ",") + "]", ""
	}
	panic("no oracle for " + t.String())
}

func oracleNumber(lit string, t cep.Type) (text, bad string) {
	currency := false
	if t.Kind == cep.KindMoney {
		lit, currency = strings.CutSuffix(lit, " USD")
		if trimmed := strings.TrimRight(lit, " "); currency {
			lit = trimmed
		} else if i := strings.IndexByte(lit, ' '); i >= 0 && isUpper3(strings.TrimLeft(lit[i:], " ")) {
			return "", "other_currency"
		}
	}
	if !json.Valid([]byte(lit)) || lit == "" || lit[0] != '-' && (lit[0] < '0' || lit[0] > '9') || strings.ContainsAny(lit, " \t\r\n") {
		return "", "bad_number"
	}
	if exp := exponent(lit); exp > 5000 || exp < -5000 {
		return "", "huge" // not worth a big number; see sameVerdict
	}
	r, ok := new(big.Rat).SetString(lit)
	if !ok {
		return "", "bad_number"
	}
	switch t.Kind {
	case cep.KindNumber:
		f, _ := r.Float64()
		if math.IsInf(f, 0) {
			return "", "out_of_range"
		}
		return string(cep.AppendNumber(nil, f)), ""
	case cep.KindInt:
		if !r.IsInt() {
			if new(big.Int).Quo(r.Num(), r.Denom()).IsInt64() {
				return "", "bad_number"
			}
			return "", "out_of_range"
		}
		if !r.Num().IsInt64() {
			return "", "out_of_range"
		}
		return r.Num().String(), ""
	}
	if writtenDecimals(lit) > 6 {
		return "", "too_many_decimals"
	}
	r.Mul(r, big.NewRat(1_000_000, 1))
	if !r.Num().IsInt64() {
		return "", "out_of_range"
	}
	return `"` + string(cep.AppendMoney(nil, r.Num().Int64(), "USD")) + `"`, ""
}

func isUpper3(s string) bool {
	return len(s) == 3 && strings.ToUpper(s) == s && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

func exponent(lit string) int {
	i := strings.IndexAny(lit, "eE")
	if i < 0 {
		return 0
	}
	e := new(big.Int)
	e.SetString(strings.TrimPrefix(lit[i+1:], "+"), 10)
	if !e.IsInt64() || e.Int64() > 1e6 || e.Int64() < -1e6 {
		return 1e6 * e.Sign()
	}
	return int(e.Int64())
}

func writtenDecimals(lit string) int {
	mant := lit
	if i := strings.IndexAny(lit, "eE"); i >= 0 {
		mant = lit[:i]
	}
	frac := 0
	if i := strings.IndexByte(mant, '.'); i >= 0 {
		frac = len(mant) - i - 1
	}
	return max(0, frac-exponent(lit))
}

func oraclePoint(v any) (text, bad string) {
	var lat, lon any
	switch p := v.(type) {
	case map[string]any:
		lat, lon = p["lat"], p["lon"]
	case string:
		a, b, ok := strings.Cut(p, ",")
		if !ok {
			return "", "bad_point"
		}
		lat, lon = a, strings.TrimLeft(b, " ")
	default:
		return "", "wrong_type"
	}
	number := cep.Type{Kind: cep.KindNumber}
	x, bad1 := "", "bad_point"
	y, bad2 := "", "bad_point"
	if lat != nil && lon != nil {
		x, bad1 = oracleValue(lat, number)
		y, bad2 = oracleValue(lon, number)
	}
	if bad1+bad2 != "" {
		if bad1 == "huge" || bad2 == "huge" {
			return "", "huge"
		}
		return "", "bad_point"
	}
	fx, fy := json.Number(x), json.Number(y)
	a, _ := fx.Float64()
	b, _ := fy.Float64()
	if a < -90 || a > 90 || b < -180 || b > 180 {
		return "", "bad_point"
	}
	return `{"lat":` + x + `,"lon":` + y + `}`, ""
}

// literal returns the text of a string, number or bool.
func literal(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return fmt.Sprint(v), true
	}
	return "", false
}

func at(record map[string]any, path string) any {
	var v any = record
	for part := range strings.SplitSeq(path, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[part]
	}
	return v
}

func nesting(line []byte) int {
	dec := json.NewDecoder(bytes.NewReader(line))
	depth, most := 0, 0
	for {
		t, err := dec.Token()
		if err != nil {
			return most
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			depth++
			most = max(most, depth)
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
}

// checkJSON compares decoder and oracle on one line.
func checkJSON(t interface{ Fatalf(string, ...any) }, d *Decoder, line []byte) {
	line = bytes.ReplaceAll(line, []byte("\n"), []byte(" "))
	if len(bytes.Trim(line, " \t\r")) == 0 {
		return
	}
	var b cep.Batch
	var res Result
	d.Decode(line, &b, &res)
	got := "skipped"
	if len(b.Rows) > 0 {
		got = strings.Replace(strings.TrimSuffix(show(&b, &res), "\n"), "@0", "", 1)
	} else if len(res.Dead) > 0 {
		got = res.Dead[0].Reason.String()
	}
	want := oracleJSON(line, d.cfg.Schemas)
	if !sameVerdict(got, want, line) {
		t.Fatalf("%q\ngot  %s\nwant %s", line, got, want)
	}
}

// sameVerdict allows for a record with several faults, of which only the first
// met is told.
func sameVerdict(got, want string, line []byte) bool {
	switch {
	case got == want:
		return true
	case want == "bad_json":
		return got == "bad_utf8" || got == "too_deep" // met before the syntax error
	case want == "bad_utf8" || want == "too_deep":
		return got == "bad_utf8" || got == "too_deep"
	case want == "huge":
		return got == "out_of_range" || got == "bad_number" || got == "too_many_decimals" || got == "bad_point" ||
			exponentIsNegative(line)
	}
	return false
}

// exponentIsNegative: a number such as 1e-9999 is 0 and may be taken.
func exponentIsNegative(line []byte) bool {
	return bytes.Contains(line, []byte("e-")) || bytes.Contains(line, []byte("E-")) || bytes.Contains(line, []byte("0e")) || bytes.Contains(line, []byte("0E"))
}

var jsonSeeds = []string{
	`{"type":"A","s":"x","i":1,"o":{"p":{"i":5}}}`,
	`{"type":"B","n":1.5,"b":true,"l":["a",1],"o":{"lat":1,"lon":2},"m":12.30}`,
	`{"o":{"p":7},"i":"12","type":"A","type":"B","n":1e3}`,
	`{"type":"A","s":"\ud83d\ude00\ud800\u0000","x":[1,{"a":[]}],"i":9223372036854775808}`,
	`{"type":"B","n":"0.1","m":"12.30 USD","l":null,"o":"1, 2"}`,
	`{"type":"B","n":123456789012345678901234567890,"m":"1 EUR"}`,
	`{"type":"\u0041"} `, `{"type":1}`, `{}`, `{"type":"A",}`, `{"type":"A","s":"é` + "\xff" + `"}`,
	`{"type":"B","n":0e5,"m":-0.000001,"l":"x"}`, `{"type":"C"}`, `{"type":"A","o":{"p":{"i":1}},"o":{}}`,
}

func FuzzJSON(f *testing.F) {
	for _, s := range jsonSeeds {
		f.Add([]byte(s))
	}
	d, err := New(Config{Schemas: oracleSchemas()})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, line []byte) { checkJSON(t, d, line) })
}

// TestJSONAgainstOracle draws records that are mostly good, with odd keys,
// spacing, numbers and damage.
func TestJSONAgainstOracle(t *testing.T) {
	d, err := New(Config{Schemas: oracleSchemas()})
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		line := []byte(drawValue(t, 0, true))
		if rapid.IntRange(0, 9).Draw(t, "damage") == 0 && len(line) > 0 {
			i := rapid.IntRange(0, len(line)-1).Draw(t, "where")
			line[i] = rapid.Byte().Draw(t, "what")
		}
		checkJSON(t, d, line)
	})
}

func drawValue(t *rapid.T, depth int, object bool) string {
	blank := rapid.SampledFrom([]string{"", "", "", " ", "\t", "  \r"})
	choice := rapid.IntRange(0, 9).Draw(t, "kind")
	if object {
		choice = 9
	} else if depth > 3 {
		choice %= 7
	}
	switch choice {
	case 0:
		return rapid.SampledFrom([]string{"true", "false", "null"}).Draw(t, "word")
	case 1, 2:
		return rapid.StringMatching(`-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,9})?([eE][+-]?[0-9]{1,2})?`).Draw(t, "number")
	case 3:
		return rapid.SampledFrom([]string{"12", "-5", "1.25", "9223372036854775807", "0.0000001", "1e5"}).Draw(t, "number")
	case 4, 5:
		return `"` + rapid.SampledFrom([]string{"A", "B", "x", "", "1", "12.5", "1,2", "91,0", "5 USD", "5 EUR", "é", `\u0041`, `a\"b\\`, `\ud83d\ude00`, `\udc00`,
			"a string of some length to pass the word loop"}).Draw(t, "string") + `"`
	case 6:
		b, _ := json.Marshal(rapid.String().Draw(t, "any string"))
		return string(b)
	case 7, 8:
		parts := make([]string, rapid.IntRange(0, 3).Draw(t, "n"))
		for i := range parts {
			parts[i] = blank.Draw(t, "blank") + drawValue(t, depth+1, false) + blank.Draw(t, "blank")
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	keys := []string{"s", "i", "o", "n", "b", "l", "m", "p", "lat", "lon", "x", `\u006f`, "a long key that nobody reads at all"}
	var parts []string
	if object {
		parts = append(parts, `"type":"`+rapid.SampledFrom([]string{"A", "B", "B", "C"}).Draw(t, "type")+`"`, fmt.Sprintf(`"n":%d`, depth))
	}
	for range rapid.IntRange(0, 6).Draw(t, "n") {
		parts = append(parts, blank.Draw(t, "blank")+`"`+rapid.SampledFrom(keys).Draw(t, "key")+`"`+blank.Draw(t, "blank")+":"+
			blank.Draw(t, "blank")+drawValue(t, depth+1, false)+blank.Draw(t, "blank"))
	}
	if len(parts) > 1 {
		parts = rapid.Permutation(parts).Draw(t, "order")
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func FuzzCSV(f *testing.F) {
	for _, s := range []string{"a,b\n1,2\n", "\"a\nb\",\"c\"\"d\"\n", "\"open\nx,y\n", "a\"b,c\nd,e", ",\n\n\"\"\n", "\"a\"b,c\n\"d\",e\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) { checkCSV(t, text) })
}

// checkCSV compares our records with encoding/csv's, where it reads them all;
// we must then too, and the other way round.
func checkCSV(t interface{ Fatalf(string, ...any) }, text []byte) {
	text = bytes.ReplaceAll(text, []byte("\r"), nil) // inside quotes it rewrites them
	if bytes.Count(text, newline) > MaxLines {
		return // a quoted cell may hold more line ends than a record of ours
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.FieldsPerRecord = -1
	want, err := r.ReadAll()
	var got [][]string
	var ours error
	for i := 0; i < len(text); {
		end := csvNext(text, i, ',', 1<<20, true)
		if stop := trimEnd(text, i, end); stop > i {
			cells, err := Cells(nil, text[i:stop], ',')
			if err != nil {
				ours = err
			}
			got = append(got, cells)
		}
		i = end
	}
	if (err == nil) != (ours == nil) {
		t.Fatalf("%q\nours: %v\nencoding/csv: %v", text, ours, err)
	}
	if err == nil && fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Fatalf("%q\ngot  %q\nwant %q", text, got, want)
	}
}

func TestCSVAgainstOracle(t *testing.T) {
	piece := rapid.SampledFrom([]string{`"`, `""`, ",", "\n", "a", "b c", "é", `"x"`, `"y,z"`, "\"two\nlines\""})
	rapid.Check(t, func(t *rapid.T) {
		checkCSV(t, []byte(strings.Join(rapid.SliceOfN(piece, 0, 12).Draw(t, "pieces"), "")))
	})
}
