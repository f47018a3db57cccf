package cep

import (
	"errors"
	"strconv"
	"strings"
)

// MoneyScale is how many units of a money Word make one unit of its currency:
// money counts millionths.
const MoneyScale = 1_000_000

// Errors of reading money, beside ErrNumber, ErrRange and ErrDecimals.
var ErrCurrency = errors.New("another currency")

// ParseMoney reads "12.30" or "12.30 USD" as millionths of the currency's
// unit. The text is never read through a float: more than six decimals are
// ErrDecimals, an amount beyond ±9.2e12 is ErrRange, text that names another
// currency is ErrCurrency, anything else ErrNumber. With currency "" no
// currency may be named.
func ParseMoney(s, currency string) (int64, error) {
	if i := strings.IndexByte(s, ' '); i >= 0 {
		code := strings.TrimLeft(s[i:], " ")
		if code != currency || currency == "" {
			if _, known := CurrencyDigits(code); known || isCode(code) {
				return 0, ErrCurrency
			}
			return 0, ErrNumber
		}
		s = s[:i]
	}
	d, ok := ParseDecimal(s)
	if !ok {
		return 0, ErrNumber
	}
	return d.Money()
}

// Money returns the number as millionths; see ParseMoney for the errors.
func (d Decimal) Money() (int64, error) {
	if d.Decimals > 6 {
		return 0, ErrDecimals
	}
	return d.Scaled(6)
}

func isCode(s string) bool {
	if len(s) != 3 {
		return false
	}
	for i := range 3 {
		if s[i] < 'A' || s[i] > 'Z' {
			return false
		}
	}
	return true
}

// AppendMoney writes an amount with its currency's decimals, with more where
// it has more: "5.00 USD", "3.499 USD", "500 JPY".
func AppendMoney(dst []byte, m int64, currency string) []byte {
	digits, _ := CurrencyDigits(currency)
	for digits < 6 && uint64(abs(m))%pow10u[6-digits] != 0 {
		digits++
	}
	dst = appendFixed(dst, m, digits)
	if currency != "" {
		dst = append(append(dst, ' '), currency...)
	}
	return dst
}

// appendFixed writes millionths with exactly digits decimals, rounded half to
// even where there are more.
func appendFixed(dst []byte, m int64, digits int) []byte {
	u := abs(m)
	if digits < 6 {
		u = roundHalfEven(u, pow10u[6-digits]) * pow10u[6-digits]
	}
	if m < 0 && u != 0 {
		dst = append(dst, '-')
	}
	dst = strconv.AppendUint(dst, u/MoneyScale, 10)
	if digits == 0 {
		return dst
	}
	dst = append(dst, '.')
	rest := u % MoneyScale
	for i := range digits {
		if i < 6 {
			dst = append(dst, byte('0'+rest/pow10u[5-i]%10))
		} else {
			dst = append(dst, '0')
		}
	}
	return dst
}

var pow10u = [...]uint64{1, 10, 100, 1_000, 10_000, 100_000, 1_000_000}

// abs is exact for the smallest int64 too.
func abs(m int64) uint64 {
	if m < 0 {
		return -uint64(m)
	}
	return uint64(m)
}

// roundHalfEven returns u/by rounded half to even.
func roundHalfEven(u, by uint64) uint64 {
	q, r := u/by, u%by
	if r > by-r || r == by-r && q&1 == 1 {
		q++
	}
	return q
}
