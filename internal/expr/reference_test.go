package expr

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// The reference evaluates an expression as the language's text says it, on
// standing values and long integers, without any of the compiler's shapes.
// Random expressions must give the same in both.

// failure is the panic of an expression that cannot be computed.
type failure struct{}

// ref evaluates an expression over the current row of a frame.
func ref(f *Frame, e *dsl.Expr) cep.Value {
	arg := func(i int) cep.Value {
		if (e.Op == dsl.OpMul || e.Op == dsl.OpDiv) && familyOf(e.Type.Kind) == counts {
			return ref(f, plainInt(e.Args[i])) // money times an int is exact
		}
		return ref(f, e.Args[i])
	}
	switch e.Op {
	case dsl.OpConst:
		return e.Const
	case dsl.OpField:
		v := cep.Value{Type: e.Type.Required()}
		col := f.Table.Cols[e.Index]
		if !col.Has(f.Row) {
			return cep.Missing(v.Type)
		}
		v.Word = col.Words[f.Row]
		if v.Type.Kind == cep.KindString {
			v.Text = f.Batch.Str(v.Word)
		}
		return v
	case dsl.OpAnd, dsl.OpOr:
		for i := range e.Args {
			if truth(arg(i)) != (e.Op == dsl.OpAnd) {
				return cep.Bool(e.Op == dsl.OpOr)
			}
		}
		return cep.Bool(e.Op == dsl.OpAnd)
	case dsl.OpNot:
		return cep.Bool(!truth(arg(0)))
	case dsl.OpIsMissing, dsl.OpIsPresent:
		return cep.Bool(arg(0).Missing == (e.Op == dsl.OpIsMissing))
	case dsl.OpElse:
		if v := arg(0); !v.Missing {
			return v
		}
		return arg(1)
	case dsl.OpListLit:
		v := cep.Value{Type: e.Type}
		for i := range e.Args {
			v.List = append(v.List, arg(i))
		}
		return v
	case dsl.OpCall: // if
		if truth(arg(0)) {
			return arg(1)
		}
		return arg(2)
	}
	a := arg(0)
	if a.Missing {
		if e.Type.Kind == cep.KindBool {
			return cep.Bool(e.Op == dsl.OpNe)
		}
		return cep.Missing(e.Type)
	}
	if e.Op == dsl.OpToNumber {
		return cep.Num(float64(int64(a.Word)))
	}
	if e.Op == dsl.OpNeg {
		return refArith(e, cep.Value{Type: a.Type}, a, dsl.OpSub)
	}
	b := arg(1)
	if b.Missing {
		if e.Type.Kind == cep.KindBool {
			return cep.Bool(e.Op == dsl.OpNe)
		}
		return cep.Missing(e.Type)
	}
	switch e.Op {
	case dsl.OpIn:
		for _, el := range b.List {
			if order(a, el) == 0 {
				return cep.Bool(true)
			}
		}
		return cep.Bool(false)
	case dsl.OpEq:
		return cep.Bool(order(a, b) == 0)
	case dsl.OpNe:
		return cep.Bool(order(a, b) != 0)
	case dsl.OpLt:
		return cep.Bool(order(a, b) < 0)
	case dsl.OpLe:
		return cep.Bool(order(a, b) <= 0)
	case dsl.OpGt:
		return cep.Bool(order(a, b) > 0)
	case dsl.OpGe:
		return cep.Bool(order(a, b) >= 0)
	}
	return refArith(e, a, b, e.Op)
}

func truth(v cep.Value) bool { return !v.Missing && v.Word != 0 }

func order(a, b cep.Value) int {
	switch {
	case a.Type.Kind == cep.KindString:
		return map[bool]int{true: -1, false: 1}[a.Text < b.Text] * map[bool]int{true: 0, false: 1}[a.Text == b.Text]
	case a.Type.Kind == cep.KindNumber:
		return big.NewFloat(cep.Number(a.Word)).Cmp(big.NewFloat(cep.Number(b.Word)))
	}
	return big.NewInt(int64(a.Word)).Cmp(big.NewInt(int64(b.Word)))
}

// rational is the exact value of a count or a number.
func rational(v cep.Value) *big.Rat {
	if v.Type.Kind == cep.KindNumber {
		return new(big.Rat).SetFloat64(cep.Number(v.Word))
	}
	return new(big.Rat).SetInt64(int64(v.Word))
}

// refArith computes the exact result and rounds it to the result's type.
func refArith(e *dsl.Expr, a, b cep.Value, o dsl.Op) cep.Value {
	x, y, z := rational(a), rational(b), new(big.Rat)
	switch o {
	case dsl.OpAdd:
		z.Add(x, y)
	case dsl.OpSub:
		z.Sub(x, y)
	case dsl.OpMul:
		z.Mul(x, y)
	default:
		if y.Sign() == 0 {
			panic(failure{})
		}
		z.Quo(x, y)
		if o == dsl.OpMod {
			quotient := new(big.Int).Quo(z.Num(), z.Denom())
			z.Sub(x, new(big.Rat).Mul(new(big.Rat).SetInt(quotient), y))
		}
	}
	if e.Type.Kind == cep.KindNumber {
		n, _ := z.Float64()
		if math.IsInf(n, 0) {
			panic(failure{})
		}
		return cep.Num(n + 0)
	}
	twice := new(big.Int).Mul(z.Num(), big.NewInt(2))
	q, r := new(big.Int).DivMod(twice.Add(twice, z.Denom()), new(big.Int).Mul(z.Denom(), big.NewInt(2)), new(big.Int))
	if r.Sign() == 0 && q.Bit(0) == 1 { // half of two: the even one
		q.Sub(q, big.NewInt(1))
	}
	if !q.IsInt64() {
		panic(failure{})
	}
	return cep.Value{Type: e.Type.Required(), Word: cep.Word(q.Int64())}
}

// gen draws expressions of a type, at most so deep.
type gen struct{ *rand.Rand }

var genFields = map[cep.Kind][]string{cep.KindBool: {"flag"}, cep.KindInt: {"n", "req"}, cep.KindNumber: {"x"}, cep.KindMoney: {"amount"},
	cep.KindString: {"s", "t", "name"}, cep.KindEnum: {"decision"}, cep.KindDuration: {"dur"}, cep.KindTimestamp: {"when", "at"}}

var genTypes = []cep.Type{boolT, intT, numberT, usdT, stringT, decisionT, durationT, timeT}

func (g gen) of(t cep.Type, depth int) *dsl.Expr {
	if depth == 0 || g.IntN(5) == 0 {
		if g.IntN(3) == 0 {
			return lit(t, g.text(t))
		}
		names := genFields[t.Kind]
		return fld(names[g.IntN(len(names))])
	}
	sub := func(t cep.Type) *dsl.Expr { return g.of(t, depth-1) }
	switch g.IntN(8) {
	case 0:
		return op(dsl.OpElse, t, sub(t), sub(t))
	case 1:
		e := op(dsl.OpCall, t, sub(boolT), sub(t), sub(t))
		e.Func = dsl.Function("if")
		return e
	}
	pick := func(ops ...dsl.Op) dsl.Op { return ops[g.IntN(len(ops))] }
	switch t.Kind {
	case cep.KindBool:
		return g.condition(depth, sub)
	case cep.KindInt:
		if g.IntN(6) == 0 {
			return op(dsl.OpNeg, t, sub(t))
		}
		return op(pick(dsl.OpAdd, dsl.OpSub, dsl.OpMul, dsl.OpMod), t, sub(t), sub(t))
	case cep.KindNumber:
		switch g.IntN(4) {
		case 0:
			return op(dsl.OpToNumber, t, sub(intT))
		case 1:
			u := []cep.Type{usdT, durationT}[g.IntN(2)]
			return op(dsl.OpDiv, t, sub(u), sub(u))
		}
		return op(pick(dsl.OpAdd, dsl.OpSub, dsl.OpMul, dsl.OpDiv, dsl.OpMod), t, sub(t), sub(t))
	case cep.KindMoney, cep.KindDuration:
		by := sub(numberT)
		if g.IntN(2) == 0 {
			by = op(dsl.OpToNumber, numberT, sub(intT))
		}
		switch g.IntN(4) {
		case 0:
			return op(dsl.OpMul, t, sub(t), by)
		case 1:
			return op(dsl.OpMul, t, by, sub(t))
		case 2:
			return op(dsl.OpDiv, t, sub(t), by)
		}
		return op(pick(dsl.OpAdd, dsl.OpSub), t, sub(t), sub(t))
	case cep.KindTimestamp:
		return op(pick(dsl.OpAdd, dsl.OpSub), t, sub(t), sub(durationT))
	}
	return op(dsl.OpElse, t, sub(t), sub(t))
}

func (g gen) condition(depth int, sub func(cep.Type) *dsl.Expr) *dsl.Expr {
	switch g.IntN(10) {
	case 0, 1:
		e := cond([]dsl.Op{dsl.OpAnd, dsl.OpOr}[g.IntN(2)])
		for range 2 + g.IntN(4) {
			e.Args = append(e.Args, sub(boolT))
		}
		return e
	case 2:
		return cond(dsl.OpNot, sub(boolT))
	case 3:
		return cond([]dsl.Op{dsl.OpIsMissing, dsl.OpIsPresent}[g.IntN(2)], sub(genTypes[g.IntN(len(genTypes))]))
	case 4:
		t := genTypes[1+g.IntN(len(genTypes)-1)]
		list := op(dsl.OpListLit, listT(t))
		for range 1 + g.IntN(6) {
			list.Args = append(list.Args, lit(t, g.text(t)))
		}
		return cond(dsl.OpIn, sub(t), list)
	case 5: // between
		names := genFields[cep.KindInt]
		of := fld(names[g.IntN(2)])
		return cond(dsl.OpAnd, cond(dsl.OpGe, of, lit(intT, g.text(intT))), cond(dsl.OpLe, of, lit(intT, g.text(intT))))
	}
	t := genTypes[g.IntN(len(genTypes))]
	o := dsl.OpEq + dsl.Op(g.IntN(6))
	if t.Kind == cep.KindBool {
		o = dsl.OpEq + dsl.Op(g.IntN(2))
	}
	return cond(o, sub(t), sub(t))
}

// text draws a literal; small values often, so that they meet.
func (g gen) text(t cep.Type) string {
	switch t.Kind {
	case cep.KindBool:
		return fmt.Sprint(g.IntN(2) == 0)
	case cep.KindInt:
		if g.IntN(10) == 0 {
			return []string{"9223372036854775807", "-9223372036854775808", "4611686018427387904"}[g.IntN(3)]
		}
		return fmt.Sprint(g.IntN(9) - 4)
	case cep.KindNumber:
		return []string{"0", "1", "-1", "0.5", "2.5", "1e300", "-1e-300", "0.1", "3"}[g.IntN(9)]
	case cep.KindMoney:
		return []string{"0 USD", "0.01 USD", "5 USD", "-2.50 USD", "0.000001 USD", "9223372036854.775807 USD"}[g.IntN(6)]
	case cep.KindEnum:
		return decisionT.Enum.Words[g.IntN(3)]
	case cep.KindDuration:
		return []string{"0s", "1ns", "5m", "-1h", "1d", "100000d"}[g.IntN(6)]
	case cep.KindTimestamp:
		return []string{"2026-01-31T10:00:00Z", "1970-01-01T00:00:00Z", "2261-12-31T00:00:00Z", "1678-01-01T00:00:00Z"}[g.IntN(4)]
	}
	return []string{"", "a", "ab", "b"}[g.IntN(4)]
}

func (g gen) row() string {
	row := ""
	for _, t := range genTypes {
		for _, name := range genFields[t.Kind] {
			required := name == "req" || name == "name" || name == "at"
			if required || g.IntN(3) > 0 {
				row += name + "=" + strings.ReplaceAll(g.text(t), " ", "_") + " "
			}
		}
	}
	return row
}

func TestRandomExpressionsAgreeWithTheReference(t *testing.T) {
	g := gen{rand.New(rand.NewPCG(11, 12))}
	outcomes := map[string]int{}
	for i := range 4_000 {
		var rows []string
		for range 4 {
			rows = append(rows, g.row())
		}
		f := frameOf(batchOf(rows...))
		typ := genTypes[g.IntN(len(genTypes))]
		if i%2 == 0 {
			typ = boolT
		}
		e := g.of(typ, 1+g.IntN(4))
		c := &Compiler{}
		if g.IntN(2) == 0 {
			c.Schema = schema
		}
		is := Cond(nil)
		if typ.Kind == cep.KindBool {
			var err error
			if is, err = c.Cond(e); err != nil {
				t.Fatalf("%s: %v", e, err)
			}
		}
		for row := range rows {
			f.at(row)
			want, failed := refText(f, e)
			if got := text(t, c, f, e); got != want {
				t.Fatalf("%s\n is   %s\n want %s\n over %s", e, got, want, rows[row])
			}
			if is != nil && is(f) != (want == "true") {
				t.Fatalf("%s\n is %v as a condition, want %s\n over %s", e, is(f), want, rows[row])
			}
			switch {
			case failed:
				outcomes["failed"]++
			case want == cep.MissingText:
				outcomes["missing"]++
			default:
				outcomes["value"]++
			}
		}
	}
	for _, o := range []string{"failed", "missing", "value"} {
		if outcomes[o] < 300 {
			t.Errorf("%d results are %s: the test tries too little", outcomes[o], o)
		}
	}
}

func refText(f *Frame, e *dsl.Expr) (s string, failed bool) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(failure); !ok {
				panic(r)
			}
			s, failed = "failed", true
		}
	}()
	return ref(f, e).String(), false
}
