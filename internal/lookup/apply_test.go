package lookup

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/expr"
)

// pair is a program with the lists a and b and the table people, all outside,
// an inline list and a param.
func pair() *dsl.Program {
	prog := tableOf("rules.cep", "redis")
	for i, name := range []string{"a", "b", "own"} {
		p := listOf("rules.cep", intT, dsl.OpIn, "redis")
		l := p.Lists[0]
		l.Name, l.Index = name, i
		if name == "own" {
			l.From, l.Values = "", []cep.Value{cep.Int(7)}
		}
		prog.Lists, prog.Rules = append(prog.Lists, l), append(prog.Rules, p.Rules...)
	}
	prog.Params = []*dsl.ParamIR{{Name: "limit", Type: intT, Default: cep.Int(5)}}
	return prog
}

func text(name string, data string) Text {
	return Text{Name: name, Rules: "rules.cep", From: "redis", Origin: "redis h, key " + name, Format: "json", Data: []byte(data)}.Seal()
}

func people(data string) Text {
	t := text("people", data)
	t.Table = true
	return t
}

func byKey(texts ...Text) map[string]Text {
	m := map[string]Text{}
	for _, t := range texts {
		m[t.Key()] = t
	}
	return m
}

func TestApply(t *testing.T) {
	prog := pair()
	l, err := Apply(prog, nil, byKey(text("a", "[1,2]"), people(`[{"name":"ann","level":"high","limits":{"daily":1}}]`)))
	if err != nil {
		t.Fatal(err)
	}
	if l.Version != 1 || !l.Lists[0].HasWord(2) || l.Lists[1].Len() != 0 || !l.Lists[2].HasWord(7) || l.Params[0].Value.Word != 5 || l.Tables[0].Rows() != 1 {
		t.Errorf("%+v", l)
	}
	before := *l
	next, err := Apply(prog, l, byKey(text("b", "[3]")))
	if err != nil {
		t.Fatal(err)
	}
	if next.Version != 2 || !next.Lists[1].HasWord(3) || next.Lists[0] != l.Lists[0] || next.Lists[2] != l.Lists[2] || next.Tables[0] != l.Tables[0] || next.Params[0] != l.Params[0] {
		t.Errorf("%+v after %+v", next, l)
	}
	if l.Version != before.Version || l.Lists[1].Len() != 0 {
		t.Error("the base has changed")
	}
	// What the program does not have, or has itself, is passed over.
	same, err := Apply(prog, next, byKey(text("gone", "what"), text("own", "[1]")))
	if err != nil || same.Version != 3 || !same.Lists[2].HasWord(7) || same.Lists[2].HasWord(1) {
		t.Errorf("%+v, %v", same, err)
	}
}

func TestApplyIsWhole(t *testing.T) {
	prog := pair()
	base, err := Own(prog, 4)
	if err != nil {
		t.Fatal(err)
	}
	l, err := Apply(prog, base, byKey(text("b", `["x",1,"y"]`), text("a", "[1]"), people(`[{"name":"ann","level":"huge","limits":{"daily":1}}]`)))
	want := `redis h, key b: "x" is not int` + "\n" + `redis h, key b: "y" is not int` + "\n" + `redis h, key people: name "ann": level: "huge" is no Risk: low, high`
	if l != nil || err == nil || err.Error() != want {
		t.Errorf("%v, %v\nwant %s", l, err, want)
	}
	if base.Version != 4 || base.Lists[0].Len() != 0 {
		t.Error("the base has changed")
	}
	other := pair()
	other.Lists = other.Lists[:2]
	if _, err := Apply(other, base, nil); err == nil || !strings.Contains(err.Error(), "another program") {
		t.Error(err)
	}
}

// Names are a rule file's own: two files may each have a list of one name.
func TestNamesOfTwoFiles(t *testing.T) {
	prog := pair()
	prog.Lists[1].Name, prog.Lists[1].File = "a", "other.cep"
	other := text("a", "[2]")
	other.Rules = "other.cep"
	l, err := Apply(prog, nil, byKey(text("a", "[1]"), other))
	if err != nil || !l.Lists[0].HasWord(1) || !l.Lists[1].HasWord(2) || l.Lists[0].Len() != 1 || l.Lists[1].Len() != 1 {
		t.Errorf("%+v, %v", l, err)
	}
}

// The same text is the same value, which is parsed once.
func TestParserRemembers(t *testing.T) {
	p := NewParser(pair())
	v, err := p.Parse(text("a", "[1]"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := p.Apply(nil, byKey(text("a", "[1]"), text("b", "[1]")))
	if err != nil || l.Lists[0] != v.List || l.Lists[1] == v.List {
		t.Errorf("%v, %v", l, err)
	}
	if w, err := p.Parse(text("a", "[2]")); err != nil || w.List.HasWord(1) {
		t.Errorf("another text gives the value remembered: %v", err)
	}
	if _, err := p.Parse(text("a", "[")); err == nil {
		t.Error("no error")
	}
	if w, err := p.Parse(text("a", "[2]")); err != nil || !w.List.HasWord(2) {
		t.Errorf("after a text that was refused: %v", err)
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 100 {
				v, err := p.Parse(text("a", fmt.Sprintf("[%d]", n+i)))
				if err != nil || !v.List.HasWord(cep.Word(n+i)) {
					t.Errorf("%d: %v", n+i, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestParseErrors(t *testing.T) {
	prog := pair()
	unknown := text("c", "[1]")
	if _, err := Parse(prog, unknown); err == nil || err.Error() != "rules.cep declares no list c" {
		t.Error(err)
	}
	unknown.Table = true
	if _, err := Parse(prog, unknown); err == nil || err.Error() != "rules.cep declares no table c" {
		t.Error(err)
	}
	odd := text("a", "[1]")
	odd.Format = "xml"
	if _, err := Parse(prog, odd); err == nil || err.Error() != `redis h, key a: a list is text, CSV or JSON, not "xml"` {
		t.Error(err)
	}
	bytes := text("a", "[1,\n\"ü\",\n\"\xff\"]")
	bytes.From, bytes.Origin = "http", "https://h/a"
	if _, err := Parse(prog, bytes); err == nil || err.Error() != "https://h/a:3: the text is not UTF-8" {
		t.Error(err)
	}
}

// A text is in the journal as JSON.
func TestTextAsJSON(t *testing.T) {
	want := people("\xff\x00\n")
	want.Format, want.Delimiter, want.At = "csv", '¦', 1_770_000_000_123_456_789
	want = want.Seal()
	b, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Text
	if err := json.Unmarshal(b, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	other := want
	other.Delimiter = ';'
	if other.Seal().Hash == want.Hash {
		t.Error("another delimiter, but the same hash")
	}
	if want.Seal().Hash != want.Hash {
		t.Error("sealing twice changes the hash")
	}
}

// Load and Apply give the same values.
func TestLoadAndApplyAgree(t *testing.T) {
	files := map[string]string{"names.txt": "10.0.0.0/8\n192.0.2.1\n", "people.csv": "name;level;limits.daily\nann;high;3\n"}
	file := write(t, files)
	p := listOf(file, stringT, dsl.OpInNet, "file", opt("path", "names.txt"))
	q := tableOf(file, "file", opt("path", "people.csv"), opt("delimiter", ";"))
	p.Tables, p.Rules = q.Tables, append(p.Rules, q.Rules...)
	want, _ := load(t, p)
	parser := NewParser(p)
	r, err := NewRefresher(RefresherConfig{Parser: parser, Kinds: map[string]FetcherOpener{"file": Files}})
	if err != nil {
		t.Fatal(err)
	}
	texts, warnings, err := r.Load(t.Context())
	if err != nil || len(warnings) != 0 {
		t.Fatal(warnings, err)
	}
	for _, apply := range []func() (*expr.Lookups, error){
		func() (*expr.Lookups, error) { return parser.Apply(nil, texts) },
		func() (*expr.Lookups, error) { return Apply(p, nil, texts) },
	} {
		got, err := apply()
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got.Lists[0].Values(), want.Lists[0].Values()) || rowText(t, p, got, "ann") != rowText(t, p, want, "ann") || got.Tables[0].Rows() != 1 {
			t.Errorf("%v, want %v", got.Lists[0].Values(), want.Lists[0].Values())
		}
		ip, err := cep.ParseIP("10.1.1.1")
		if err != nil || !got.Lists[0].HasIP(ip) {
			t.Error("networks are not looked up as such", err)
		}
	}
}
