package cep

import (
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseMoney(t *testing.T) {
	for _, c := range []struct {
		text string
		want int64
		err  error
	}{
		{"12.30", 12_300_000, nil},
		{"12.30 USD", 12_300_000, nil},
		{"12.30   USD", 12_300_000, nil},
		{"0", 0, nil},
		{"-0.000001", -1, nil},
		{"1e2", 100_000_000, nil},
		{"15e-1 USD", 1_500_000, nil},
		{"9223372036854.775807", math.MaxInt64, nil},
		{"-9223372036854.775808", math.MinInt64, nil},
		{"9223372036854.775808", 0, ErrRange},
		{"99999999999999999999", 0, ErrRange},
		{"1e400", 0, ErrRange},
		{"1.0000001", 0, ErrDecimals},
		{"1.0000000", 0, ErrDecimals},
		{"1e-7", 0, ErrDecimals},
		{"12.30 EUR", 0, ErrCurrency},
		{"12.30 ZZZ", 0, ErrCurrency},
		{"12.30 usd", 0, ErrNumber},
		{"12.30 ", 0, ErrNumber},
		{"USD 12.30", 0, ErrNumber},
		{"1,000.00", 0, ErrNumber},
		{"012", 0, ErrNumber},
		{"+1", 0, ErrNumber},
		{".5", 0, ErrNumber},
		{"", 0, ErrNumber},
		{"NaN", 0, ErrNumber},
	} {
		got, err := ParseMoney(c.text, "USD")
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("ParseMoney(%q) = %d, %v; want %d, %v", c.text, got, err, c.want, c.err)
		}
	}
	if _, err := ParseMoney("1 USD", ""); err != ErrCurrency {
		t.Errorf("money without a currency took one: %v", err)
	}
}

func TestAppendMoney(t *testing.T) {
	for _, c := range []struct {
		m        int64
		currency string
		want     string
	}{
		{5_000_000, "USD", "5.00 USD"},
		{3_490_000, "USD", "3.49 USD"},
		{3_499_000, "USD", "3.499 USD"},
		{-1, "USD", "-0.000001 USD"},
		{0, "EUR", "0.00 EUR"},
		{500_000_000, "JPY", "500 JPY"},
		{500_500_000, "JPY", "500.5 JPY"},
		{1_000_000, "KWD", "1.000 KWD"},
		{1_000_000, "CLF", "1.0000 CLF"},
		{math.MinInt64, "USD", "-9223372036854.775808 USD"},
	} {
		if got := string(AppendMoney(nil, c.m, c.currency)); got != c.want {
			t.Errorf("AppendMoney(%d, %s) = %s, want %s", c.m, c.currency, got, c.want)
		}
	}
}

func TestMoneyReadsBackWhatItWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.Int64().Draw(t, "m")
		currency := rapid.SampledFrom([]string{"USD", "JPY", "KWD", "UYW"}).Draw(t, "currency")
		got, err := ParseMoney(string(AppendMoney(nil, m, currency)), currency)
		if err != nil || got != m {
			t.Fatalf("%d %s came back as %d, %v", m, currency, got, err)
		}
	})
}

func TestCurrencies(t *testing.T) {
	for code, want := range map[string]int{"USD": 2, "JPY": 0, "KWD": 3, "TRY": 2, "TOP": 2, "CLF": 4} {
		if got, ok := CurrencyDigits(code); !ok || got != want {
			t.Errorf("CurrencyDigits(%s) = %d, %v", code, got, ok)
		}
	}
	for _, code := range []string{"SMS", "KYC", "ATM", "usd", "", "XAU"} {
		if _, ok := CurrencyDigits(code); ok {
			t.Errorf("%q is a currency", code)
		}
	}
	if len(currencies) < 150 {
		t.Errorf("only %d currencies", len(currencies))
	}
	for code := range currencies {
		if !isCode(code) {
			t.Errorf("%q is no code: the table is out of step", code)
		}
	}
}

// ratOf is the oracle of Decimal: the exact number that text stands for.
func ratOf(t *rapid.T, s string) *big.Rat {
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		t.Fatalf("oracle does not read %q", s)
	}
	return r
}

func TestDecimalIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,24})?([eE][+-]?[0-9]{1,2})?`).Draw(t, "s")
		d, ok := ParseDecimal(s)
		if !ok {
			t.Fatalf("%q refused", s)
		}
		digits := rapid.IntRange(0, 9).Draw(t, "digits")
		want := ratOf(t, s)
		want.Mul(want, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil)))
		floor := new(big.Int).Quo(want.Num(), want.Denom())
		got, err := d.Floor(digits)
		if fits := floor.IsInt64(); fits != (err == nil) || fits && got != floor.Int64() {
			t.Fatalf("Floor(%q, %d) = %d, %v; want %v", s, digits, got, err, floor)
		}
		got, err = d.Scaled(digits)
		switch {
		case !floor.IsInt64():
			if err != ErrRange {
				t.Fatalf("Scaled(%q, %d) = %d, %v; want out of range", s, digits, got, err)
			}
		case !want.IsInt():
			if err != ErrDecimals {
				t.Fatalf("Scaled(%q, %d) = %d, %v; want too many decimals", s, digits, got, err)
			}
		case err != nil || got != floor.Int64():
			t.Fatalf("Scaled(%q, %d) = %d, %v; want %v", s, digits, got, err, floor)
		}
	})
}

func TestDecimalFloatIsNearest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`-?(0|[1-9][0-9]{0,21})(\.[0-9]{1,21})?([eE][+-]?[0-9]{1,3})?`).Draw(t, "s")
		d, ok := ParseDecimal(s)
		if !ok {
			t.Fatalf("%q refused", s)
		}
		got, fits := d.Float(s)
		r := ratOf(t, s)
		want, _ := r.Float64()
		if fits != !math.IsInf(want, 0) || fits && got != want {
			t.Fatalf("Float(%q) = %v, %v; want %v", s, got, fits, want)
		}
		if got == 0 && math.Signbit(got) {
			t.Fatalf("Float(%q) is -0", s)
		}
	})
}

// halfEven rounds an exact quotient; it is the oracle of the integer helpers.
func halfEven(r *big.Rat) *big.Int {
	two := big.NewInt(2)
	q, m := new(big.Int).DivMod(r.Num(), r.Denom(), new(big.Int))
	switch m.Mul(m, two).Cmp(r.Denom()) {
	case 1:
		q.Add(q, big.NewInt(1))
	case 0:
		q.Add(q, new(big.Int).And(q, big.NewInt(1)))
	}
	return q
}

func checkRounded(t *rapid.T, what string, got int64, ok bool, want *big.Rat) {
	w := halfEven(want)
	if ok != w.IsInt64() || ok && got != w.Int64() {
		t.Fatalf("%s = %d, %v; want %v", what, got, ok, w)
	}
}

func TestRoundedArithmetic(t *testing.T) {
	ints := rapid.OneOf(rapid.Int64(), rapid.Int64Range(-1000, 1000),
		rapid.SampledFrom([]int64{math.MinInt64, math.MaxInt64, math.MinInt64 + 1}))
	floats := rapid.OneOf(rapid.Float64(), rapid.Float64Range(-1000, 1000),
		rapid.SampledFrom([]float64{0.5, 0.25, 1.5, -2, 0.1, 1 << 62, 1 << 64, 5e-324, math.MaxFloat64, 1e-18}))
	rapid.Check(t, func(t *rapid.T) {
		a, b, f := ints.Draw(t, "a"), ints.Draw(t, "b"), floats.Draw(t, "f")
		ra, rb, rf := new(big.Rat).SetInt64(a), new(big.Rat).SetInt64(b), new(big.Rat)
		got, ok := MulInt(a, b)
		checkRounded(t, "MulInt", got, ok, new(big.Rat).Mul(ra, rb))
		if b != 0 {
			got, ok = DivRound(a, b)
			checkRounded(t, "DivRound", got, ok, new(big.Rat).Quo(ra, rb))
			hi, lo := ints.Draw(t, "hi"), rapid.Uint64().Draw(t, "lo")
			sum := new(big.Int).Lsh(big.NewInt(hi), 64)
			sum.Add(sum, new(big.Int).SetUint64(lo))
			got, ok = DivRound128(hi, lo, b)
			checkRounded(t, "DivRound128", got, ok, new(big.Rat).Quo(new(big.Rat).SetInt(sum), rb))
		}
		rf.SetFloat64(f)
		got, ok = MulNumber(a, f)
		checkRounded(t, "MulNumber", got, ok, new(big.Rat).Mul(ra, rf))
		if f != 0 {
			got, ok = DivNumber(a, f)
			checkRounded(t, "DivNumber", got, ok, new(big.Rat).Quo(ra, rf))
		}
	})
	for _, f := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		if _, ok := MulNumber(1, f); ok {
			t.Errorf("1 × %v is a number", f)
		}
		if _, ok := DivNumber(1, f); ok {
			t.Errorf("1 ÷ %v is a number", f)
		}
	}
	if _, ok := DivNumber(1, 0); ok {
		t.Error("division by zero gave a number")
	}
	if _, ok := DivRound(1, 0); ok {
		t.Error("division by zero gave a number")
	}
	if got, _ := MulNumber(10_000_000, 0.8); got != 8_000_000 {
		t.Errorf("80%% of 10 USD = %d", got)
	}
}

func TestNumberGrammar(t *testing.T) {
	for _, s := range strings.Fields("01 -01 1. .1 1e 1e+ -  +1 1.e1 0x1 1_000 Infinity NaN --1 1e1.5 00") {
		if _, ok := ParseDecimal(s); ok {
			t.Errorf("%q read as a number", s)
		}
	}
}
