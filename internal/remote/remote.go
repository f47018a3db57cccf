package remote

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/weir-cep/weir/internal/client"
)

// Commands are the commands of this package, to be embedded in the command line.
type Commands struct {
	Alerts     alertsCmd     `cmd:"" help:"Follow, list, acknowledge, close or comment alerts of a running server."`
	Deliveries deliveriesCmd `cmd:"" help:"List messages to webhooks, send them again, give them up, or send a test."`
	Silences   silencesCmd   `cmd:"" help:"Keep alerts from the sinks for a time."`
	Rules      rulesCmd      `cmd:"" help:"List, compare, change, switch or take back the rules of a running server."`
	Doctor     doctorCmd     `cmd:"" help:"Say why nothing matches or arrives, and what to do."`
	Top        topCmd        `cmd:"" help:"Watch sources, rules and deliveries of a running server."`
}

// IO is where a command writes to.
type IO struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer
}

// Findings ends a command that found something: exit code 1. What it found is
// printed.
type Findings int

func (f Findings) Error() string { return fmt.Sprintf("%d findings", int(f)) }

// Rejected ends a command whose rules do not compile: exit code 2. Why is printed.
type Rejected struct{}

func (Rejected) Error() string { return "the rules have errors" }

// target are the flags that say which server, and who asks.
type target struct {
	Server    string `default:"http://127.0.0.1:8080" placeholder:"URL" help:"Server to ask."`
	TokenFile string `placeholder:"FILE" help:"File with the token to say who one is by; else the environment's WEIR_TOKEN."`
	CAFile    string `name:"ca-file" placeholder:"FILE" help:"Certificates (PEM) that the server's may be signed by, in place of the system's."`
}

func (t target) open() (*client.Client, error) {
	token := os.Getenv("WEIR_TOKEN")
	if t.TokenFile != "" {
		text, err := os.ReadFile(t.TokenFile)
		if err != nil {
			return nil, fmt.Errorf("--token-file: %w", err)
		}
		if token = strings.TrimSpace(string(text)); token == "" || strings.ContainsAny(token, "\n\r ") {
			return nil, fmt.Errorf("--token-file %s must hold one token and nothing else", t.TokenFile)
		}
	}
	return client.New(client.Config{URL: t.Server, Token: token, CAFile: t.CAFile})
}

// format is the flag that says how results are printed.
type format struct {
	Output string `enum:"text,json" default:"text" help:"How to print: text or json."`
}

func (f format) json() bool { return f.Output == "json" }

// writeJSON writes a value on lines of its own.
func writeJSON(w io.Writer, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", text)
	return err
}

// table writes rows in columns; of rows without any it writes nothing.
func table(w io.Writer, head string, rows [][]string) error {
	if len(rows) == 0 {
		return nil
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, strings.ReplaceAll(head, " ", "\t"))
	for _, row := range rows {
		for i := range row {
			row[i] = clean(row[i])
			if row[i] == "" {
				row[i] = "-"
			}
		}
		fmt.Fprintln(tw, strings.Join(row, "\t"))
	}
	return tw.Flush()
}

// clean takes out of a text what a terminal would obey: values of events may be
// anything.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar {
			return '?'
		}
		return r
	}, text)
}

// clip shortens a text to n characters.
func clip(text string, n int) string {
	if r := []rune(text); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return text
}

// at is a time as it is shown; "" for none.
func at(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}

// ago is a span as it is shown.
func ago(d time.Duration) string {
	switch d = d.Abs(); {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%dd", int(d/(24*time.Hour)))
	case d >= time.Minute:
		return d.Round(time.Second).String()
	}
	return d.Round(100 * time.Millisecond).String()
}

// count writes "1 alert", "2 alerts".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// notBoth refuses two flags that exclude one another.
func notBoth(a, b string, x, y bool) error {
	if x && y {
		return fmt.Errorf("%s and %s do not go together", a, b)
	}
	return nil
}
