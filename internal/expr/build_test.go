package expr

import (
	"fmt"
	"strings"
	"testing"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/slab"
)

// The tests build expressions by hand, in the form in which the checker hands
// them over: typed, with ints that stand for numbers under OpToNumber.

var (
	boolT     = cep.Type{Kind: cep.KindBool}
	intT      = cep.Type{Kind: cep.KindInt}
	numberT   = cep.Type{Kind: cep.KindNumber}
	usdT      = cep.Type{Kind: cep.KindMoney, Currency: "USD"}
	stringT   = cep.Type{Kind: cep.KindString}
	timeT     = cep.Type{Kind: cep.KindTimestamp}
	durationT = cep.Type{Kind: cep.KindDuration}
	ipT       = cep.Type{Kind: cep.KindIP}
	pointT    = cep.Type{Kind: cep.KindPoint}
	decisionT = cep.Type{Kind: cep.KindEnum, Enum: &cep.Enum{Name: "Decision", Words: []string{"approved", "declined", "referred"}}}
)

func listT(t cep.Type) cep.Type { return cep.Type{Kind: cep.KindList, Elem: &t} }

// val makes a value from text, as a test would write it.
func val(t cep.Type, text string) cep.Value {
	v := cep.Value{Type: t}
	if text == "-" {
		v.Missing = true
		return v
	}
	var err error
	switch t.Kind {
	case cep.KindBool:
		if text == "true" {
			v.Word = 1
		}
	case cep.KindInt:
		var n int64
		_, err = fmt.Sscan(text, &n)
		v.Word = cep.Word(n)
	case cep.KindNumber:
		f, ok := cep.ParseNumber(text)
		if !ok {
			panic(text)
		}
		v.Word = cep.NumberWord(f)
	case cep.KindMoney:
		var m int64
		m, err = cep.ParseMoney(text, t.Currency)
		v.Word = cep.Word(m)
	case cep.KindString:
		v.Text = text
	case cep.KindEnum:
		v.Word = cep.Word(t.Enum.Index(text))
	case cep.KindTimestamp:
		var n int64
		n, err = cep.ParseTime(text, "", nil)
		v.Word = cep.Word(n)
	case cep.KindDuration:
		var n int64
		n, err = cep.ParseDuration(text)
		v.Word = cep.Word(n)
	case cep.KindIP:
		v.Wide, err = cep.ParseIP(text)
	case cep.KindPoint:
		v.Wide, err = cep.ParsePoint(text)
	case cep.KindList:
		if text != "" {
			for _, part := range strings.Split(text, "|") {
				v.List = append(v.List, val(*t.Elem, part))
			}
		}
	}
	if err != nil {
		panic(fmt.Sprintf("%q as %s: %v", text, t, err))
	}
	return v
}

// schema is an event type with an optional field of every type, named for it.
var schema = func() *cep.Schema {
	s := &cep.Schema{Name: "E", ID: -1}
	for _, f := range []struct {
		name string
		t    cep.Type
	}{
		{"at", timeT}, {"flag", boolT}, {"n", intT}, {"x", numberT}, {"amount", usdT}, {"s", stringT}, {"t", stringT}, {"decision", decisionT},
		{"when", timeT}, {"dur", durationT}, {"ip", ipT}, {"geo", pointT},
		{"tags", listT(stringT)}, {"counts", listT(intT)}, {"weights", listT(numberT)}, {"ips", listT(ipT)}, {"places", listT(pointT)},
		{"req", intT}, {"name", stringT},
	} {
		if f.name != "at" && f.name != "req" && f.name != "name" {
			f.t.Optional = true
		}
		s.Fields = append(s.Fields, cep.Field{Name: f.name, Type: f.t})
	}
	s.Seal()
	return s
}()

// batchOf makes a batch of rows of the schema, each "field=text field=text";
// fields that are not given are missing, required ones zero.
func batchOf(rows ...string) *cep.Batch {
	b := &cep.Batch{Tables: []cep.Table{{Schema: schema, Rows: len(rows)}}}
	t := &b.Tables[0]
	t.Cols = make([]cep.Column, len(schema.Fields))
	for i := range t.Cols {
		t.Cols[i] = cep.Column{Words: make([]cep.Word, len(rows)), Present: make([]uint64, (len(rows)+63)/64)}
	}
	for r, row := range rows {
		for _, name := range []string{"at", "req", "name"} {
			t.Cols[schema.Field(name)].Present[r>>6] |= 1 << (r & 63)
		}
		for _, pair := range strings.Fields(row) {
			name, text, _ := strings.Cut(pair, "=")
			i := schema.Field(name)
			if i < 0 {
				panic(name)
			}
			v := val(schema.Fields[i].Type, strings.ReplaceAll(text, "_", " "))
			t.Cols[i].Words[r] = wordOf(b, v)
			t.Cols[i].Present[r>>6] |= 1 << (r & 63)
		}
		b.Rows = append(b.Rows, cep.Row{At: int64(r), Index: uint32(r)})
	}
	return b
}

// wordOf puts a value into a batch.
func wordOf(b *cep.Batch, v cep.Value) cep.Word {
	switch {
	case v.Type.Kind == cep.KindString:
		b.Bytes = append(b.Bytes, v.Text...)
		return cep.StringWord(len(b.Bytes)-len(v.Text), len(v.Text))
	case v.Type.Wide():
		b.Wide = append(b.Wide, v.Wide)
		return cep.Word(len(b.Wide) - 1)
	case v.Type.Kind == cep.KindList:
		var words []cep.Word
		for _, el := range v.List {
			words = append(words, wordOf(b, el))
		}
		b.Elems = append(b.Elems, words...)
		return cep.StringWord(len(b.Elems)-len(words), len(words))
	}
	return v.Word
}

// frameOf is a frame at the first row of a batch.
func frameOf(b *cep.Batch) *Frame {
	return &Frame{Batch: b, Table: &b.Tables[0], Syms: slab.NewSymbols(), Lookups: &Lookups{}}
}

// at moves a frame to a row.
func (f *Frame) at(row int) *Frame {
	f.Row = row
	return f
}

// runOf is a Bound of one step whose records are captured from all rows of a
// batch.
type runOf struct {
	capture *Capture
	records [][]uint64
}

func capture(f *Frame, fields ...string) *runOf {
	var at []int
	for _, name := range fields {
		at = append(at, schema.Field(name))
	}
	r := &runOf{capture: NewCapture(schema, at)}
	for row := range f.Table.Rows {
		rec := make([]uint64, r.capture.Words())
		r.capture.Store(rec, f.at(row))
		r.records = append(r.records, rec)
	}
	f.at(0)
	return r
}

func (r *runOf) Count(step int) int { return len(r.records) }
func (r *runOf) Record(step, i int) []uint64 {
	if i < 0 {
		i = len(r.records) - 1
	}
	return r.records[i]
}

func (r *runOf) layout() Layout { return Layout{Captures: []*Capture{r.capture}} }

func fld(name string) *dsl.Expr {
	i := schema.Field(name)
	return &dsl.Expr{Op: dsl.OpField, Index: i, Type: schema.Fields[i].Type, Name: name}
}

func lit(t cep.Type, text string) *dsl.Expr {
	return &dsl.Expr{Op: dsl.OpConst, Type: t, Const: val(t, text)}
}

func str(s string) *dsl.Expr {
	return &dsl.Expr{Op: dsl.OpConst, Type: stringT, Const: cep.Value{Type: stringT, Text: s}}
}

func num(n int) *dsl.Expr { return lit(intT, fmt.Sprint(n)) }

func usd(s string) *dsl.Expr { return lit(usdT, s+" USD") }

func op(o dsl.Op, t cep.Type, args ...*dsl.Expr) *dsl.Expr {
	return &dsl.Expr{Op: o, Type: t, Args: args}
}

// cond is an operation whose result is a bool.
func cond(o dsl.Op, args ...*dsl.Expr) *dsl.Expr { return op(o, boolT, args...) }

func boundField(which dsl.Which, name string) *dsl.Expr {
	e := fld(name)
	return &dsl.Expr{Op: dsl.OpBound, Index: e.Index, Type: e.Type, Which: which, Name: "a.last." + name}
}

func boundList(name string) *dsl.Expr {
	e := fld(name)
	return &dsl.Expr{Op: dsl.OpBoundList, Index: e.Index, Type: listT(e.Type.Required()), Name: "a." + name}
}

func boundAgg(fn dsl.AggFn, t cep.Type, name string) *dsl.Expr {
	return &dsl.Expr{Op: dsl.OpBoundAgg, Agg: fn, Index: schema.Field(name), Type: t, Name: "agg(a." + name + ")"}
}

// fnCall is a call of a function of the catalogue, typed by its own Check.
func fnCall(t testing.TB, name string, args ...*dsl.Expr) *dsl.Expr {
	t.Helper()
	f := dsl.Function(name)
	if f == nil {
		t.Fatalf("no function %s", name)
	}
	typ, err := f.Check(args)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return &dsl.Expr{Op: dsl.OpCall, Func: f, Args: args, Type: typ}
}

// text evaluates an expression and writes its value, "failed" if it cannot be
// computed.
func text(t testing.TB, c *Compiler, f *Frame, e *dsl.Expr) string {
	t.Helper()
	v, err := c.Value(e)
	if err != nil {
		t.Fatal(err)
	}
	before := f.Failures
	var out cep.Value
	v(f, &out)
	if f.Failures != before {
		if !out.Missing {
			t.Errorf("%s failed and is not missing but %s", e, out)
		}
		return "failed"
	}
	return out.String()
}

// holds evaluates a condition, compiled with and without knowing the schema.
func holds(t testing.TB, c *Compiler, f *Frame, e *dsl.Expr) bool {
	t.Helper()
	var got [2]bool
	for i, s := range []*cep.Schema{nil, schema} {
		is, err := c.On(s).Cond(e)
		if err != nil {
			t.Fatalf("%s: %v", e, err)
		}
		got[i] = is(f)
	}
	if got[0] != got[1] {
		t.Fatalf("%s: %v without the schema, %v with it", e, got[0], got[1])
	}
	return got[0]
}
