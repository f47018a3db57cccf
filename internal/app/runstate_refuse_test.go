//go:build unix

package app

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const tinyList = `list watched of string from file { path: "watched.txt" }
event E { id id  time at late 2s  id: string  at: timestamp  k: string  n: int }
rule big { by k on E when n > 5 and k in watched alert { message "{k}: {n}" } }
`

// aJob is a job that was stopped before it had begun.
func aJob(t *testing.T) {
	t.Helper()
	inFolder(t)
	write(t, "watched.txt", "a\n")
	write(t, "r.cep", tinyList)
	write(t, "e.ndjson", `{"type":"E","id":"1","at":"2026-01-01T00:00:00Z","k":"a","n":6}
{"type":"E","id":"2","at":"2026-01-01T00:00:01Z","k":"a","n":7}
`)
	ctx, stop := context.WithCancel(context.Background())
	stop()
	c := runCmd{input: input{Events: []string{"e.ndjson"}, TypeField: "type", Format: "auto", Delimiter: ","},
		Out: "alerts", Dead: "dead", Late: "late", State: "job", Rules: []string{"r.cep"}}
	var errs bytes.Buffer
	err := c.Run(ctx, Streams{Out: &errs, Err: &errs})
	if err == nil || err.Error() != "stopped; the same command goes on from here" {
		t.Fatalf("%v, %s", err, errs.String())
	}
}

// What is not the same as it was is said, and how to begin anew.
func TestJobIsAnother(t *testing.T) {
	const command = "run r.cep --events e.ndjson --out alerts --dead dead --late late --state job"
	for name, c := range map[string]struct {
		change func(t *testing.T)
		args   string
		errs   string
	}{
		"rules": {change: func(t *testing.T) { write(t, "r.cep", strings.Replace(tinyList, "n > 5", "n > 6", 1)) }, errs: "the job in job is another: the rule file r.cep has changed"},
		"list":  {change: func(t *testing.T) { write(t, "watched.txt", "a\nb\n") }, errs: "the list or table watched.txt has changed"},
		"size": {change: func(t *testing.T) {
			f, err := os.OpenFile("e.ndjson", os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if _, err := f.WriteString("\n"); err != nil {
				t.Fatal(err)
			}
		}, errs: "the size of e.ndjson was 128 bytes and is 129 bytes"},
		"content": {change: func(t *testing.T) {
			info, err := os.Stat("e.ndjson")
			if err != nil {
				t.Fatal(err)
			}
			write(t, "e.ndjson", strings.Replace(read(t, "e.ndjson"), `"n":7`, `"n":8`, 1))
			if err := os.Chtimes("e.ndjson", time.Time{}, info.ModTime()); err != nil {
				t.Fatal(err)
			}
		}, errs: "the beginning or the end of e.ndjson has changed. To begin anew, remove job or give another with --state"},
		"time": {change: func(t *testing.T) {
			if err := os.Chtimes("e.ndjson", time.Time{}, time.Unix(1e9, 0)); err != nil {
				t.Fatal(err)
			}
		}, errs: "and is 2001-09-09T01:46:40Z"},
		"file":    {change: func(t *testing.T) { write(t, "f.ndjson", read(t, "e.ndjson")) }, args: strings.Replace(command, "e.ndjson", "f.ndjson", 1), errs: "event file 1 was e.ndjson and is f.ndjson"},
		"files":   {change: func(t *testing.T) { write(t, "f.ndjson", "") }, args: command + " --events f.ndjson", errs: "event file 2 is new"},
		"drain":   {args: command + " --drain", errs: "whether deadlines behind the last event fire was false and is true"},
		"type":    {args: strings.Replace(command, "e.ndjson", "E=e.ndjson", 1), errs: "what is read out of event file 1 was JSON and is JSON, all of type E"},
		"out":     {args: strings.Replace(command, "alerts", "others", 1), errs: "--out was alerts and is others"},
		"no out":  {args: strings.Replace(command, "--out alerts", "", 1), errs: "--out was alerts and is standard output"},
		"renamed": {change: func(t *testing.T) { write(t, "s.cep", tinyList) }, args: strings.Replace(command, "r.cep", "s.cep", 1), errs: "the rule file r.cep is not there any more; the rule file s.cep is new"},
	} {
		t.Run(name, func(t *testing.T) {
			aJob(t)
			write(t, "alerts", "of the job")
			if c.change != nil {
				c.change(t)
			}
			args := c.args
			if args == "" {
				args = command
			}
			code, out, errs := weir(t, strings.Fields(args)...)
			if code != exitInput || !strings.Contains(errs, c.errs) || !strings.Contains(errs, "To begin anew, remove job") || strings.Count(errs, "\n") != 1 {
				t.Errorf("code %d, %s%s", code, out, errs)
			}
			if got := read(t, "alerts"); got != "of the job" {
				t.Errorf("the output of the other job was touched: %q", got)
			}
		})
	}
}

// Where a job cannot be kept, or what was kept cannot be used, one sentence
// says so.
func TestJobIsRefused(t *testing.T) {
	const command = "run r.cep --events e.ndjson --out alerts --dead dead --late late --state "
	for name, c := range map[string]struct {
		prepare func(t *testing.T)
		args    string
		errs    string
	}{
		"standard input": {args: "run r.cep --events - --state job", errs: "standard input cannot be read again after a crash: write it to a file and give that, or leave out --state"},
		"pipe": {prepare: func(t *testing.T) {
			if err := syscall.Mkfifo("pipe", 0o644); err != nil {
				t.Fatal(err)
			}
		}, args: "run r.cep --events pipe --state job", errs: "--events pipe: it is not a regular file, and cannot be read again"},
		"server": {prepare: func(t *testing.T) {
			d, err := openStateDir("other", 1)
			if err != nil {
				t.Fatal(err)
			}
			if err := d.close(); err != nil {
				t.Fatal(err)
			}
		}, args: command + "other", errs: "other is the state of a server (weir serve): give the job a folder of its own with --state"},
		"newer": {prepare: func(t *testing.T) { write(t, "job/FORMAT", "weir job 2\n") }, args: command + "job", errs: "job was written by a newer version of Weir"},
		"damaged format": {prepare: func(t *testing.T) { write(t, "job/FORMAT", "wier job 1\n") }, args: command + "job",
			errs: "job/FORMAT is damaged"},
		"somebody else's": {prepare: func(t *testing.T) {
			if err := os.Mkdir("mine", 0o755); err != nil {
				t.Fatal(err)
			}
			write(t, "mine/letter", "")
		}, args: command + "mine", errs: "mine is not a state directory of Weir (it holds letter, and no file FORMAT)"},
		"locked": {prepare: func(t *testing.T) {
			d, err := openJobDir("job")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { d.close() })
		}, args: command + "job", errs: "the state directory job is in use by another process: stop that one, or give another with --state"},
		"unwritable": {args: command + "e.ndjson/job", errs: "the state directory e.ndjson/job cannot be written (not a directory): make it writable for this user, or give another with --state"},
		"no output":  {prepare: func(t *testing.T) { remove(t, "alerts") }, args: command + "job", errs: "--out has to hold what the job has written so far: open alerts: no such file or directory. To begin anew"},
		"state": {prepare: func(t *testing.T) {
			paths, err := filepath.Glob("job/state/*.sst")
			if err != nil || len(paths) == 0 {
				t.Fatalf("%v, %v", paths, err)
			}
			for _, path := range paths {
				text := []byte(read(t, path))
				text[len(text)/3] ^= 1
				write(t, path, string(text))
			}
		}, args: command + "job", errs: "job/state"},
	} {
		t.Run(name, func(t *testing.T) {
			aJob(t)
			if c.prepare != nil {
				c.prepare(t)
			}
			code, out, errs := weir(t, strings.Fields(c.args)...)
			if code != exitInput || !strings.Contains(errs, c.errs) || strings.Count(errs, "\n") != 1 {
				t.Errorf("code %d, %s%s", code, out, errs)
			}
		})
	}
}

func remove(t *testing.T, name string) {
	t.Helper()
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
}

// A server does not work on a job's state.
func TestServerRefusesJob(t *testing.T) {
	aJob(t)
	if code, _, errs := weir(t, "serve", "r.cep", "--state", "job", "--listen", "127.0.0.1:0"); code != exitInput || !strings.Contains(errs, "job is the state of a job (weir run --state), not of a server: give another with --state") {
		t.Errorf("code %d, %s", code, errs)
	}
}

// The settings of a server do not make a run a job.
func TestStateIsGivenWithTheCommand(t *testing.T) {
	inFolder(t)
	write(t, "r.cep", tiny)
	write(t, "e.ndjson", `{"type":"E","at":"2026-01-01T00:00:00Z","k":"a","n":6}`)
	write(t, "weir.yaml", "state: of-the-server\n")
	t.Setenv("WEIR_STATE", "of-the-server-too")
	if code, out, errs := weir(t, "run", "r.cep", "--events", "e.ndjson"); code != exitOK || strings.Count(out, "\n") != 1 {
		t.Fatalf("code %d, %s", code, errs)
	}
	for _, dir := range []string{"of-the-server", "of-the-server-too"} {
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s was made", dir)
		}
	}
}
