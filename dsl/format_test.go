package dsl

import (
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// significant lists the tokens and comments of a text, blanks left out.
func significant(text string) []string {
	var out []string
	for _, p := range cut(text) {
		out = append(out, p.text)
	}
	return out
}

// checkFormat tests what holds for every file without syntax errors: the
// formatted file parses, has the same tokens and comments, and formatting it
// again changes nothing. It returns the formatted text.
func checkFormat(t *testing.T, text string) string {
	t.Helper()
	f, ds := Parse("in.cep", []byte(text))
	out := string(Format(f))
	want, got := significant(text), significant(out)
	if ds.HasErrors() { // what is left out of the file stays as it is
		slices.Sort(want)
		slices.Sort(got)
		if out != text && !slices.Equal(want, got) {
			t.Fatalf("tokens lost or made:\n%q\n%q", want, got)
		}
		return out
	}
	if ordered(f) && !slices.Equal(want, got) {
		t.Fatalf("tokens changed:\n%q\n%q\nof\n%s\nto\n%s", want, got, text, out)
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		t.Fatalf("tokens lost or made:\n%q\n%q", want, got)
	}
	g, ds := Parse("out.cep", []byte(out))
	if len(ds) > 0 {
		t.Fatalf("formatted file does not parse: %s\n%s", ds.Text(), out)
	}
	if !ordered(g) {
		t.Fatalf("clauses out of order:\n%s", out)
	}
	if again := string(Format(g)); again != out {
		t.Fatalf("formatting twice changes something: %s\nof\n%s", lineDiff(out, again), text)
	}
	return out
}

// ordered says whether the clauses of all rules are in canonical order.
func ordered(f *File) bool {
	for _, d := range f.Decls {
		r, ok := d.(*RuleDecl)
		if !ok {
			continue
		}
		pattern := slices.ContainsFunc(r.Clauses, func(c Clause) bool { _, is := c.(*PatternClause); return is })
		for i := 1; i < len(r.Clauses); i++ {
			if clauseRank(r.Clauses[i-1], pattern) > clauseRank(r.Clauses[i], pattern) {
				return false
			}
		}
	}
	return true
}

// Files with any blanks, line breaks and comments between their tokens.
func TestFormatAnyLayout(t *testing.T) {
	files, _ := filepath.Glob("testdata/examples/*.cep")
	random := rand.New(rand.NewSource(1))
	blanks := []string{" ", " ", " ", "  ", "\t", "\n", "\n", "\r\n", "\n\n", "\n \n\n", " # note\n", "\n# own line\n", "\n\n  # a\n# b\n\n"}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for range 30 {
			var b strings.Builder
			mix := blanks[:1+random.Intn(len(blanks))]
			for _, p := range cut(string(text)) {
				b.WriteString(p.text)
				if p.comment() {
					b.WriteByte('\n')
				}
				b.WriteString(mix[random.Intn(len(mix))])
			}
			checkFormat(t, b.String())
		}
	}
}

var formatCases = []struct{ name, in, want string }{
	{"clauses go in order, with their comments", `
rule r "t" {
  alert { severity low }
  # why the key
  by card_id  # the key
  status shadow

  on Auth
  tags [a,b]
  when x>3
  let x=count()   over last 5m
  # at the end
}
`, `rule r "t" {
  tags [a, b]
  status shadow
  # why the key
  by card_id  # the key

  on Auth
  let x = count() over last 5m
  when x > 3
  alert { severity low }
  # at the end
}
`},
	{"one line stays one line", `rule r{alert{} on A where x when newly  -x>-3 by(a,b)}`,
		"rule r { by (a, b)  on A where x  when newly -x > -3  alert {} }\n"},
	{"one line with a comment", "rule r { on A when x # c\n by k  alert {} }",
		"rule r {\n  by k\n  on A  when x  # c\n  alert {} }\n"},
	{"groups, blocks and nested steps", `
rule r {
 by k
 pattern { (a: A
 then b: B
 where x
 == 1) then 2(C then D) then one of {
 E, F then G
 } within 5m
 then immediately no H } within 1h
 alert { message "x"
 labels { team:
 "y", z: "w" } }
}`, `rule r {
  by k
  pattern { ( a: A
      then b: B
        where x
        == 1 ) then 2 ( C then D ) then one of {
          E, F then G
        } within 5m
    then immediately no H } within 1h
  alert { message "x"
    labels { team:
        "y", z: "w" } }
}
`},
	{"events, types, tables, lists", `event E as "e"{id a time b late 3s a:string? b:timestamp ( "2006" ) c :list   of money(USD)? from "x.y" "doc"}
list l of string=["a" ,"b",
"c"
]
table t from redis{key:"x"}{
key k:string
# a comment
c:int }`, `event E as "e" { id a  time b late 3s  a: string?  b: timestamp("2006")  c: list of money(USD)? from "x.y" "doc" }
list l of string = ["a", "b",
  "c"
]
table t from redis { key: "x" } {
  key k: string
  # a comment
  c: int }
`},
	{"tests", `test "x" for r { with f [ "a" , "b" ] . n=3.00   USD with t["k"]={a:1,b:2} given at 3 x 0s every 10s A{a:1} wait 3m
at 5s A {
b: 2
}
expect 1 alert { severity:low } at 3m expect no alerts }`, `test "x" for r { with f["a", "b"].n = 3.00 USD  with t["k"] = { a: 1, b: 2 }  given  at 3 x 0s every 10s A { a: 1 }  wait 3m
    at 5s A {
      b: 2
    }
  expect 1 alert { severity: low } at 3m  expect no alerts }
`},
	{"trailing comments align in a run of lines only", "const A = 1 # a\nconst BB = 22 # b\nconst C = 3\nconst D = 4 # d\n\nconst EEEE = 5 # e\n",
		"const A = 1    # a\nconst BB = 22  # b\nconst C = 3\nconst D = 4  # d\n\nconst EEEE = 5  # e\n"},
	{"decisions and features", "decision d on A { decline when severity==critical or score>=90 review when x default approve deadline 50ms }\nfeature f on A by (a,b) { n=count() over last 1h\nm = sum(x) per(a,b) over previous 7d ending 1d ago unless fired }",
		"decision d on A { decline when severity == critical or score >= 90  review when x  default approve  deadline 50ms }\nfeature f on A by (a, b) { n = count() over last 1h\n  m = sum(x) per (a, b) over previous 7d ending 1d ago unless fired }\n"},
	{"empty lines", "\n\n\nconst A = 1\n\n\n\nrule r {\n\n  by k\n\n\n  on A\n  when x\n  alert {}\n\n}\n\n\n", "const A = 1\n\nrule r {\n  by k\n\n  on A\n  when x\n  alert {}\n}\n"},
	{"an empty file", "", ""},
	{"comments only", "  # a\n\n\n# b", "# a\n\n# b\n"},
	{"not a file", "rule r { by", "rule r { by"},
}

func TestFormatCases(t *testing.T) {
	for _, c := range formatCases {
		t.Run(c.name, func(t *testing.T) {
			f, ds := Parse("in.cep", []byte(c.in))
			if c.name != "not a file" && len(ds) > 0 {
				t.Fatal(ds.Text())
			}
			if got := string(Format(f)); got != c.want {
				t.Errorf("%s\n%s", lineDiff(c.want, got), got)
			}
			checkFormat(t, c.in)
		})
	}
}
