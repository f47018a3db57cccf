package lookup

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/expr"
	"github.com/weir-cep/weir/internal/slab"
)

var (
	stringT = cep.Type{Kind: cep.KindString}
	boolT   = cep.Type{Kind: cep.KindBool}
	intT    = cep.Type{Kind: cep.KindInt}
	ipT     = cep.Type{Kind: cep.KindIP}
	usdT    = cep.Type{Kind: cep.KindMoney, Currency: "USD"}
	risk    = cep.Type{Kind: cep.KindEnum, Enum: &cep.Enum{Name: "Risk", Words: []string{"low", "high"}}}
)

// write makes a folder with files and returns the path that a rule file in it
// would have.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "rules.cep")
}

func opt(name, text string) dsl.Option { return dsl.Option{Name: name, Value: cep.Str(text)} }

// listOf is a program with one list that a rule reads.
func listOf(file string, elem cep.Type, op dsl.Op, from string, options ...dsl.Option) *dsl.Program {
	l := &dsl.ListIR{Name: "names", Elem: elem, From: from, File: file, Options: options}
	elemT := elem
	test := &dsl.Expr{Op: op, Type: boolT, Args: []*dsl.Expr{
		{Op: dsl.OpField, Type: elem}, {Op: dsl.OpList, List: l, Type: cep.Type{Kind: cep.KindList, Elem: &elemT}, Name: "names"}}}
	return &dsl.Program{Zone: time.UTC, Lists: []*dsl.ListIR{l}, Rules: []*dsl.RuleIR{{From: []dsl.Filter{{Where: test}}}}}
}

// tableOf is a program with one table that a rule reads.
func tableOf(file, from string, options ...dsl.Option) *dsl.Program {
	tab := &dsl.TableIR{Name: "people", Key: cep.Field{Name: "name", Type: stringT}, From: from, File: file, Options: options,
		Cols: []cep.Field{{Name: "level", Type: risk}, {Name: "limit", Type: usdT, Path: "limits.daily"},
			{Name: "added", Type: cep.Type{Kind: cep.KindTimestamp, Optional: true}, Format: "2006-01-02"},
			{Name: "nets", Type: cep.Type{Kind: cep.KindList, Elem: &ipT, Optional: true}}, {Name: "age", Type: intT.OrMissing()}}}
	return &dsl.Program{Zone: time.UTC, Tables: []*dsl.TableIR{tab}, Rules: []*dsl.RuleIR{{From: []dsl.Filter{{
		Where: &dsl.Expr{Op: dsl.OpTableHas, Type: boolT, Table: tab, Args: []*dsl.Expr{{Op: dsl.OpField, Type: stringT}}}}}}}}
}

func load(t *testing.T, p *dsl.Program) (*expr.Lookups, []string) {
	t.Helper()
	l, warnings, err := Load(p)
	if err != nil {
		t.Fatal(err)
	}
	return l, warnings
}

func TestListFormats(t *testing.T) {
	for name, text := range map[string]string{
		"names.txt":     "\xef\xbb\xbf# test accounts\r\nann\r\n\n  bob x  \n#1\n",
		"lists/n":       "ann\nbob x\n#1",
		"names.csv":     "id,names\n1,ann\n2,\"bob x\"\n3,#1\n",
		"semi.csv":      "id;names\n1;ann\n2;bob x\n3;#1\n",
		"names.json":    `["ann", "bob x", "#1"]`,
		"spread.json":   "[\n \"ann\",\n \"bob x\"\n,\"#1\" ]\n",
		"unknown.thing": "[\"ann\", \"bob x\", \"#1\"]",
	} {
		t.Run(name, func(t *testing.T) {
			options := []dsl.Option{opt("path", name)}
			if name == "semi.csv" {
				options = append(options, opt("delimiter", ";"))
			}
			if name == "unknown.thing" {
				options = append(options, opt("format", "json"))
			}
			l, warnings := load(t, listOf(write(t, map[string]string{name: text}), stringT, dsl.OpIn, "file", options...))
			list := l.Lists[0]
			if list.Len() != 3 || !list.HasText("ann") || !list.HasText("bob x") || !list.HasText("#1") || list.HasText("bob") {
				t.Errorf("values %v", list.Values())
			}
			if len(warnings) != 0 {
				t.Errorf("warnings %q", warnings)
			}
		})
	}
}

func TestTypedLists(t *testing.T) {
	file := write(t, map[string]string{"a.txt": "7\n-3\n", "m.json": `[5, "1.25 USD"]`, "ip.txt": "10.1.0.0/16\n192.0.2.7\n2001:db8::/32\n"})
	ints, _ := load(t, listOf(file, intT, dsl.OpIn, "file", opt("path", "a.txt")))
	minus := int64(-3)
	if l := ints.Lists[0]; !l.HasWord(7) || !l.HasWord(cep.Word(minus)) || l.HasWord(3) {
		t.Error("ints")
	}
	money, _ := load(t, listOf(file, usdT, dsl.OpIn, "file", opt("path", "m.json")))
	if l := money.Lists[0]; !l.HasWord(5_000_000) || !l.HasWord(1_250_000) {
		t.Error("money")
	}
	for _, op := range []dsl.Op{dsl.OpIn, dsl.OpInNet} {
		elem := ipT
		if op == dsl.OpInNet {
			elem = stringT
		}
		ips, _ := load(t, listOf(file, elem, op, "file", opt("path", "ip.txt")))
		for text, want := range map[string]bool{"10.1.255.1": true, "10.2.0.0": false, "192.0.2.7": true, "192.0.2.8": false, "2001:db8:1::": true, "2001:db9::": false} {
			w, err := cep.ParseIP(text)
			if err != nil {
				t.Fatal(err)
			}
			if got := ips.Lists[0].HasIP(w); got != want {
				t.Errorf("list of %s: %s is in it: %v", elem, text, got)
			}
		}
	}
}

func TestTables(t *testing.T) {
	want := []string{"high 250.00 USD 2026-01-31T00:00:00Z – 41", "low 1.50 USD – – –"}
	for name, text := range map[string]string{
		"people.csv":    "age,name,limits.daily,level,added,x\n41,ann,250,high,2026-01-31,y\n,bob,1.50 USD,low,,\n",
		"people.ndjson": "{\"name\":\"ann\",\"age\":41,\"limits\":{\"daily\":250},\"level\":\"high\",\"added\":\"2026-01-31\",\"y\":[1]}\n{\"name\":\"bob\",\"limits.daily\":\"1.50\",\"level\":\"low\",\"age\":null}\n",
		"people.json":   "[{\"name\":\"ann\",\"age\":\"41\",\"limits\":{\"daily\":250.00},\"level\":\"high\",\"added\":\"2026-01-31\"},\n{\"name\":\"bob\",\"limits\":{\"daily\":1.5},\"level\":\"low\"}]",
	} {
		t.Run(name, func(t *testing.T) {
			p := tableOf(write(t, map[string]string{name: text}), "file", opt("path", name))
			l, _ := load(t, p)
			if l.Tables[0].Rows() != 2 {
				t.Fatalf("%d rows", l.Tables[0].Rows())
			}
			for i, key := range []string{"ann", "bob"} {
				if got := rowText(t, p, l, key); got != want[i] {
					t.Errorf("%s: %s, want %s", key, got, want[i])
				}
			}
			if got := rowText(t, p, l, "eve"); got != "– – – – –" {
				t.Errorf("eve: %s", got)
			}
		})
	}
}

// rowText reads the cells of a row as rules do.
func rowText(t *testing.T, p *dsl.Program, l *expr.Lookups, key string) string {
	t.Helper()
	f := &expr.Frame{Lookups: l, Syms: slab.NewSymbols(), Key: []cep.Value{cep.Str(key)}}
	var cells []string
	for i, col := range p.Tables[0].Cols {
		v, err := (&expr.Compiler{}).Value(&dsl.Expr{Op: dsl.OpTableCell, Table: p.Tables[0], Index: i, Type: col.Type,
			Args: []*dsl.Expr{{Op: dsl.OpKey, Type: stringT}}})
		if err != nil {
			t.Fatal(err)
		}
		var out cep.Value
		v(f, &out)
		cells = append(cells, out.String())
	}
	return strings.Join(cells, " ")
}

func TestErrorsNameFileAndLine(t *testing.T) {
	list := func(elem cep.Type, op dsl.Op, name, text string) func(*testing.T) *dsl.Program {
		return func(t *testing.T) *dsl.Program {
			return listOf(write(t, map[string]string{name: text}), elem, op, "file", opt("path", name))
		}
	}
	table := func(name, text string) func(*testing.T) *dsl.Program {
		return func(t *testing.T) *dsl.Program {
			return tableOf(write(t, map[string]string{name: text}), "file", opt("path", name))
		}
	}
	for _, tt := range []struct {
		name string
		prog func(*testing.T) *dsl.Program
		want string
	}{
		{"ill-typed line", list(intT, dsl.OpIn, "a.txt", "1\ntwo\n3\nfour\n"), `a.txt:2: "two" is not int` + "\n" + `a.txt:4: "four" is not int`},
		{"no network", list(stringT, dsl.OpInNet, "a.txt", "10.0.0.0/8\nhome\n"), `a.txt:2: "home" is neither an ip address nor a network like 10.0.0.0/8`},
		{"number for a network", list(stringT, dsl.OpInNet, "a.json", "[\"10.0.0.0/8\",\n7]"), `a.json:2: "7" is neither an ip address nor a network like 10.0.0.0/8`},
		{"another currency", list(usdT, dsl.OpIn, "a.txt", "1 EUR\n"), `a.txt:1: "1 EUR" is not money(USD): another currency`},
		{"column", list(stringT, dsl.OpIn, "a.csv", "name,x\na,1\n"), `a.csv:1: no column is called "names" like the list; the header says: name, x`},
		{"short row", list(stringT, dsl.OpIn, "a.csv", "x,names\n1,a\n2\n"), `a.csv:3: the row has 1 cells, too few for column "names"`},
		{"empty CSV", list(stringT, dsl.OpIn, "a.csv", ""), `a.csv: the file is empty, it needs a header with the names of its columns`},
		{"no array", list(stringT, dsl.OpIn, "a.json", `{"a":1}`), `a.json:1: a list in JSON is an array, like ["a", "b"]`},
		{"element", list(intT, dsl.OpIn, "a.json", "[1,\n2,\n\n{\"a\": 1}]"), `a.json:4: {"a":1} is not int`},
		{"broken JSON", list(intT, dsl.OpIn, "a.json", "[1,\n2,\n"), `a.json:3: the file ends in the middle of a value`},
		{"enum", table("a.csv", "name,level,limits.daily\nann,hihg,3\n"), `a.csv:2: level: "hihg" is no Risk: low, high`},
		{"required cell", table("a.csv", "name,level,limits.daily\nann,high,\n"), `a.csv:2: limit: the cell is empty, but a money(USD) is required`},
		{"column of a table", table("a.csv", "name,level\n"), `a.csv:1: no column is called "limits.daily"; the header says: name, level`},
		{"key twice", table("a.csv", "name,level,limits.daily\nann,high,1\nbob,high,1\nann,low,2\n"), `a.csv:4: name "ann" stands in line 2 already`},
		{"member", table("a.json", "{\"name\":\"a\",\"level\":\"low\"}"), `a.json:1: limit: there is no "limits.daily" in the object`},
		{"row", table("a.json", "{\"name\":\"a\",\"level\":\"low\",\"limits\":{\"daily\":1}}\n7"), `a.json:2: 7 is not an object with the table's columns`},
		{"format", table("a.txt", "x"), `a.txt: a table is a CSV or a JSON file; call it .csv or .json, or say which: format: csv`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := tt.prog(t)
			_, _, err := Load(p)
			if err == nil {
				t.Fatal("no error")
			}
			dir := ""
			if len(p.Lists) > 0 {
				dir = filepath.Dir(p.Lists[0].File)
			} else {
				dir = filepath.Dir(p.Tables[0].File)
			}
			if got := strings.ReplaceAll(err.Error(), dir+string(filepath.Separator), ""); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestManyErrorsAreCut(t *testing.T) {
	_, _, err := Load(listOf(write(t, map[string]string{"a.txt": strings.Repeat("x\n", 1000)}), intT, dsl.OpIn, "file", opt("path", "a.txt")))
	if n := strings.Count(err.Error(), "\n") + 1; n != maxErrors+1 {
		t.Errorf("%d lines of errors", n)
	}
}

func TestMissingFile(t *testing.T) {
	_, _, err := Load(listOf(write(t, nil), stringT, dsl.OpIn, "file", opt("path", "none.txt")))
	if err == nil || !strings.Contains(err.Error(), "rules.cep: list names can't be loaded") || !strings.Contains(err.Error(), "none.txt") {
		t.Error(err)
	}
}

// A list or table that nothing reads is not opened, and one on a server is
// empty, of which the user hears once.
func TestUnusedAndOutside(t *testing.T) {
	p := listOf(write(t, nil), stringT, dsl.OpIn, "file", opt("path", "none.txt"))
	p.Rules = nil
	if l, warnings := load(t, p); l.Lists[0].Len() != 0 || len(warnings) != 0 {
		t.Error("an unused list is opened")
	}
	p = listOf("rules.cep", stringT, dsl.OpIn, "redis", opt("key", "k"))
	q := tableOf("rules.cep", "http", opt("url", "u"))
	p.Tables, p.Rules = q.Tables, append(p.Rules, q.Rules...)
	l, warnings := load(t, p)
	if l.Lists[0].Len() != 0 || l.Tables[0].Rows() != 0 || len(warnings) != 1 {
		t.Fatalf("%d values, %d rows, warnings %q", l.Lists[0].Len(), l.Tables[0].Rows(), warnings)
	}
	for _, part := range []string{"list names (redis)", "table people (http)", "are empty", `from file { path: "…" }`} {
		if !strings.Contains(warnings[0], part) {
			t.Errorf("%q says nothing of %q", warnings[0], part)
		}
	}
}

func TestInlineListsAndParams(t *testing.T) {
	p := listOf("rules.cep", stringT, dsl.OpIn, "")
	p.Lists[0].Values = []cep.Value{cep.Str("KP"), cep.Str("IR")}
	p.Params = []*dsl.ParamIR{{Name: "limit", Type: intT, Default: cep.Int(5)}}
	l, _ := load(t, p)
	if !l.Lists[0].HasText("KP") || l.Lists[0].HasText("US") || l.Params[0].Value.Word != 5 {
		t.Error("the program's own values are not there")
	}
}
