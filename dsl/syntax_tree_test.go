package dsl

import (
	"fmt"
	"strings"
	"testing"
)

// spelled writes an expression with all its parentheses.
func spelled(n Node) string {
	list := func(nodes []Node) string {
		var out []string
		for _, x := range nodes {
			out = append(out, spelled(x))
		}
		return strings.Join(out, ", ")
	}
	key := func(k *Key) string {
		var out []string
		for _, p := range k.Parts {
			out = append(out, p.Name)
		}
		return strings.Join(out, "+")
	}
	not := map[bool]string{true: "not "}
	switch n := n.(type) {
	case *Lit:
		return n.Text
	case *Name:
		return n.Name
	case *Select:
		return spelled(n.X) + "." + n.Word.Name
	case *IndexNode:
		return spelled(n.X) + "[" + list(n.Keys) + "]"
	case *CallNode:
		return n.Func.Name + "(" + list(n.Args) + ")"
	case *ListNode:
		return "[" + list(n.Items) + "]"
	case *UnaryNode:
		return "(" + n.Op + " " + spelled(n.X) + ")"
	case *BinaryNode:
		return "(" + spelled(n.L) + " " + n.Op + " " + spelled(n.R) + ")"
	case *TestNode:
		return "(" + spelled(n.L) + " " + not[n.Not] + n.Op + " " + spelled(n.R) + ")"
	case *BetweenNode:
		return "(" + spelled(n.X) + " " + not[n.Not] + "between " + spelled(n.Lo) + " & " + spelled(n.Hi) + ")"
	case *MissingNode:
		return "(" + spelled(n.X) + map[bool]string{true: " present)", false: " missing)"}[n.Present]
	case *ParenNode:
		return spelled(n.X)
	case *AggNode:
		s := "{" + spelled(n.X)
		if n.Per != nil {
			s += " per " + key(n.Per)
		}
		if w := n.Window; w != nil {
			s += " over " + w.Kind
			for _, l := range []*Lit{w.Dur, w.N, w.Gap} {
				if l != nil {
					s += " " + l.Text
				}
			}
			s += w.Unit
			if w.Every != nil {
				s += " every " + w.Every.Text
			}
		}
		if n.Ending != nil {
			s += " ending " + n.Ending.Text
		}
		if n.UnlessFired {
			s += " unless fired"
		}
		return s + "}"
	}
	return fmt.Sprintf("%T", n)
}

func TestSyntaxPrecedence(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"a or b and not c == d", "(a or (b and (not (c == d))))"},
		{"not a and b", "((not a) and b)"},
		{"not not a", "(not (not a))"},
		{"a + b * c - d / e % f", "((a + (b * c)) - ((d / e) % f))"},
		{"a - b - c", "((a - b) - c)"},
		{"a else b * c", "((a else b) * c)"},
		{"a else b else c", "((a else b) else c)"},
		{"a * -b else c", "(a * ((- b) else c))"},
		{"- -a.b", "(- (- a.b))"},
		{"-count() over last 1h > 3", "((- {count() over last 1h}) > 3)"},
		{"count() over last 1h > 3 and x", "(({count() over last 1h} > 3) and x)"},
		{"a.b[c, d].e", "a.b[c, d].e"},
		{"f(a, b)[c].when", "f(a, b)[c].when"},
		{"a between b + 1 and c and d", "((a between (b + 1) & c) and d)"},
		{"a not between 1 and 2 or b", "((a not between 1 & 2) or b)"},
		{"a not in [b, c,] and d in []", "((a not in [b, c]) and (d in []))"},
		{"a is missing or b is not missing and c is present or d is not present", "(((a missing) or ((b present) and (c present))) or (d missing))"},
		{"a contains 'x' and b not like \"y*\" and c ilike d and e matches f", `((((a contains 'x') and (b not like "y*")) and (c ilike d)) and (e matches f))`},
		{"a starts with b and c not ends with d", "((a starts b) and (c not ends d))"},
		{"sum(x) per (a, b) over previous 7d ending 1d ago unless fired / 2", "({sum(x) per a+b over previous 7d ending 1d unless fired} / 2)"},
		{"rarity(x) per m > 0.9", "({rarity(x) per m} > 0.9)"},
		{"count() over last 5 events + count() over this month + count() over all time", "(({count() over last 5} + {count() over thismonth}) + {count() over all})"},
		{"count() over last 1h every 5m < count() over this session gap 5m", "({count() over last 1h every 5m} < {count() over this 5msession})"},
		{"(a + b) * c", "((a + b) * c)"},
		{"80% * x > 5_000.00 USD and y < 1h30m", "(((80% * x) > 5_000.00 USD) and (y < 1h30m))"},
		{"`in`.`of` == at and rule == event", "((in.of == at) and (rule == event))"},
		{"if(a, 'b', \"c\") == d", `(if(a, 'b', "c") == d)`},
	} {
		f, ds := Parse("p.cep", []byte("predicate p on A = "+c.in))
		if len(ds) > 0 || len(f.Decls) != 1 {
			t.Errorf("%s", ds.Text())
			continue
		}
		if got := spelled(f.Decls[0].(*PredicateDecl).Body); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.in, got, c.want)
		}
	}
}

func TestSyntaxLiterals(t *testing.T) {
	for _, c := range []struct {
		in   string
		want Lit
	}{
		{"1_000", Lit{Kind: LitInt, Int: 1000}},
		{"0.35", Lit{Kind: LitNumber, Float: 0.35}},
		{"12.5%", Lit{Kind: LitPercent, Float: 0.125}},
		{"5.00 USD", Lit{Kind: LitMoney, Int: 5_000_000, Currency: "USD"}},
		{"1_000 \t JPY", Lit{Kind: LitMoney, Int: 1_000_000_000, Currency: "JPY"}},
		{"0.000001 EUR", Lit{Kind: LitMoney, Int: 1, Currency: "EUR"}},
		{"1h30m", Lit{Kind: LitDuration, Int: 90 * 60 * 1e9}},
		{"250ms", Lit{Kind: LitDuration, Int: 250 * 1e6}},
		{"1w2d", Lit{Kind: LitDuration, Int: 9 * 24 * 3600 * 1e9}},
		{`"a\"b\\\n\t'"`, Lit{Kind: LitString, Str: "a\"b\\\n\t'"}},
		{`'a\n"b'`, Lit{Kind: LitString, Str: `a\n"b`, Raw: true}},
		{`"größe"`, Lit{Kind: LitString, Str: "größe"}},
	} {
		f, ds := Parse("l.cep", []byte("const A = "+c.in))
		if len(ds) > 0 || len(f.Decls) != 1 {
			t.Errorf("%s", ds.Text())
			continue
		}
		got := *f.Decls[0].(*ConstDecl).Value.(*Lit)
		c.want.Text, c.want.Span = c.in, Span{10, 10 + len(c.in)}
		if got != c.want {
			t.Errorf("%s:\n got %+v\nwant %+v", c.in, got, c.want)
		}
	}
}

// Words are keywords only in their place, and what this version does not run
// is read all the same.
func TestSyntaxAccepts(t *testing.T) {
	rule := func(clauses string) string { return "rule r { " + clauses + " }" }
	for _, text := range []string{
		`import "x" as list  feature f on list.Auth by (a, Image) { n = count() over previous 7d ending 7d ago unless fired }`,
		`event E { time at at: timestamp(unix_ms) when: list of Decision? id: string from "a.b" time: int rule: string }`,
		`const LIMIT = 3 USD  enum Entry { ATM, POS, }  const SMS = 3  list rule of string = []`,
		`test "t" for r { with f["a", "b"].n = 3 with l = [1, 2] given at 1m arriving 2m A {} at 3 x 0s every 10s A { at: 1, in: 2 } wait 1h expect 1 timeout at 1h expect 2 alerts { a: 1 } }`,
		`test "t" for rule { expect no alert }`,
		`source list of A, b.C from test { a: 1, from: "x", }  sink rule to event {}  table source from sink {} { key key: string  from: int from "a.b" "doc" }`,
		`param event: number = 5 min (2) max 3 * 4 "doc"  const A: money(USD)? = 5.00 USD  defaults c.Auth { a: auto }`,
		`predicate test on A = list and source or event == feature  predicate p on A = x`,
		`decision decision on A { test when x  rule when y == 3  default default deadline 5ms }  timezone "UTC"`,
		rule(`pattern { a: c.Auth then no c.Paid within 5m then any b: some any c.Auth where rule == alert } within 1h where x`),
		rule(`pattern { one: A then any: B then immediately all: C then immediately no D by (x, y) where z }`),
		rule(`pattern { exactly 3 A then 2 to 5 B gap 5m then at most 2 C within 3s gap 1s then 5 consecutive D then some any greedy E until before x within 1m }`),
		rule(`pattern { ( A then B ) then 2 ( C then ( D then E ) ) then one of { A, B then C, } within 5m then all of { x: A by k, y: B } }`),
		rule(`match each limit 50 skip past last  match first skip to next  match latest skip to first a  match each skip to last b`),
		rule(`emit updates  emit on match  emit at end  global  by k  by (a, b)  status live  tags []  tags [a, b]`),
		rule(`when newly (x > 3) for 5m gap 1m keep 2m  on timeout: A where x  on timeout alert as X {}  on t.A  cancel on A by k where x  cancel on A  by k`),
		rule(`when args ilike ["*a*", '*b\*'] and tags.when  suppress for 1h per (a, b) unless x  let at = 3  from A where x`),
		rule(`meta { owner: "x", in: 3 } alert { severity if(x, high, low) score 5 to a, b message 'raw' labels { team: "x", in: "y" } severity = 3  to = 4  message_2 = 5 }`),
		"",
		"# nothing but a comment",
		"\ufeffconst A = 3",
		"const A = 3\r\nconst B = 4\r\n",
	} {
		f, ds := Parse("a.cep", []byte(text))
		if len(ds) > 0 {
			t.Errorf("%s\n%s", text, ds.Text())
		}
		if strings.HasPrefix(text, "rule") && len(f.Decls) != 1 {
			t.Errorf("%s: %d declarations", text, len(f.Decls))
		}
		checkFormat(t, text)
	}
}

// What is wrong in one declaration leaves the others, and its names.
func TestSyntaxBroken(t *testing.T) {
	f, ds := Parse("b.cep", []byte("event A { a }\nrule r {\n  by\n  alert as X { }\n}\nconst C = 3\nrule s { by k  on A when x = 3  alert {} }\n"))
	var names []string
	for _, b := range f.Broken {
		names = append(names, b.Name)
	}
	if got := strings.Join(names, " "); got != "A r X" || len(f.Decls) != 2 || len(ds) != 3 {
		t.Errorf("broken %s, %d declarations\n%s", got, len(f.Decls), ds.Text())
	}
}
