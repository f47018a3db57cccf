package dsl

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/weir-cep/weir/cep"
)

const irEvents = `
enum Decision { approved, declined }
event Auth { id auth_id  time at late 5s  auth_id: string  at: timestamp  card_id: string  merchant: string  amount: money(USD)  decision: Decision  country: string?  risk: int }
event Login { time at  at: timestamp  user: string  card: string  ok: bool }
param limit: number = 3
list risky of string = ["KP"]
feature spend on Auth where decision == approved by card_id {
  avg_30d = avg(amount) over previous 30d
  n_30d = count() over previous 30d
}
predicate small on Auth = amount < 5.00 USD and risk > limit
`

// compileRule compiles one rule over irEvents.
func compileRule(t *testing.T, text string) *RuleIR {
	t.Helper()
	p := compileFiles(t, map[string]string{"r.cep": irEvents + text}, "r.cep")
	if len(p.Rules) != 1 {
		t.Fatalf("%d rules", len(p.Rules))
	}
	return p.Rules[0]
}

func compileFiles(t *testing.T, files map[string]string, names ...string) *Program {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	p, ds, err := Load(fsys, names...)
	if err != nil {
		t.Fatal(err)
	}
	if ds.HasErrors() {
		t.Fatal(ds.Text())
	}
	return p
}

func names(b *Binding) string {
	return strings.Join(ownNames(b.Schema, b.Captures), " ")
}

// What a run keeps of its events is what anything later reads of them, and the
// id of one that may be its first.
func TestCaptures(t *testing.T) {
	r := compileRule(t, `rule r {
		by card_id
		pattern {
			a: optional Auth where amount > 1.00 USD
			then b: at least 2 Auth where b is missing or risk >= b.last.risk
			then c: Auth where country in b.country
			then d: Auth
		} within 1h where c.at < d.at
		cancel on Login by card where a.merchant == user
		suppress for 1h unless sum(b.amount) > 9.00 USD
		alert { severity low  message "{d.decision}"  labels { x: "{a.count}" } }
	}`)
	for i, want := range []string{"auth_id merchant", "auth_id amount country risk", "at", "at decision"} {
		if got := names(&r.Bindings[i]); got != want {
			t.Errorf("step %d keeps %q, want %q", i, got, want)
		}
	}
	each := compileRule(t, `rule r { by card_id pattern { a: Auth then b: Auth then c: Auth } within 1h match each alert { severity low } }`)
	for i := range each.Bindings {
		if got := names(&each.Bindings[i]); got != "auth_id" {
			t.Errorf("each: step %d keeps %q", i, got)
		}
	}
	on := compileRule(t, `rule r { by card_id on x: Auth where risk > 1 when amount > 1.00 USD for 5m alert { severity low message "{merchant} {x.country}" } }`)
	if got := names(&on.Bindings[0]); got != "auth_id merchant country" {
		t.Errorf("for: keeps %q", got)
	}
}

// Lets, predicates and consts are written out; what is equal is one state.
func TestWrittenOut(t *testing.T) {
	r := compileRule(t, `const C = 2
	rule r {
		by card_id
		let n = count() over last 1h
		on Auth where small and risk > C * 3
		when n > 3 and count() over last 1h < 50 and sum(amount) over last 1h > 1.00 USD
		alert { severity low  message "{n} {count() per (card_id) over last 1h}" }
	}`)
	if got, want := r.When.Where.String(), "amount < 5.00 USD and risk > limit and risk > 6"; got != want {
		t.Errorf("where %s, want %s", got, want)
	}
	if len(r.Aggs) != 2 {
		t.Errorf("%d aggregates, want 2", len(r.Aggs))
	}
	conv := r.When.Where.Args[1]
	if conv.Op != OpGt || conv.Args[0].Op != OpToNumber || conv.Args[1].Op != OpParam {
		t.Errorf("risk > limit is %v of %v and %v", conv.Op, conv.Args[0].Op, conv.Args[1].Op)
	}
}

// A feature is read for the event's own field of the key's name, failing that
// for the rule's key; where that is the rule's key itself the read says so.
func TestFeatureKeys(t *testing.T) {
	for _, tt := range []struct {
		rule, keys string
		own        bool
	}{
		{`by card_id on Auth when spend.n_30d > 1`, "card_id", true},
		{`by merchant on Auth when spend.n_30d > 1`, "card_id", false},
		{`by merchant on Auth when spend[merchant].n_30d > 1`, "merchant", true},
		{`by (card_id, merchant) on Auth when spend.n_30d > 1`, "card_id", false},
		{`by card_id pattern { a: Login by card then b: Login by card where spend.n_30d > 1 } within 1h`, "card_id", true},
		{`by user pattern { a: Login then b: Login where spend[a.card].n_30d > 1 } within 1h`, "a.card", false},
		{`by card_id pattern { a: Auth then b: Auth } within 1h where spend.n_30d > 1`, "card_id", true},
	} {
		r := compileRule(t, "rule r { "+tt.rule+" alert { severity low } }")
		if len(r.Reads) != 1 || r.Reads[0].Keys[0].String() != tt.keys || r.Reads[0].OwnKey != tt.own {
			t.Errorf("%s: %d reads, key %s, own %v", tt.rule, len(r.Reads), r.Reads[0].Keys[0], r.Reads[0].OwnKey)
		}
	}
}

func TestDeadlines(t *testing.T) {
	for _, tt := range []struct {
		rule string
		want bool
	}{
		{`pattern { a: Auth then b: Auth } within 1h`, false},
		{`pattern { a: Auth then no Auth within 5m }`, true},
		{`pattern { a: Auth then no Auth then b: Auth } within 1h`, false},
		{`pattern { a: Auth then immediately no Auth } within 1h`, true},
		{`pattern { a: Auth then immediately no Auth } match each`, false},
		{`pattern { a: exactly 2 Auth then b: Auth } within 1h`, false},
		{`pattern { a: exactly 2 Auth } within 1h`, true},
		{`pattern { a: Auth then b: some Auth } within 1h emit at end`, true},
		{`pattern { a: Auth then b: Auth } within 1h on timeout alert { severity low }`, true},
		{`pattern { a: Auth then ( b: Auth then no Auth ) } within 1h`, true},
		{`on Auth when risk > 1`, false},
		{`on Auth when risk > 1 for 5m`, true},
	} {
		if r := compileRule(t, "rule r { by card_id "+tt.rule+" alert { severity low } }"); r.Deadline != tt.want {
			t.Errorf("%s: deadline %v", tt.rule, r.Deadline)
		}
	}
}

// A rule runs in arrival order if all sources of its types say so and it has
// no deadline; an alert event has the order of the rules that raise it.
func TestOrders(t *testing.T) {
	const sources = `
source a of Auth from http { order: arrival }
source b of Auth from file { path: "x", order: arrival }
source l of Login from http {}
`
	const rules = `
rule plain { by card_id on Auth when risk > 1 alert as Plain { severity low } }
rule held { by card_id on Auth when risk > 1 for 5m alert as Held { severity low } }
rule logins { by user on Login when ok alert { severity low } }
rule both { by card_id pattern { a: Auth then b: Login by card } within 1h alert { severity low } }
rule of_plain { by card_id on Plain when severity == low alert { severity low } }
rule of_held { by card_id on Held when severity == low alert as Top { severity low } }
rule of_top { by card_id on Top when severity == low alert { severity low } }
rule outcomes { by key on Outcome when label == "fraud" alert as Confirmed { severity low  alert_key = alert_id } }
`
	rules2 := strings.Replace(rules, "by key on Outcome", "by alert_id on Outcome", 1)
	rules2 = strings.Replace(rules2, " as Confirmed { severity low  alert_key = alert_id }", " { severity low }", 1)
	p := compileFiles(t, map[string]string{"r.cep": irEvents + sources + rules2}, "r.cep")
	var got []string
	for _, r := range p.Rules {
		got = append(got, fmt.Sprintf("%s %d %v", r.Name, r.Level, r.Arrival))
	}
	want := []string{"both 0 false", "held 0 false", "logins 0 false", "outcomes 0 false", "plain 0 true", "of_held 1 false", "of_plain 1 true", "of_top 2 false"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if len(p.Sources) != 3 {
		t.Errorf("%d sources", len(p.Sources))
	}
}

// The version follows the meaning, not the text.
func TestVersion(t *testing.T) {
	const rule = `rule r "title" { by card_id on Auth where small when count() over last 1h > 3 and spend.n_30d > 2 suppress for 1h alert { severity low } }`
	version := func(text string) string {
		return compileFiles(t, map[string]string{"r.cep": text}, "r.cep").Rules[0].Version
	}
	base := version(irEvents + rule)
	for _, same := range [][2]string{
		{"rule r", "# a comment\nrule r"},
		{"count() over last 1h > 3", "(count() over last 60m > 3)"},
		{"where small", "where amount < 5.00 USD and risk > limit"},
		{"param limit: number = 3", "param limit: number = 3.0 \"doc\""},
		{"predicate small on Auth = amount < 5.00 USD", "const FIVE = 5.00 USD predicate small on Auth = amount < FIVE"},
	} {
		if got := version(strings.Replace(irEvents+rule, same[0], same[1], 1)); got != base {
			t.Errorf("%q changes the version", same[1])
		}
	}
	for _, other := range [][2]string{
		{"> 3 and", "> 4 and"},
		{"param limit: number = 3", "param limit: number = 4"},
		{"amount < 5.00 USD", "amount < 6.00 USD"},
		{"over previous 30d\n}", "over previous 31d\n}"},
		{"late 5s", "late 6s"},
		{"severity low", "severity high"},
		{`"title"`, `"another title"`},
		{"suppress for 1h", "suppress for 2h"},
	} {
		text := strings.Replace(irEvents+rule, other[0], other[1], 1)
		if text == irEvents+rule {
			t.Fatalf("%q is not there", other[0])
		}
		if got := version(text); got == base {
			t.Errorf("%q does not change the version", other[1])
		}
	}
}

// An import gives the names that a file declares, not those it imports; rules
// run from named files only, and a file is read once.
func TestImports(t *testing.T) {
	files := map[string]string{
		"lib/base.cep":   irEvents + "defaults Login { user: \"u\", card: \"c\", ok: true }\n",
		"lib/middle.cep": "import \"base.cep\"\nparam top: int = 5\nrule middle { by card_id on Auth when risk > top alert as Middle { severity low  m = merchant } }\n",
		"main.cep": `import "lib/base.cep"
import "lib/middle.cep" as mid
rule main { by card_id on Auth when risk > mid.top alert { severity low } }
rule of_middle { by card_id on mid.Middle when m == "x" alert { severity low } }
test "t" for of_middle { given at 0s Login {} expect no alerts }
`,
	}
	p := compileFiles(t, files, "main.cep")
	if len(p.Rules) != 2 || p.Rules[0].Name != "main" || p.Rules[1].Name != "of_middle" {
		t.Errorf("rules %v", p.Rules)
	}
	if len(p.Tests) != 1 || len(p.Tests[0].Rules) != 2 || p.Tests[0].Rules[0].Name != "middle" {
		t.Errorf("tests %+v", p.Tests)
	}
	if len(p.Params) != 1 || p.Params[0].Name != "top" || p.Params[0].Index != 0 {
		t.Errorf("params %v", p.Params)
	}
	p = compileFiles(t, files, "lib/middle.cep", "main.cep", "lib/base.cep")
	if len(p.Rules) != 3 {
		t.Errorf("%d rules", len(p.Rules))
	}
	for text, code := range map[string]string{
		"import \"lib/middle.cep\"\nrule r { by card_id on Auth when true alert { severity low } }":                               "E122",
		"import \"lib/middle.cep\"\nrule r { by card_id on Middle when limit > 3 alert { severity low } }":                        "E102",
		"import \"lib/middle.cep\" as m\nrule r { by card_id on Middle when severity == low alert { severity low } }":             "E122",
		"import \"lib/a.cep\"\nimport \"lib/base.cep\"\nrule r { by user on Login when ok alert { severity low } }":               "E127",
		"import \"../out.cep\"\nimport \"lib/base.cep\"\nrule r { by user on Login when ok alert { severity low } }":              "E122",
		"import \"lib/base.cep\"\nimport \"main2.cep\"\nrule r { by user on Login when ok alert { severity low } }":               "E127",
		"import \"lib/base.cep\"\nrule r { by user on Login when ok alert { severity low } }\nevent Auth { time t t: timestamp }": "E121",
	} {
		fsys := fstest.MapFS{"x.cep": {Data: []byte(text)}, "lib/a.cep": {Data: []byte(`import "b.cep"`)}, "lib/b.cep": {Data: []byte(`import "a.cep"`)}, "main2.cep": {Data: []byte(`import "x.cep"`)}}
		for name, text := range files {
			fsys[name] = &fstest.MapFile{Data: []byte(text)}
		}
		_, ds, err := Load(fsys, "x.cep")
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(ds, func(d Diagnostic) bool { return d.Code == code }) {
			t.Errorf("%s\nwant %s, got %s", text, code, ds.Text())
		}
	}
}

// A test's events have every field: given, defaulted, fresh or missing.
func TestTestEvents(t *testing.T) {
	p := compileFiles(t, map[string]string{"r.cep": irEvents + `
rule r { by card_id on Auth when risk > 1 alert { severity low } }
defaults Auth { auth_id: auto, card_id: "c1", merchant: "m", amount: 1.00 USD, decision: approved, risk: 0 }
test "t" for r {
  with limit = 5
  with spend["c9"].avg_30d = 7.00 USD
  given
    at 2 x 10s every 5s Auth { risk: 7 }
    at 30s arriving 1m Auth { card_id: "c2", country: "US" }
    wait 1h
  expect 1 alert { card_id: "c1", severity: low } at 10s
}`}, "r.cep")
	tt := p.Tests[0]
	if len(tt.Events) != 4 || tt.End != 3_630_000_000_000 {
		t.Fatalf("%d events, end %d", len(tt.Events), tt.End)
	}
	var ids []string
	for _, e := range tt.Events[:3] {
		ids = append(ids, e.Values[0].Text)
		if got := int64(e.Values[1].Word) - TestStart; got != e.At {
			t.Errorf("time field %d at %d", got, e.At)
		}
	}
	if len(slices.Compact(slices.Sorted(slices.Values(ids)))) != 3 {
		t.Errorf("ids %v", ids)
	}
	last := tt.Events[2]
	if !last.Arrives || last.Arrive != 60_000_000_000 || last.Values[2].Text != "c2" || last.Values[6].Text != "US" || !tt.Events[0].Values[6].Missing {
		t.Errorf("third event %+v", last)
	}
	if w := tt.With; w[0].Param == nil || cep.Number(w[0].Value.Word) != 5 || w[1].Feature.Name != "spend" || w[1].Key[0].Text != "c9" {
		t.Errorf("with %+v", w)
	}
	if tt.Events[3].Schema != nil || tt.Events[3].At != tt.End {
		t.Errorf("wait %+v", tt.Events[3])
	}
}
