package engine

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/expr"
)

const caseHead = `
enum Kind { one, two }
event A { id id  time at  id: string  at: timestamp(unix_s)  u: string  k: Kind?  v: string?  n: int }
event B { id id  time at  id: string  at: timestamp(unix_s)  u: string  n: int }
`

// a is an event of type A at a second, of key x.
func a(at int, more string) string {
	return fmt.Sprintf(`{"type":"A","id":"a%d","at":%d,"u":"x",%s}`, at, at, more)
}

// run feeds events, deploys a second program behind so many of them, and
// returns what became of the rules and all alerts.
func deployBehind(t *testing.T, before, after string, d Deployment, n int, events []string) (map[string]CarriedHow, []string) {
	t.Helper()
	c := newPipeline(t, compile(t, before), Config{}, []string{strings.Join(events, "\n")})
	c.feed(0, n)
	how := c.deploy(compile(t, after), d)
	c.feed(0, len(events))
	return how, c.end()
}

// ruleOf makes a rule named r of its title, if any, and its clauses.
func ruleOf(text string) string {
	title, clauses := "", text
	if strings.HasPrefix(text, `"`) {
		i := strings.Index(text[1:], `"`) + 2
		title, clauses = text[:i], text[i:]
	}
	return caseHead + "rule r " + title + " {" + clauses + "}"
}

func messages(alerts []string) (list []string) {
	for _, text := range alerts {
		_, rest, _ := strings.Cut(text, `"message":"`)
		message, _, _ := strings.Cut(rest, `"`)
		list = append(list, message)
	}
	return list
}

func id(alert string) string {
	_, rest, _ := strings.Cut(alert, `"alert_id":"`)
	return rest[:32]
}

// What becomes of a rule that has changed, by how it has changed. The one
// alert that comes needs the events from before the deployment.
func TestChangedRules(t *testing.T) {
	events := []string{a(1, `"n":1,"v":"p"`), a(2, `"n":1,"v":"q"`), a(3, `"n":1,"v":"p"`), a(4, `"n":3,"v":"p"`), a(5, `"n":0`)}
	for _, c := range []struct {
		name, before, after string
		how                 CarriedHow
	}{
		{"threshold", `by u on A when newly count() over last 1m >= 4 alert { message "{n}" }`,
			`by u on A when newly count() over last 1m >= 3 + 1 and n > 2 alert { message "now {n}" }`, CarriedKept},
		{"window", `by u on A when newly count() over last 1m >= 4 alert { message "{n}" }`,
			`by u on A when newly count() over last 2m >= 4 alert { message "{n}" }`, CarriedReset},
		{"selected events", `by u on A where n > 0 when newly count() over last 1m >= 4 alert { message "{n}" }`,
			`by u on A where n >= 1 when newly count() over last 1m >= 4 alert { message "{n}" }`, CarriedReset},
		{"one more aggregate", `by u on A when newly count() over last 1m >= 4 alert { message "{n}" }`,
			`by u on A when newly count() over last 1m >= 4 alert { message "{sum(n) over last 1m}" }`, CarriedReset},
		{"step", `by u pattern { a: at least 3 A where n == 1  then b: A where n > 1 } within 1m alert { message "{a.count} {b.n}" }`,
			`by u pattern { a: at least 3 A where n == 1  then b: A where n > 2 } within 1m alert { message "now {a.count} {b.n}" }`, CarriedKept},
		{"span", `by u pattern { a: at least 3 A where n == 1  then b: A where n > 1 } within 1m alert { message "{a.count} {b.n}" }`,
			`by u pattern { a: at least 3 A where n == 1  then b: A where n > 1 } within 2m alert { message "{a.count} {b.n}" }`, CarriedReset},
		{"how many", `by u pattern { a: at least 3 A where n == 1  then b: A where n > 1 } within 1m alert { message "{a.count} {b.n}" }`,
			`by u pattern { a: at least 2 A where n == 1  then b: A where n > 1 } within 1m alert { message "{a.count} {b.n}" }`, CarriedReset},
		{"what an alert says of a bound event", `by u pattern { a: at least 3 A where n == 1  then b: A where n > 1 } within 1m alert { message "{a.count} {b.n}" }`,
			`by u pattern { a: at least 3 A where n == 1  then b: A where n > 1 } within 1m alert { message "{a.last.v} {b.n}" }`, CarriedReset},
		{"key", `by u on A when newly count() over last 1m >= 4 alert { message "{n}" }`,
			`global on A when newly count() over last 1m >= 4 alert { message "{n}" }`, CarriedReset},
		{"policy", `by u match each limit 5 pattern { a: at least 3 A where n == 1  then b: A where n > 1 } within 1m alert { message "{b.n}" }`,
			`by u match latest pattern { a: at least 3 A where n == 1  then b: A where n > 1 } within 1m alert { message "{b.n}" }`, CarriedReset},
		{"suppression", `by u on A where n > 0 when newly count() over last 1m >= 4 alert { message "{n}" }`,
			`by u on A where n > 0 when newly count() over last 1m >= 4 suppress for 1m alert { message "{n}" }`, CarriedReset},
		{"title", `"One" by u on A when newly count() over last 1m >= 4 alert { message "{n}" }`,
			`"Another" by u on A when newly count() over last 1m >= 4 alert { message "{n}" }`, CarriedKept},
		{"nothing", `by u on A when newly count() over last 1m >= 4 alert { message "{n}" }`,
			`by u on A when newly count() over last 1m >= 4 alert { message "{n}" }`, CarriedUnchanged},
		{"words of a text", `by u on A when newly count() over last 1m >= 4 alert { message "{n}" }`,
			"by u\n # not a word of it counts\n on A when (newly count() over last 1m >= 4) alert { message \"{n}\" }", CarriedUnchanged},
	} {
		t.Run(c.name, func(t *testing.T) {
			before, after := ruleOf(c.before), ruleOf(c.after)
			if c.name == "words of a text" {
				after = strings.Replace(after, "(newly count() over last 1m >= 4)", "newly (count() over last 1m >= 4)", 1)
			}
			_, whole := deployBehind(t, after, after, Deployment{}, 0, events)
			how, got := deployBehind(t, before, after, Deployment{}, 3, events)
			if how["r"] != c.how {
				t.Errorf("the rule is %s, want %s", how["r"], c.how)
			}
			if len(whole) != 1 {
				t.Fatalf("%d alerts without a deployment", len(whole))
			}
			if c.how != CarriedReset && !slices.Equal(got, whole) {
				t.Errorf("got\n%s\nwant\n%s", got, whole)
			}
			if c.how == CarriedReset && len(got) != 0 {
				t.Errorf("a rule that begins anew knows the events before: %s", got)
			}
			how, got = deployBehind(t, before, after, Deployment{Carry: Reset}, 3, events)
			if c.how == CarriedUnchanged && !slices.Equal(got, whole) || c.how != CarriedUnchanged && (how["r"] != CarriedReset || len(got) > 0) {
				t.Errorf("where rules that change are to be reset: %s, %s", how["r"], got)
			}
			how, got = deployBehind(t, before, after, Deployment{Reset: []string{"r"}}, 3, events)
			if how["r"] != CarriedReset || len(got) > 0 {
				t.Errorf("where it is to be reset: %s, %s", how["r"], got)
			}
		})
	}
}

// Suppression goes on where a rule without windows selects other events.
func TestSuppressionIsKept(t *testing.T) {
	before := ruleOf(`by u on A where n == 1 when true suppress for 1m alert { message "{n}" }`)
	after := ruleOf(`by u on A where n == 1 or n == 2 when true suppress for 1m alert { message "{n}" }`)
	events := []string{a(1, `"n":1`), a(2, `"n":1`), a(3, `"n":2`), a(62, `"n":2`), a(63, `"n":2`)}
	for carry, want := range map[Carry]string{Keep: "1,2", Reset: "1,1,2"} {
		how, got := deployBehind(t, before, after, Deployment{Carry: carry}, 2, events)
		if text := strings.Join(messages(got), ","); text != want {
			t.Errorf("%s: the rule is %s, alerts %s, want %s", carry, how["r"], text, want)
		}
	}
}

// Alerts behind a reset have other ids than those of the same events before.
func TestLineage(t *testing.T) {
	rules := caseHead + `rule r { by u on A when n > 0 alert { message "{n}" } }`
	var ids []string
	for resets := range 4 {
		c := newPipeline(t, compile(t, rules), Config{}, []string{a(1, `"n":1`) + "\n" + a(2, `"n":0`)})
		for i := range resets {
			switch i {
			case 0, 1:
				c.deploy(c.prog, Deployment{Reset: []string{"r"}})
			default: // it goes and comes back
				c.deploy(compile(t, strings.Replace(rules, "rule r", "rule q", 1)), Deployment{})
				c.deploy(compile(t, rules), Deployment{})
			}
		}
		c.feed(0, 5)
		ids = append(ids, id(c.end()[0]))
	}
	slices.Sort(ids)
	if len(slices.Compact(ids)) != 4 {
		t.Errorf("ids of the alert behind 0 to 3 resets: %s", ids)
	}
}

// A rule keeps its state when it goes into the shadow and comes back; when it
// is turned off it loses it.
func TestStatus(t *testing.T) {
	rules := func(status string) string {
		return caseHead + `
rule other { by u on A when newly count() over last 1m >= 2 alert { message "other {count() over last 1m}" } }
rule r { status ` + status + ` by u on A when newly count() over last 1m >= 4 alert { message "{count() over last 1m}" } }
rule p { status ` + status + ` by u pattern { a: at least 3 A  then B } alert { message "p {a.count}" } }`
	}
	events := []string{a(1, `"n":1`), a(2, `"n":1`), a(3, `"n":1`), a(4, `"n":1`), `{"type":"B","id":"b","at":5,"u":"x","n":1}`}
	for _, c := range []struct {
		status []string
		want   string
		shadow int
	}{
		{[]string{"live", "live", "live"}, "other 2,4,p 4", 0},
		{[]string{"live", "shadow", "shadow"}, "other 2,4,p 4", 2},
		{[]string{"shadow", "live", "shadow"}, "other 2,4,p 4", 2},
		{[]string{"shadow", "shadow", "live"}, "other 2,4,p 4", 0},
		{[]string{"live", "off", "live"}, "other 2", 0},
	} {
		p := newPipeline(t, compile(t, rules(c.status[0])), Config{}, []string{strings.Join(events, "\n")})
		p.feed(0, 2)
		p.deploy(compile(t, rules(c.status[1])), Deployment{})
		p.feed(0, 1)
		p.deploy(compile(t, rules(c.status[2])), Deployment{})
		p.feed(0, 2)
		out := p.end()
		if got := strings.Join(messages(out), ","); got != c.want {
			t.Errorf("%v: alerts %s, want %s", c.status, got, c.want)
		}
		if n := strings.Count(strings.Join(out, ""), `"status":"shadow"`); n != c.shadow {
			t.Errorf("%v: %d shadow alerts, want %d", c.status, n, c.shadow)
		}
	}
}

// Lists that change hold for every row that is not released yet, whether
// somebody had wanted it before or not; windows keep what has entered them.
func TestSetLookups(t *testing.T) {
	rules := strings.Replace(caseHead, "time at", "time at late 3s", 1) + `
list names of string = ["p"]
rule each { by u on A where v in names when true alert { message "{v}{n}" } }
rule many { by u on A where v in names when newly count() over last 1m >= 3 alert { message "three by {v}{n}" } }
rule low { by u on A when lower(v else "") in names alert { message "low {v}{n}" } }`
	var events []string
	for i := range 12 {
		events = append(events, a(10+i, fmt.Sprintf(`"v":"%s","n":%d`, []string{"p", "q"}[i%2], i)))
	}
	set := func(prog *dsl.Program, words ...string) *expr.Lookups {
		l, err := ProgramLookups(prog)
		if err != nil {
			t.Fatal(err)
		}
		var values []cep.Value
		for _, w := range words {
			values = append(values, cep.Str(w))
		}
		if l.Lists[0], err = NewList(prog, prog.Lists[0], values); err != nil {
			t.Fatal(err)
		}
		return l
	}
	for _, shards := range []int{1, 3} {
		c := newPipeline(t, compile(t, rules), Config{Shards: shards}, []string{strings.Join(events, "\n")})
		c.feed(0, 6) // 10 … 15: the watermark is at 12, 10 and 11 are released
		c.e.SetLookups(set(c.prog, "q"))
		c.feed(0, 2) // 16, 17: 14, 12 and 13 are released
		c.restore()
		c.e.SetLookups(set(c.prog, "p", "q"))
		c.feed(0, 1)
		l := set(c.prog)
		c.deploy(compile(t, rules), Deployment{Lookups: l})
		c.feed(0, 12)
		got := strings.Join(messages(c.end()), ",")
		// p: 10; q: 13; both: 14; none: from 15 on.
		if want := "p0,low p0,q3,low q3,p4,low p4,three by p4"; got != want {
			t.Errorf("%d shards: %s, want %s", shards, got, want)
		}
	}
}

// Rules that share windows of alerts part when one of them goes into the
// shadow, where it sees what shadow rules raise; what had been shared both keep.
func TestPoolsPart(t *testing.T) {
	rules := func(status string) string {
		return caseHead + `
rule up { by u on A where n == 1 when true alert as X { message "" v = v } }
rule hidden { status shadow by u on A where n == 2 when true alert as X { message "" v = v } }
rule p1 { by u on X when count() over last 1m >= 1 and count() per (u, v) over last 1m >= 1 alert { message "p1 {count() over last 1m} {count() per (u, v) over last 1m}" } }
rule p2 { status ` + status + ` by u on X when count() over last 1m >= 1 and count() per (u, v) over last 1m >= 1 alert { message "p2 {count() over last 1m} {count() per (u, v) over last 1m}" } }`
	}
	var events []string
	for i := range 8 {
		events = append(events, a(10+i, fmt.Sprintf(`"n":%d,"v":"%s"`, 1+i%2, []string{"p", "p", "q"}[i%3])))
	}
	for _, shards := range []int{1, 3} {
		c := newPipeline(t, compile(t, rules("live")), Config{Shards: shards}, []string{strings.Join(events, "\n")})
		c.feed(0, 4) // 10, 11 and 12 are released
		if n := len(c.e.plan.worlds[1].pools); n != 2 {
			t.Fatalf("%d pools, want 2", n)
		}
		c.deploy(compile(t, rules("shadow")), Deployment{})
		if n := len(c.e.plan.worlds[1].pools); n != 4 {
			t.Fatalf("%d pools, want 4", n)
		}
		c.restore()
		c.feed(0, 4)
		want := map[string]string{
			// live: 10 p, 12 q, 14 p, 16 p
			"p1": "1 1,2 1,3 2,4 3",
			// and from 13 on those of the shadow: 13 p, 15 q, 17 p
			"p2": "1 1,2 1,3 2,4 3,5 2,6 4,7 5",
		}
		got := map[string]string{}
		for _, m := range messages(c.end()) {
			if rule, text, ok := strings.Cut(m, " "); ok {
				got[rule] = strings.TrimPrefix(got[rule]+","+text, ",")
			}
		}
		if !maps.Equal(got, want) {
			t.Errorf("%d shards: %v, want %v", shards, got, want)
		}
	}
}
