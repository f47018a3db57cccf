package nfa

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/weir-cep/weir/dsl"
)

// eqlCase is one recorded answer of an EQL engine.
type eqlCase struct {
	ID     string
	Events []struct {
		ID        int
		Name, Key string
		Peer      *string
		Price     float64
		TS        int64
	}
	Rule     string
	Expected [][]int
	Latest   *[][]int // what Weir answers on purpose instead
	Flags    []string
}

func readEQL(text []byte) (cases []*eqlCase, err error) {
	for line := range strings.Lines(string(text)) {
		c := &eqlCase{}
		if err := json.Unmarshal([]byte(line), c); err != nil {
			return nil, err
		}
		cases = append(cases, c)
	}
	return cases, nil
}

// eqlTypes are the declarations that the cases' rules assume.
func eqlTypes() string {
	const fields = " { ts: timestamp(unix_ms)  time ts  n: int from \"id\"  name: string  key: string  own: string from \"key\"  price: number  peer: string? }\n"
	text := "event Tick" + fields
	for _, x := range []string{"A", "B", "C", "D", "E", "X"} {
		text += fmt.Sprintf("event Ev%s as %q%s", x, strings.ToLower(x), fields)
	}
	return text
}

// eqlText is the case's rule. Where a step reads the rule's key from another
// field, the bare name "key" is ambiguous and rejected (E120): the field is read
// under a second name there.
func eqlText(c *eqlCase) string {
	return strings.NewReplacer("key == ", "own == ", "key != ", "own != ", "key in ", "own in ").Replace(c.Rule)
}

// eqlStream gives each event to the types that the rule reads.
func eqlStream(c *eqlCase, r *dsl.RuleIR) (es []*refEvent) {
	typed := schemaOf(r, "Tick") == nil
	for i, e := range c.Events {
		name := "Tick"
		if typed {
			name = "Ev" + strings.ToUpper(e.Name[:1])
		}
		s := schemaOf(r, name)
		if s == nil {
			continue
		}
		v := map[string]refVal{"ts": refInt(e.TS * ms), "n": refInt(int64(e.ID)), "name": refText(e.Name), "key": refText(e.Key), "own": refText(e.Key), "price": refNumber(e.Price)}
		if e.Peer != nil {
			v["peer"] = refText(*e.Peer)
		}
		es = append(es, newRefEvent(s, i, e.TS*ms, v))
	}
	return es
}

// byKey splits events over the rule's keys: an event goes once to each key that
// its routes give, with the routes that gave it.
func byKey(r *dsl.RuleIR, es []*refEvent) (keys []string, of map[string][]*refEvent) {
	of = map[string][]*refEvent{}
	for _, e := range es {
		routes := map[string]uint64{}
		for k, t := range r.Routes {
			if t.Schema != e.schema {
				continue
			}
			key, ok := "", true
			for _, f := range t.Fields {
				ok = ok && !e.vals[f].missing
				key += e.vals[f].s + "/"
			}
			if ok {
				routes[key] |= 1 << k
			}
		}
		for key, mask := range routes {
			c := *e
			c.routes = mask
			of[key] = append(of[key], &c)
		}
	}
	for key, es := range of {
		keys = append(keys, key)
		slices.SortFunc(es, func(a, b *refEvent) int { return a.seq - b.seq })
	}
	sort.Strings(keys)
	return keys, of
}

// numbered gives the events of a key the positions that the runner wants, and
// returns what the positions stood for.
func numbered(es []*refEvent) (out []*refEvent, was []int) {
	for i, e := range es {
		c := *e
		c.seq = i
		out, was = append(out, &c), append(was, e.seq)
	}
	return out, was
}

// eqlVerdict runs one case; the error is a disagreement within Weir.
func eqlVerdict(b *workbench, c *eqlCase) (*verdict, error) {
	v := &verdict{rule: c.Rule}
	for i, e := range c.Events {
		v.events += fmt.Sprintf(" %d:%s/%s@%d", i, e.Name, e.Key, e.TS)
	}
	want := c.Expected
	if c.Latest != nil {
		want = *c.Latest
	}
	for _, m := range want {
		v.want = append(v.want, fmt.Sprint(m))
	}
	r, err := checkedRule(eqlTypes() + eqlText(c))
	if err != nil {
		return v, err
	}
	prog, err := Compile(r, time.UTC)
	if err != nil {
		return v, err
	}
	keys, of := byKey(r, eqlStream(c, r))
	for _, key := range keys {
		es, was := numbered(of[key])
		ref := runReference(r, es, 1<<60)
		for _, mk := range []makeMachine{generalMachine, bestMachine} {
			got := runMachine(b, prog, mk, es, 1<<60, false)
			if len(got.faults) > 0 || !sameMatches(ref, got.matches) {
				return v, fmt.Errorf("the machine differs from the reference:%s\n  machine:%s\n  faults %q", matchesText(ref), matchesText(got.matches), got.faults)
			}
		}
		for _, m := range ref {
			var ids []int
			for _, x := range strings.Fields(m.binds) {
				var seq, binding int
				fmt.Sscanf(x, "%d:%d", &seq, &binding)
				ids = append(ids, was[seq])
			}
			v.got = append(v.got, fmt.Sprint(ids))
		}
	}
	sort.Strings(v.want)
	sort.Strings(v.got)
	return v, nil
}

// TestEQL: match latest gives the engine's answer, or the listed other one.
func TestEQL(t *testing.T) {
	text, err := readCases(filepath.Join(casesDir, "eql-cases.jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	cases, err := readEQL(text)
	if err != nil {
		t.Fatal(err)
	}
	b := newWorkbench()
	matches, other := 0, 0
	for _, c := range cases {
		v, err := eqlVerdict(b, c)
		if err != nil {
			t.Errorf("%s: %v\n%v", c.ID, err, v)
			continue
		}
		if !slices.Equal(v.want, v.got) {
			t.Errorf("%s differs %v\n%v", c.ID, c.Flags, v)
			continue
		}
		matches += len(v.want)
		if c.Latest != nil {
			other++
		}
	}
	t.Logf("%d cases, %d matches equal; in %d the answer differs from the engine's on purpose", len(cases), matches, other)
}
