package dsl

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/weir-cep/weir/cep"
)

// Functions returns the language's catalogue of functions, by name. Aggregates
// are grammar, not functions; Aggregates lists them.
func Functions() []*Func { return catalogue }

// Function finds a function of the catalogue, nil if there is none.
func Function(name string) *Func {
	i, ok := slices.BinarySearchFunc(catalogue, name, func(f *Func, name string) int { return strings.Compare(f.Name, name) })
	if !ok {
		return nil
	}
	return catalogue[i]
}

var catalogue = func() []*Func {
	fs := slices.Concat(numberFuncs(), timeFuncs(), textFuncs(), otherFuncs())
	slices.SortFunc(fs, func(a, b *Func) int { return strings.Compare(a.Name, b.Name) })
	return fs
}()

// guarded is what most functions do with a missing argument: the checker
// rejects a call with an argument that may be missing.
const guarded = "an argument that may be missing is an error: use else, or guard it"

var (
	boolType      = cep.Type{Kind: cep.KindBool}
	intType       = cep.Type{Kind: cep.KindInt}
	numberType    = cep.Type{Kind: cep.KindNumber}
	stringType    = cep.Type{Kind: cep.KindString}
	timestampType = cep.Type{Kind: cep.KindTimestamp}
	durationType  = cep.Type{Kind: cep.KindDuration}
	ipType        = cep.Type{Kind: cep.KindIP}
	pointType     = cep.Type{Kind: cep.KindPoint}
	severityType  = cep.Type{Kind: cep.KindSeverity}
)

func listOf(t cep.Type) cep.Type {
	t.Optional = false
	return cep.Type{Kind: cep.KindList, Elem: &t}
}

// isNumeric says whether a value is a plain number.
func isNumeric(t cep.Type) bool { return t.Kind == cep.KindInt || t.Kind == cep.KindNumber }

// toNumber puts an int under OpToNumber and leaves all else alone.
func toNumber(e *Expr) *Expr {
	if e.Type.Kind != cep.KindInt {
		return e
	}
	t := numberType
	t.Optional = e.Type.Optional
	if e.Op == OpConst {
		c := *e
		c.Type = t
		c.Const = cep.Value{Type: t, Word: cep.NumberWord(float64(int64(e.Const.Word)))}
		return &c
	}
	return &Expr{Op: OpToNumber, Type: t, Args: []*Expr{e}, Span: e.Span}
}

// constText makes an address or a point of a constant text, as event fields do
// when they are read; anything else it leaves alone.
func constText(e *Expr, want cep.Type) (*Expr, error) {
	if e.Op != OpConst || e.Type.Kind != cep.KindString || e.Const.Missing {
		return e, nil
	}
	v := cep.Value{Type: want.Required()}
	var err error
	switch want.Kind {
	case cep.KindIP:
		v.Wide, err = cep.ParseIP(e.Const.Text)
	case cep.KindPoint:
		v.Wide, err = cep.ParsePoint(e.Const.Text)
	default:
		return e, nil
	}
	if err != nil {
		return nil, err
	}
	return &Expr{Op: OpConst, Type: v.Type, Const: v, Span: e.Span}, nil
}

// sig builds the Check of a function with fixed parameter types. A parameter
// list may end in optional ones: need says how many must be given.
func sig(result cep.Type, need int, params ...cep.Type) func([]*Expr) (cep.Type, error) {
	return func(args []*Expr) (cep.Type, error) {
		if err := arity(args, need, len(params)); err != nil {
			return cep.Type{}, err
		}
		for i, a := range args {
			switch params[i].Kind {
			case cep.KindNumber:
				args[i] = toNumber(a)
			case cep.KindIP, cep.KindPoint:
				if c, err := constText(a, params[i]); err == nil {
					args[i] = c
				}
			}
			if !args[i].Type.Required().Equal(params[i]) {
				return cep.Type{}, &argError{Arg: i, Want: params[i].String(), Got: a.Type}
			}
		}
		return result, nil
	}
}

// same builds the Check of a function of one argument that keeps its type.
func same(kinds ...cep.Kind) func([]*Expr) (cep.Type, error) {
	return func(args []*Expr) (cep.Type, error) {
		if err := arity(args, 1, 1); err != nil {
			return cep.Type{}, err
		}
		if !slices.Contains(kinds, args[0].Type.Kind) {
			return cep.Type{}, &argError{Arg: 0, Want: kindList(kinds), Got: args[0].Type}
		}
		return args[0].Type.Required(), nil
	}
}

func kindList(kinds []cep.Kind) string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.String()
	}
	return orList(names)
}

// argError is an ill-typed argument; the checker points at it.
type argError struct {
	Arg  int
	Want string
	Got  cep.Type
}

func (e *argError) Error() string {
	return fmt.Sprintf("argument %d must be %s, this is %s", e.Arg+1, withArticle(e.Want), withArticle(e.Got.String()))
}

func arity(args []*Expr, lo, hi int) error {
	n := len(args)
	switch {
	case n >= lo && n <= hi:
		return nil
	case lo == hi:
		return fmt.Errorf("it takes %s, not %d", plural(lo, "argument"), n)
	default:
		return fmt.Errorf("it takes %d to %s, not %d", lo, plural(hi, "argument"), n)
	}
}

func numberFuncs() []*Func {
	return []*Func{
		{Name: "abs", Signature: "abs(x: int, number, money or duration) the same",
			Doc: "The amount without its sign.", Missing: guarded,
			Examples: []Example{{"abs(-3)", "3"}, {"abs(2.00 USD - 5.00 USD)", "3.00 USD"}},
			Check:    same(cep.KindInt, cep.KindNumber, cep.KindMoney, cep.KindDuration)},
		{Name: "round", Signature: "round(x: int, number or money, digits: int) the same",
			Doc:     "x to so many decimals (0 to 6; 0 if left out), halves to the even neighbour.",
			Missing: guarded, Examples: []Example{{"round(2.5)", "2"}, {"round(2.345, 1)", "2.3"}, {"round(9.99 USD)", "10.00 USD"}},
			Check: checkRound},
		{Name: "floor", Signature: "floor(x: int, number or money) the same",
			Doc: "The largest whole amount that is not above x.", Missing: guarded,
			Examples: []Example{{"floor(2.7)", "2"}, {"floor(-2.1)", "-3"}, {"floor(9.99 USD)", "9.00 USD"}},
			Check:    same(cep.KindInt, cep.KindNumber, cep.KindMoney)},
		{Name: "ceil", Signature: "ceil(x: int, number or money) the same",
			Doc: "The smallest whole amount that is not below x.", Missing: guarded,
			Examples: []Example{{"ceil(2.1)", "3"}, {"ceil(9.01 USD)", "10.00 USD"}},
			Check:    same(cep.KindInt, cep.KindNumber, cep.KindMoney)},
		{Name: "sqrt", Signature: "sqrt(x: number) number",
			Doc: "The square root; of a negative number it fails, which makes its condition false.", Missing: guarded,
			Examples: []Example{{"sqrt(16)", "4"}}, Check: sig(numberType, 1, numberType)},
		{Name: "log", Signature: "log(x: number) number",
			Doc: "The natural logarithm; of 0 and below it fails, which makes its condition false.", Missing: guarded,
			Examples: []Example{{"log(1)", "0"}}, Check: sig(numberType, 1, numberType)},
		{Name: "exp", Signature: "exp(x: number) number",
			Doc: "e to the power of x.", Missing: guarded,
			Examples: []Example{{"exp(0)", "1"}}, Check: sig(numberType, 1, numberType)},
		{Name: "pow", Signature: "pow(x: number, y: number) number",
			Doc: "x to the power of y; where that is no number it fails, which makes its condition false.", Missing: guarded,
			Examples: []Example{{"pow(2, 10)", "1024"}}, Check: sig(numberType, 2, numberType, numberType)},
		{Name: "least", Signature: "least(a, b, …) the same",
			Doc: "The smallest of two or more values of one ordered type.", Missing: guarded,
			Examples: []Example{{"least(3, 2.5)", "2.5"}, {"least(5m, 1h)", "5m"}}, Check: checkExtreme},
		{Name: "greatest", Signature: "greatest(a, b, …) the same",
			Doc: "The largest of two or more values of one ordered type.", Missing: guarded,
			Examples: []Example{{"greatest(3, 7, 5)", "7"}, {"greatest(1.00 USD, 0.50 USD)", "1.00 USD"}}, Check: checkExtreme},
		{Name: "number", Signature: "number(x: int, number, money or string) number",
			Doc: "x as a plain number: money in units of its currency; text that is no number fails, which makes its condition false.", Missing: guarded,
			Examples: []Example{{"number(12.50 USD)", "12.5"}, {`number("3.5")`, "3.5"}}, Check: checkNumber},
		{Name: "int", Signature: "int(x: int, number or string) int",
			Doc: "x as an int, its decimals cut off; text that is no number fails, which makes its condition false.", Missing: guarded,
			Examples: []Example{{"int(2.9)", "2"}, {`int("42")`, "42"}}, Check: checkInt},
	}
}

func checkRound(args []*Expr) (cep.Type, error) {
	if err := arity(args, 1, 2); err != nil {
		return cep.Type{}, err
	}
	if len(args) == 2 {
		d := args[1]
		if d.Op != OpConst || d.Type.Kind != cep.KindInt || d.Const.Word > 6 {
			return cep.Type{}, &argError{Arg: 1, Want: "int from 0 to 6, written out", Got: d.Type}
		}
	}
	return same(cep.KindInt, cep.KindNumber, cep.KindMoney)(args[:1])
}

func checkNumber(args []*Expr) (cep.Type, error) {
	if _, err := same(cep.KindInt, cep.KindNumber, cep.KindMoney, cep.KindString)(args); err != nil {
		return cep.Type{}, err
	}
	return numberType, nil
}

func checkInt(args []*Expr) (cep.Type, error) {
	if _, err := same(cep.KindInt, cep.KindNumber, cep.KindString)(args); err != nil {
		return cep.Type{}, err
	}
	return intType, nil
}

// checkExtreme types least and greatest: two or more values of one ordered
// type, ints among numbers becoming numbers.
func checkExtreme(args []*Expr) (cep.Type, error) {
	if len(args) < 2 {
		return cep.Type{}, errors.New("it takes two or more arguments")
	}
	if slices.ContainsFunc(args, func(a *Expr) bool { return a.Type.Kind == cep.KindNumber }) {
		for i, a := range args {
			args[i] = toNumber(a)
		}
	}
	t := args[0].Type.Required()
	if !isOrdered(t.Kind) {
		return cep.Type{}, &argError{Arg: 0, Want: "value with an order", Got: t}
	}
	for i, a := range args[1:] {
		if !a.Type.Required().Equal(t) {
			return cep.Type{}, &argError{Arg: i + 1, Want: t.String() + " like the first", Got: a.Type}
		}
	}
	return t, nil
}

func isOrdered(k cep.Kind) bool {
	switch k {
	case cep.KindInt, cep.KindNumber, cep.KindMoney, cep.KindTimestamp, cep.KindDuration, cep.KindSeverity:
		return true
	}
	return false
}

func timeFuncs() []*Func {
	fs := []*Func{
		{Name: "time", Signature: "time(text) timestamp",
			Doc: "The point in time that a text names, RFC 3339; without a zone it is in the file's timezone. The text is written out.", Missing: "does not arise",
			Examples: []Example{{`time("2026-01-31T10:00:00Z")`, "2026-01-31T10:00:00Z"}},
			Check:    sig(timestampType, 1, stringType)},
	}
	for _, u := range []struct{ name, of, example, value string }{
		{"days", "days", "days(36h)", "1.5"}, {"hours", "hours", "hours(90m)", "1.5"},
		{"minutes", "minutes", "minutes(90s)", "1.5"}, {"seconds", "seconds", "seconds(1500ms)", "1.5"},
	} {
		fs = append(fs, &Func{Name: u.name, Signature: u.name + "(d: duration) number",
			Doc: "The duration in " + u.of + ".", Missing: guarded,
			Examples: []Example{{u.example, u.value}}, Check: sig(numberType, 1, durationType)})
	}
	const at = `(time("2026-01-31T23:30:15Z")`
	for _, p := range []struct{ name, doc, value, paris string }{
		{"year", "The year", "2026", "2026"},
		{"month", "The month, 1 to 12", "1", "2"},
		{"day", "The day of the month, 1 to 31", "31", "1"},
		{"weekday", "The day of the week, Monday 1 to Sunday 7", "6", "7"},
		{"hour", "The hour of the day, 0 to 23", "23", "0"},
		{"minute", "The minute of the hour, 0 to 59", "30", "30"},
	} {
		fs = append(fs, &Func{Name: p.name, Signature: p.name + "(t: timestamp, zone) int",
			Doc:      p.doc + ", in a time zone of the IANA list that is written out; without it in the file's timezone.",
			Missing:  guarded,
			Examples: []Example{{p.name + at + ")", p.value}, {p.name + at + `, "Europe/Paris")`, p.paris}},
			Check:    checkCalendar})
	}
	return fs
}

// checkCalendar types the parts of a date. The zone must be constant, so that
// a wrong one is found before the first event; the checker fills in the file's
// where none is given.
func checkCalendar(args []*Expr) (cep.Type, error) {
	if _, err := sig(intType, 1, timestampType, stringType)(args); err != nil {
		return cep.Type{}, err
	}
	if len(args) == 2 {
		z := args[1]
		if z.Op != OpConst {
			return cep.Type{}, &argError{Arg: 1, Want: "time zone, written out", Got: z.Type}
		}
		if _, err := time.LoadLocation(z.Const.Text); err != nil || z.Const.Text == "Local" || z.Const.Text == "" {
			return cep.Type{}, fmt.Errorf("there is no time zone %q; they are called like \"Europe/Paris\"", z.Const.Text)
		}
	}
	return intType, nil
}

func textFuncs() []*Func {
	return []*Func{
		{Name: "lower", Signature: "lower(s: string) string", Doc: "s in lower-case letters.", Missing: guarded,
			Examples: []Example{{`lower("ÀB")`, "àb"}}, Check: sig(stringType, 1, stringType)},
		{Name: "upper", Signature: "upper(s: string) string", Doc: "s in upper-case letters.", Missing: guarded,
			Examples: []Example{{`upper("ro")`, "RO"}}, Check: sig(stringType, 1, stringType)},
		{Name: "trim", Signature: "trim(s: string) string", Doc: "s without blanks at either end.", Missing: guarded,
			Examples: []Example{{`trim("  x y ")`, "x y"}}, Check: sig(stringType, 1, stringType)},
		{Name: "length", Signature: "length(x: string or list) int", Doc: "How many characters a text, or elements a list has.", Missing: guarded,
			Examples: []Example{{`length("año")`, "3"}, {`length(split("a,b", ","))`, "2"}}, Check: checkLength},
		{Name: "replace", Signature: "replace(s: string, old: string, new: string) string", Doc: "s with every old replaced by new.", Missing: guarded,
			Examples: []Example{{`replace("4 111 1", " ", "")`, "41111"}}, Check: sig(stringType, 3, stringType, stringType, stringType)},
		{Name: "split", Signature: "split(s: string, by: string) list of string", Doc: "The pieces of s between the separators; the separator is not empty.", Missing: guarded,
			Examples: []Example{{`"b" in split("a,b", ",")`, "true"}}, Check: sig(listOf(stringType), 2, stringType, stringType)},
		{Name: "part", Signature: "part(s: string, by: string, n: int) string?", Doc: "The n-th piece of s between the separators, from 1; from the end if n is negative; missing where there is none.", Missing: guarded,
			Examples: []Example{{`part("ann@x.org", "@", 2) else ""`, "x.org"}, {`part("a.b.c", ".", -1) else ""`, "c"}}, Check: sig(stringType.OrMissing(), 3, stringType, stringType, intType)},
		{Name: "left", Signature: "left(s: string, n: int) string", Doc: "The first n characters of s, or all of it.", Missing: guarded,
			Examples: []Example{{`left("411111000", 6)`, "411111"}}, Check: sig(stringType, 2, stringType, intType)},
		{Name: "right", Signature: "right(s: string, n: int) string", Doc: "The last n characters of s, or all of it.", Missing: guarded,
			Examples: []Example{{`right("411111000", 4)`, "1000"}}, Check: sig(stringType, 2, stringType, intType)},
		{Name: "similar", Signature: "similar(a: string, b: string) number", Doc: "How alike two texts are, 0 to 1: 1 minus their edit distance (insert, delete, replace a character) over the longer one's length.", Missing: guarded,
			Examples: []Example{{`similar("paypal", "paypa1") > 0.8`, "true"}, {`similar("abcd", "abce")`, "0.75"}, {`similar("", "")`, "1"}}, Check: sig(numberType, 2, stringType, stringType)},
	}
}

func checkLength(args []*Expr) (cep.Type, error) {
	if _, err := same(cep.KindString, cep.KindList)(args); err != nil {
		return cep.Type{}, err
	}
	return intType, nil
}

func otherFuncs() []*Func {
	return []*Func{
		{Name: "if", Signature: "if(condition: bool, then, else) the same",
			Doc: "One of two values of one type, by a condition. What the condition proves present may be used in the first, what its opposite proves in the second.", Missing: "missing if the chosen value is",
			Examples: []Example{{"if(2 > 1, 'a', 'b')", "a"}, {"if(false, 1, 2.5)", "2.5"}}, Check: checkIf},
		{Name: "distance_km", Signature: "distance_km(a: point, b: point) number",
			Doc: "The great-circle distance in kilometres on a sphere of radius 6371.0088 km.", Missing: guarded,
			Examples: []Example{{"round(distance_km(point(52.52, 13.405), point(48.8566, 2.3522)))", "877"}}, Check: sig(numberType, 2, pointType, pointType)},
		{Name: "point", Signature: "point(lat: number, lon: number) point",
			Doc: "A place by its degrees; outside ±90 and ±180 it fails, which makes its condition false.", Missing: guarded,
			Examples: []Example{{"distance_km(point(10, 20), point(10, 20))", "0"}}, Check: sig(pointType, 2, numberType, numberType)},
		{Name: "is_private", Signature: "is_private(a: ip) bool",
			Doc: "Whether an address belongs to a private network (10/8, 172.16/12, 192.168/16, fc00::/7), to the host itself or to its link.", Missing: guarded,
			Examples: []Example{{`is_private("10.1.2.3")`, "true"}, {`is_private("8.8.8.8")`, "false"}}, Check: sig(boolType, 1, ipType)},
	}
}

// checkIf types if(cond, a, b). The result may be missing if either value may.
func checkIf(args []*Expr) (cep.Type, error) {
	if err := arity(args, 3, 3); err != nil {
		return cep.Type{}, err
	}
	if args[0].Type.Kind != cep.KindBool {
		return cep.Type{}, &argError{Arg: 0, Want: "condition", Got: args[0].Type}
	}
	if args[1].Type.Kind == cep.KindNumber || args[2].Type.Kind == cep.KindNumber {
		args[1], args[2] = toNumber(args[1]), toNumber(args[2])
	}
	t, u := args[1].Type, args[2].Type
	if !t.Required().Equal(u.Required()) {
		return cep.Type{}, &argError{Arg: 2, Want: t.Required().String() + " like the one before", Got: u}
	}
	t.Optional = t.Optional || u.Optional
	return t, nil
}
