package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// weir runs the command line in the test's folder.
func weir(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = Main(args, Streams{In: strings.NewReader(""), Out: &o, Err: &e})
	return code, o.String(), e.String()
}

// inFolder changes to an empty folder that has the repository's rules in it.
func inFolder(t *testing.T) {
	t.Helper()
	rules, err := filepath.Abs("../../rules")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := os.Symlink(rules, "rules"); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// The recorded attacks that the AWS rules must find, with the time of the
// alert, and nothing else.
func TestCloudTrail(t *testing.T) {
	inFolder(t)
	code, out, errs := weir(t, "run", "rules/library/aws", "--events", "rules/library/data/aws_cloudtrail_stratus.ndjson.gz")
	if code != exitOK {
		t.Fatal(errs)
	}
	var got []string
	for line := range strings.Lines(out) {
		var a struct {
			Rule, At string
			Fields   struct{ Run string }
		}
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s %s %s", a.Rule, a.Fields.Run, a.At[11:19]))
	}
	want := []string{
		"ec2_password_sweep 39f95f43 11:54:48",
		"secrets_listed_then_read 561fe49b 11:57:51",
		"ec2_attribute_sweep 9cbca289 12:02:56",
		"backdoor_user e1bd4d05 12:24:50",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// The same input gives the same bytes whatever the shards and workers are, and
// whether it is one file or comes gzipped.
func TestSameBytes(t *testing.T) {
	inFolder(t)
	if code, _, errs := weir(t, "gen", "--out", "events.ndjson", "--disorder", "20s", "--seed", "7"); code != exitOK {
		t.Fatal(errs)
	}
	first := ""
	for _, shards := range []string{"1", "2", "5"} {
		for _, workers := range []string{"1", "3"} {
			code, out, errs := weir(t, "run", "rules/library", "--events", "events.ndjson", "--shards", shards, "--workers", workers)
			if code != exitOK {
				t.Fatal(errs)
			}
			if first == "" {
				first = out
			}
			if out != first {
				t.Errorf("--shards %s --workers %s gives other bytes", shards, workers)
			}
		}
	}
	if n := strings.Count(first, "\n"); n < 50 {
		t.Errorf("only %d alerts", n)
	}
}

const tiny = `event E { time at  at: timestamp  k: string  n: int }
rule big { by k on E when n > 5 alert { message "{k}: {n}" } }
`

func TestBadRecords(t *testing.T) {
	inFolder(t)
	write(t, "r.cep", tiny)
	write(t, "e.ndjson", `{"type":"E","at":"2026-01-01T00:00:00Z","k":"a","n":6}
not json
{"type":"E","at":"2026-01-01T00:00:01Z","k":"a","n":"many"}
{"type":"F","at":"2026-01-01T00:00:02Z"}
{"type":"E","at":"2026-01-01T00:00:03Z","k":"a","n":7}
`)
	code, out, errs := weir(t, "run", "r.cep", "--events", "e.ndjson")
	if code != exitOK || strings.Count(out, "\n") != 2 {
		t.Fatalf("code %d, %s%s", code, out, errs)
	}
	dead, err := os.ReadFile("weir-dead-letters.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"position":1,"reason":"bad_json"`, `"raw":"not json"`, `"position":2,"reason":"bad_number"`} {
		if !strings.Contains(string(dead), want) {
			t.Errorf("the dead letters lack %s:\n%s", want, dead)
		}
	}
	for _, want := range []string{"rejected: 2 records", "skipped: 1 record of types that no rule names: F 1"} {
		if !strings.Contains(errs, want) {
			t.Errorf("the summary lacks %q:\n%s", want, errs)
		}
	}
}

func TestLate(t *testing.T) {
	inFolder(t)
	write(t, "r.cep", tiny)
	write(t, "e.ndjson", `{"type":"E","at":"2026-01-01T00:01:00Z","k":"a","n":6}
{"type":"E","at":"2026-01-01T00:00:30Z","k":"a","n":9}
`)
	code, out, errs := weir(t, "run", "r.cep", "--events", "e.ndjson")
	if code != exitOK || strings.Count(out, "\n") != 1 || !strings.Contains(errs, `"time at late 31s" would take them all`) {
		t.Fatalf("code %d, %s%s", code, out, errs)
	}
	late, err := os.ReadFile("weir-late.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(late), `"reason":"late","behind":"30s"`) {
		t.Errorf("%s", late)
	}
}

func TestExitCodes(t *testing.T) {
	inFolder(t)
	write(t, "good.cep", tiny)
	write(t, "bad.cep", strings.Replace(tiny, "n > 5", "m > 5", 1))
	write(t, "failing.cep", tiny+"test \"t\" for big { given at 0s E { k: \"a\", n: 1 } expect 1 alert }\n")
	for _, c := range []struct {
		args string
		code int
		errs string
	}{
		{"check good.cep", exitOK, "ok: 1 rule"},
		{"check bad.cep", exitRules, "1 error"},
		{"lint good.cep", exitFindings, "warning"},
		{"test failing.cep", exitFindings, ""},
		{"fmt --check good.cep", exitFindings, "not in canonical form"},
		{"check missing.cep", exitInput, "missing.cep"},
		{"run good.cep --events missing.ndjson", exitInput, "missing.ndjson"},
		{"run good.cep", exitInput, "--events"},
		{"run bad.cep --events e", exitRules, "E102"},
		{"run good.cep --events X=e", exitInput, "no event type"},
		{"run good.cep --shrads 2 --events e", exitInput, "--shards"},
		{"rnu good.cep", exitInput, `"run"`},
		{"explain nothing good.cep", exitInput, "no rule"},
		{"explain E999", exitInput, "no code"},
		{"version", exitOK, ""},
	} {
		code, out, errs := weir(t, strings.Fields(c.args)...)
		if code != c.code || !strings.Contains(errs, c.errs) {
			t.Errorf("weir %s: code %d, want %d and %q in:\n%s%s", c.args, code, c.code, c.errs, out, errs)
		}
	}
}

func TestSettings(t *testing.T) {
	inFolder(t)
	write(t, "r.cep", tiny)
	write(t, "e.ndjson", `{"type":"E","at":"2026-01-01T00:00:00Z","k":"a","n":6}`)
	write(t, "weir.yaml", "shards: 2\nout: from-file.ndjson\n")
	if code, _, errs := weir(t, "run", "r.cep", "--events", "e.ndjson"); code != exitOK {
		t.Fatal(errs)
	}
	if _, err := os.Stat("from-file.ndjson"); err != nil {
		t.Error("the setting of the file was not used")
	}
	t.Setenv("WEIR_OUT", "from-environment.ndjson")
	if code, _, errs := weir(t, "run", "r.cep", "--events", "e.ndjson"); code != exitOK {
		t.Fatal(errs)
	}
	if _, err := os.Stat("from-environment.ndjson"); err != nil {
		t.Error("the environment does not beat the file")
	}
	if code, out, errs := weir(t, "run", "r.cep", "--events", "e.ndjson", "--out", ""); code != exitOK || !strings.Contains(out, `"rule":"big"`) {
		t.Errorf("a flag does not beat the environment: %s%s", out, errs)
	}
	write(t, "weir.yaml", "shrads: 2\n")
	code, _, errs := weir(t, "run", "r.cep", "--events", "e.ndjson")
	if code != exitInput || !strings.Contains(errs, `weir.yaml:1: unknown setting "shrads"; did you mean "shards"?`) {
		t.Errorf("code %d: %s", code, errs)
	}
}

func TestDemo(t *testing.T) {
	code, out, errs := weir(t, "demo", "--offline")
	if code != exitOK {
		t.Fatal(errs)
	}
	for _, part := range []string{"ALERT  ", "why: For each ", "NEAR MISS  ", "SUMMARY  ", "33 of 33 planted incidents found, 15 of 15 near misses left alone", "NEXT"} {
		if !strings.Contains(out, part) {
			t.Errorf("the demo lacks %q:\n%s", part, out)
		}
	}
}

// A record that became no event is shown with the flag or text that is likely
// to mend it.
func TestFirstRejected(t *testing.T) {
	inFolder(t)
	write(t, "r.cep", tiny)
	const csv = "at,k,n\n2026-01-01T00:00:00Z,a,6\n"
	for _, c := range []struct{ name, text, events, errs string }{
		{"plain.csv", csv, "plain.csv", "write --events TYPE=plain.csv"},
		{"semi.csv", strings.ReplaceAll(csv, ",", ";"), "E=semi.csv", "add --delimiter ';'"},
		{"tab.csv", strings.ReplaceAll(csv, ",", "\t"), "E=tab.csv", `add --delimiter '\t'`},
		{"names.csv", strings.Replace(csv, "k", "key", 1), "E=names.csv", `k: TYPE from "COLUMN"`},
		{"csv.txt", csv, "E=csv.txt", "add --format csv"},
		{"array.json", `[{"n":1}]`, "E=array.json", "jq -c '.[]'"},
		{"pretty.json", "{\n\"n\":1\n}", "E=pretty.json", "jq -c . writes"},
		{"escape.csv", csv + "\x1b[2J,a,6\n", "E=escape.csv", "|  [2J,a,6"},
		{"case.ndjson", `{"type":"e","at":"2026-01-01T00:00:00Z","k":"a","n":6}`, "case.ndjson", `event E as "e"`},
	} {
		write(t, c.name, c.text)
		if code, _, errs := weir(t, "run", "r.cep", "--events", c.events); code != exitOK || !strings.Contains(errs, c.errs) {
			t.Errorf("%s: code %d, want %q in:\n%s", c.name, code, c.errs, errs)
		}
	}
}

// Any text can be CSV, of any delimiter.
func TestFormatAndDelimiter(t *testing.T) {
	inFolder(t)
	write(t, "r.cep", tiny)
	write(t, "e.txt", "at\tk\tn\n2026-01-01T00:00:00Z\ta\t6\n")
	for _, delimiter := range []string{`\t`, "\t", "tab"} {
		if code, out, errs := weir(t, "run", "r.cep", "--events", "E=e.txt", "--format", "csv", "--delimiter", delimiter); code != exitOK || strings.Count(out, "\n") != 1 {
			t.Errorf("%q: code %d, %s%s", delimiter, code, out, errs)
		}
	}
}

func TestHang(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"short", "short"},
		{strings.Repeat("x", 120), strings.Repeat("x", 120)},
		{"  a  " + strings.Repeat("word ", 30) + "end", "  a  " + strings.TrimSpace(strings.Repeat("word ", 19)) + "\n    " + strings.Repeat("word ", 11) + "end"},
	} {
		if got := hang(c.in, 4); got != c.want {
			t.Errorf("got\n%s\nwant\n%s", got, c.want)
		}
	}
}

// What the demo shows fits a screen of 100 columns.
func TestDemoFits(t *testing.T) {
	_, out, _ := weir(t, "demo", "--offline")
	for line := range strings.Lines(out) {
		if n := len([]rune(strings.TrimRight(line, "\n"))); n > width {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	if n := strings.Count(out, "\n"); n > 40 {
		t.Errorf("%d lines", n)
	}
}
