package app

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/internal/decode"
)

// timeForms are the layouts of times that are looked for, "" for RFC 3339.
var timeForms = []string{"", "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006/01/02 15:04:05", "02.01.2006 15:04:05", "02.01.2006 15:04", "02/01/2006 15:04:05", "01/02/2006 15:04:05", "01/02/2006 15:04", "02/Jan/2006:15:04:05 -0700", time.RFC1123Z, "2006-01-02"}

// guess is what one path holds.
type guess struct {
	path, name string
	seen       int // values that are not missing
	distinct   map[string]int
	fits       map[string]bool // which types every value fits
	lists      bool
	other      bool
	kind       string // of the declaration, "" for a path that none can read
	back       int64  // ns that a time goes back in the file at most
	last       int64
}

// distinctMax bounds the values that are counted of one path.
const distinctMax = 60_000

// guesses looks at all paths of a sample.
func guesses(s *sample) []*guess {
	all := make([]*guess, len(s.paths))
	for i, p := range s.paths {
		all[i] = &guess{path: p, distinct: map[string]int{}, fits: map[string]bool{"int": true, "number": true, "name": true, "bool": true, "ip": true, cep.UnixSeconds: true, cep.UnixMillis: true, "comma": true}}
		for _, f := range timeForms {
			all[i].fits["time "+f] = true
		}
	}
	for _, record := range s.records {
		for _, c := range record {
			if c.path >= 0 {
				all[c.path].see(c)
			}
		}
	}
	taken := map[string]bool{}
	for _, g := range all {
		g.decide(len(s.records))
		if g.path == "" || s.format == decode.JSON && slices.Contains(strings.Split(g.path, "."), "") {
			g.kind = "" // a name of no letters
		}
		g.name = fieldName(g.path, taken)
		g.backward(s)
	}
	return all
}

var commaDecimal = regexp.MustCompile(`^-?(\d{1,3}(\.\d{3})+|\d+),\d+$`)

// numeric are the numbers that Weir reads: those of JSON. 0711 is a name.
var numeric = regexp.MustCompile(`^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$`)

// nameDigits is how long a whole number is that names something, such as a card.
const nameDigits = 12

func (g *guess) see(c cell) {
	switch c.kind {
	case cellNull:
		return
	case cellList, cellOther:
		g.lists, g.other = true, g.other || c.kind == cellOther
		g.seen++
		return
	}
	g.seen++
	if len(g.distinct) < distinctMax {
		g.distinct[c.text]++
	}
	for f, ok := range g.fits {
		if ok && !fitsType(f, c) {
			g.fits[f] = false
		}
	}
}

// fitsType says whether a value can be read as a type.
func fitsType(f string, c cell) bool {
	switch f {
	case "int":
		_, err := strconv.ParseInt(c.text, 10, 64)
		return err == nil && numeric.MatchString(c.text)
	case "number":
		_, err := strconv.ParseFloat(c.text, 64)
		return err == nil && numeric.MatchString(c.text)
	case "name":
		return numeric.MatchString(c.text) && len(c.text) >= nameDigits
	case "bool":
		return c.kind == cellBool || c.kind == cellText && (strings.EqualFold(c.text, "true") || strings.EqualFold(c.text, "false"))
	case "ip":
		_, err := netip.ParseAddr(c.text)
		return err == nil && c.kind == cellText
	case "comma":
		return commaDecimal.MatchString(c.text) && c.kind == cellText
	case cep.UnixSeconds, cep.UnixMillis:
		v, err := strconv.ParseInt(c.text, 10, 64)
		if f == cep.UnixMillis {
			v /= 1000
		}
		return err == nil && v > 631152000 && v < 4102444800 // 1990 to 2100
	}
	_, err := parseForm(strings.TrimPrefix(f, "time "), c.text)
	return err == nil && c.kind == cellText
}

func parseForm(form, text string) (time.Time, error) {
	t, err := cep.ParseTime(text, form, time.UTC)
	return time.Unix(0, t).UTC(), err
}

var timeLike = regexp.MustCompile(`(?i)(^|_|\.)(at|ts|time|timestamp|date|datetime|epoch|created|updated|when)($|_|\.)|time$|At$|(?i)date$`)
var moneyLike = regexp.MustCompile(`(?i)amount|price|total|fee|balance|_usd$|_eur$|^amt|_amt$`)

// decide picks the narrowest type that all values fit.
func (g *guess) decide(records int) {
	switch {
	case g.other || g.lists && len(g.distinct) > 0:
		return // no declaration reads it
	case g.lists:
		g.kind = "list of string"
	case g.seen == 0:
		g.kind = "string"
	case g.fits["bool"]:
		g.kind = "bool"
	case g.fits[cep.UnixMillis] && timeLike.MatchString(g.path):
		g.kind = "timestamp(" + cep.UnixMillis + ")"
	case g.fits[cep.UnixSeconds] && timeLike.MatchString(g.path):
		g.kind = "timestamp(" + cep.UnixSeconds + ")"
	case g.fits["int"] && !g.fits["name"] && !idLike(g.path) && !moneyLike.MatchString(g.path):
		g.kind = "int"
	case g.fits["number"] && !(g.fits["int"] && g.fits["name"]) && !idLike(g.path):
		g.kind = "number"
	case g.fits["ip"]:
		g.kind = "ip"
	default:
		g.kind = "string"
		for _, f := range timeForms {
			if g.fits["time "+f] {
				g.kind = "timestamp"
				if f != "" {
					g.kind = fmt.Sprintf("timestamp(%q)", f)
				}
				break
			}
		}
	}
	if g.kind != "" && g.seen < records {
		g.kind += "?"
	}
}

// idLike names say that a number is a name, not a quantity.
func idLike(path string) bool {
	p := identifier(path)
	for _, end := range []string{"id", "_no", "_nr", "number", "account", "card", "iban", "phone", "zip", "pan"} {
		if strings.HasSuffix(p, end) {
			return true
		}
	}
	return false
}

func (g *guess) isTime() bool { return strings.HasPrefix(g.kind, "timestamp") }

// backward measures the disorder of a time.
func (g *guess) backward(s *sample) {
	if !g.isTime() {
		return
	}
	form := strings.Trim(strings.TrimSuffix(strings.TrimPrefix(strings.TrimSuffix(g.kind, "?"), "timestamp"), ")"), `("`)
	i := s.index[g.path]
	for _, record := range s.records {
		for _, c := range record {
			if c.path != i || c.kind == cellNull {
				continue
			}
			var at int64
			switch n, _ := strconv.ParseInt(c.text, 10, 64); form {
			case cep.UnixSeconds:
				at = n * int64(time.Second)
			case cep.UnixMillis:
				at = n * int64(time.Millisecond)
			default:
				t, _ := parseForm(form, c.text)
				at = t.UnixNano()
			}
			g.last = max(g.last, at)
			g.back = max(g.back, g.last-at)
		}
	}
}

// fieldName makes a name for a path: its last part where that is free and says
// enough.
func fieldName(path string, taken map[string]bool) string {
	name := identifier(path[strings.LastIndexByte(path, '.')+1:])
	switch name {
	case "id", "name", "type", "code", "value", "status", "key", "f_":
		name = identifier(path)
	}
	if taken[name] {
		name = identifier(path)
	}
	for n := 2; taken[name]; n++ {
		name = identifier(path) + "_" + strconv.Itoa(n)
	}
	taken[name] = true
	return name
}

// reservedName are the words of the language that no bare name may be.
var reservedName = map[string]bool{"and": true, "or": true, "not": true, "in": true, "is": true, "else": true, "over": true, "per": true, "contains": true, "between": true, "like": true, "ilike": true,
	"matches": true, "starts": true, "ends": true, "then": true, "no": true, "when": true, "where": true, "within": true, "newly": true, "before": true}

// identifier writes a text with the letters that a name may have.
func identifier(text string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(text) {
		switch {
		case unicode.Is(unicode.Mn, r): // an accent, which stood on the letter before it
		case r == 'ß':
			b.WriteString("ss")
		case r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)):
			b.WriteRune(unicode.ToLower(r))
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "_"):
			b.WriteByte('_')
		}
	}
	name := strings.Trim(b.String(), "_")
	if reservedName[name] {
		name += "_"
	}
	if name == "" || unicode.IsDigit(rune(name[0])) {
		name = "f_" + name
	}
	return name
}

// keys are the fields that come again and again with the same value, the best
// first.
func keys(all []*guess, id *guess) (list []*guess) {
	for _, g := range all {
		n := len(g.distinct)
		if g == id || n < 2 || g.seen < 2*n || (g.kind != "string" && g.kind != "ip" && g.kind != "ip?" && g.kind != "string?") {
			continue
		}
		list = append(list, g)
	}
	slices.SortStableFunc(list, func(a, b *guess) int {
		if x, y := idLike(a.path), idLike(b.path); x != y {
			if x {
				return -1
			}
			return 1
		}
		return len(b.distinct) - len(a.distinct)
	})
	return list
}

// decimalCommas says whether all values are numbers with a comma.
func (g *guess) decimalCommas() bool {
	return strings.TrimSuffix(g.kind, "?") == "string" && g.fits["comma"] && g.seen > 0
}

// nearestTime says which field holds a time in the most records, and the first
// value that is none; or it names the fields.
func nearestTime(s *sample, all []*guess) string {
	forms := []string{cep.UnixSeconds, cep.UnixMillis}
	for _, f := range timeForms {
		forms = append(forms, "time "+f)
	}
	var best *guess
	most, odd := 0, ""
	for i, g := range all {
		for _, form := range forms {
			if strings.HasPrefix(form, "unix") && !timeLike.MatchString(g.path) {
				continue
			}
			n, other := 0, "none at all"
			for _, record := range s.records {
				j := slices.IndexFunc(record, func(c cell) bool { return c.path == i })
				switch {
				case j >= 0 && fitsType(form, record[j]):
					n++
				case j >= 0 && record[j].text != "" && other == "none at all":
					other = strconv.Quote(shown([]byte(record[j].text)))
				}
			}
			if n > most {
				best, most, odd = g, n, other
			}
		}
	}
	if best == nil {
		return "Its fields: " + strings.Join(s.paths[:min(12, len(s.paths))], ", ")
	}
	return fmt.Sprintf("%s comes nearest: %d of %s have a time of one form in it, another has %s", best.path, most, plural(len(s.records), "record"), odd)
}
