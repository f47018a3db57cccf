package access

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// What a file may hold.
const (
	MaxTokens = 10_000
	maxFile   = 4 << 20 // bytes
)

const hashPrefix = "sha256:"

// head is what a new file begins with.
const head = `# Tokens of a Weir server: name role hash created expires
# "weir token new" adds one, "weir token revoke" takes one out; a server reads the file again when it changes.
`

// ParseError says what is wrong with a file of tokens, and where.
type ParseError struct {
	File string
	Line int
	Why  string
}

func (e *ParseError) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Why) }

// Parse reads the text of a file of tokens: a line each, with name, role, hash,
// the time it was made and the time it expires or "never". Lines that are empty
// or begin with # are passed over; everything else must be right, so that a slip
// never locks anybody out, or in, in silence.
func Parse(file, text string) ([]Token, error) {
	if len(text) > maxFile {
		return nil, &ParseError{file, 1, fmt.Sprintf("the file is larger than %d bytes", maxFile)}
	}
	var list []Token
	lineOf := map[Hash]int{}
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimRight(line, "\r\n")
		if trimmed := strings.Trim(line, " \t"); trimmed == "" || trimmed[0] == '#' {
			continue
		}
		t, why := parseLine(line)
		if why == "" && lineOf[t.Hash] > 0 {
			why = fmt.Sprintf("the same token is in line %d", lineOf[t.Hash])
		}
		if why == "" && len(list) == MaxTokens {
			why = fmt.Sprintf("there are more than %d tokens", MaxTokens)
		}
		if why != "" {
			return nil, &ParseError{file, n, why}
		}
		lineOf[t.Hash] = n
		list = append(list, t)
	}
	return list, nil
}

// parseLine reads a token; why says what is wrong. It never repeats a hash, or
// a token that somebody put in its place.
func parseLine(line string) (t Token, why string) {
	fields := strings.FieldsFunc(line, func(c rune) bool { return c == ' ' || c == '\t' })
	if len(fields) != 5 {
		return t, fmt.Sprintf("a line has 5 words and not %d: name role hash created expires, like: jd analyst sha256:… 2026-01-31T10:00:00Z never", len(fields))
	}
	if strings.Contains(line, Prefix) {
		return t, `this is a token itself, which must not be kept: make a new one with "weir token new", and let nobody use this one`
	}
	if err := checkName(fields[0]); err != nil {
		return t, err.Error()
	}
	role, err := ParseRole(fields[1])
	if err != nil {
		return t, err.Error()
	}
	t.Name, t.Role = fields[0], role
	digits, ok := strings.CutPrefix(fields[2], hashPrefix)
	if !ok || len(digits) != 2*len(t.Hash) || strings.ToLower(digits) != digits {
		return t, "the hash must be sha256: and 64 lower-case hexadecimal digits"
	}
	if _, err := hex.Decode(t.Hash[:], []byte(digits)); err != nil {
		return t, "the hash must be sha256: and 64 lower-case hexadecimal digits"
	}
	if t.Created, why = parseTime(fields[3]); why != "" {
		return t, why
	}
	if fields[4] == "never" {
		return t, ""
	}
	t.Expires, why = parseTime(fields[4])
	return t, why
}

func parseTime(text string) (time.Time, string) {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil || t.Nanosecond() != 0 || t.Year() < 1970 || t.Year() > 9999 {
		return time.Time{}, fmt.Sprintf("%q is no time; write it like 2026-01-31T10:00:00Z", text)
	}
	return t.UTC(), ""
}

// Line is the token as it stands in a file.
func (t *Token) Line() string {
	expires := "never"
	if !t.Expires.IsZero() {
		expires = t.Expires.UTC().Format(time.RFC3339)
	}
	return fmt.Sprintf("%s %s %s%s %s %s", t.Name, t.Role, hashPrefix, hex.EncodeToString(t.Hash[:]), t.Created.UTC().Format(time.RFC3339), expires)
}
