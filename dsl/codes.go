package dsl

import (
	"io/fs"
	"slices"
	"strings"
)

// Code is a stable code of the compiler with its page. Wrong raises exactly
// this code and Right is its repair; both are compiled by a test, together
// with the declarations of CodePrelude.
type Code struct {
	ID    string // "E105"
	Title string
	Text  string // why, and what to do
	Wrong string
	Right string
}

// Codes are all codes, in order: E1xx errors, W2xx warnings of lint.
var Codes = slices.Concat(errorCodes, clauseCodes, warningCodes)

// CodePrelude declares the events that the examples of codes use.
const CodePrelude = `
enum Decision { approved, declined, referred }
event Auth {
  id auth_id
  time at
  auth_id: string
  at: timestamp
  card_id: string
  customer_id: string
  merchant_id: string
  amount: money(USD)
  decision: Decision
  country: string
  ip: ip?
}
event Login { time at  at: timestamp  user_id: string  ok: bool }
event PasswordChange { time at  at: timestamp  user_id: string }
event Payout { time at  at: timestamp  owner_id: string  amount: money(USD)  beneficiary: string }
event Order { time at  at: timestamp  order_id: string  total: money(USD) }
event Payment { time at  at: timestamp  order_id: string  amount: money(USD) }
event Reading { time at  at: timestamp  sensor_id: string  temperature: number }
feature spend on Auth where decision == approved by card_id {
  n_30d = count() over previous 30d
  avg_30d = avg(amount) over previous 30d
}
`

// FindCode returns a code's entry; upper and lower case are the same.
func FindCode(id string) (*Code, bool) {
	for i := range Codes {
		if strings.EqualFold(Codes[i].ID, id) {
			return &Codes[i], true
		}
	}
	return nil, false
}

// ExplainCode is the page of a code; it reports false if there is none such.
func ExplainCode(id string) (string, bool) {
	c, ok := FindCode(id)
	if !ok {
		return "", false
	}
	return c.Page(), true
}

// Page is what "explain E105" prints: what the code means, an example with the
// message it gets, and the example repaired.
func (c *Code) Page() string {
	var b strings.Builder
	b.WriteString(c.ID + ": " + c.Title + "\n\n" + c.Text + "\n\nFor example:\n\n")
	b.WriteString(indented(c.Wrong))
	if ds := c.Found(c.Wrong); len(ds) > 0 {
		b.WriteString("\n" + indented(ds[0].Text()))
	}
	b.WriteString("\nWhat is meant:\n\n" + indented(c.Right))
	return b.String()
}

// Found compiles a text of the code's page and returns the findings about it.
// That a rule has no test (W209) is left to that code's own page.
func (c *Code) Found(text string) Diagnostics {
	f, ds := Parse("example.cep", []byte(text+CodePrelude))
	_, more := Check(codeFiles{}, f)
	var kept Diagnostics
	for _, d := range append(ds, more...) {
		if d.Code != "W209" || c.ID == "W209" {
			kept = append(kept, d)
		}
	}
	return kept
}

// codeFiles is the file system of the examples: one file, to be imported.
type codeFiles struct{}

func (codeFiles) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// ReadFile makes codeFiles an fs.ReadFileFS.
func (codeFiles) ReadFile(name string) ([]byte, error) {
	if name != "visits.cep" {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return []byte(`event Visit { time at  at: timestamp  user: string  page: string }
rule visits {
  by user
  on Visit
  when page == "/login"
  alert as Visited { severity low }
}
`), nil
}

func indented(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, l := range lines {
		if l != "" {
			lines[i] = "    " + l
		}
	}
	return strings.Join(lines, "\n") + "\n"
}
