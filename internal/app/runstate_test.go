//go:build unix

package app

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
)

var kills = flag.Int("app.kills", 20, "times that a job is killed")

// generated makes a day of events with disorder, in two files, one of them
// packed and beginning later, and records that are none.
func generated(t *testing.T) []string {
	t.Helper()
	for i, seed := range []string{"7", "8"} {
		if code, _, errs := weir(t, "gen", "--out", fmt.Sprintf("day%d.ndjson", i), "--disorder", "25s", "--seed", seed, "--cards", "1200", "--users", "600"); code != exitOK {
			t.Fatal(errs)
		}
	}
	text, err := os.ReadFile("day1.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	for i, line := range bytes.SplitAfter(text, []byte("\n")) {
		if i%5000 == 0 {
			fmt.Fprintf(w, "no event %d\n", i)
		}
		w.Write(line)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, "day1.ndjson.gz", z.String())
	return []string{"--events", "day0.ndjson", "--events", "day1.ndjson.gz"}
}

var lateWords = regexp.MustCompile(`\blate \d+[sm]\b`)

// lateRules makes events of the generated stream late that come more than 5 s
// behind.
func lateRules(t *testing.T) string {
	t.Helper()
	names, err := filepath.Glob("rules/library/*.cep")
	if err != nil || len(names) == 0 {
		t.Fatalf("no rules: %v", err)
	}
	if err := os.Mkdir("mine", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join("mine", filepath.Base(name)), lateWords.ReplaceAllString(string(text), "late 5s"))
	}
	return "mine"
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// killAfter runs a command that is killed after a while, unless it has come to
// its end before.
func killAfter(t *testing.T, kill bool, after time.Duration, args []string) (killed bool, errs string) {
	t.Helper()
	var text bytes.Buffer
	cmd := command(args...)
	cmd.Stderr = &text
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if kill {
		timer := time.AfterFunc(after, func() { cmd.Process.Kill() })
		defer timer.Stop()
	}
	err := cmd.Wait()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return true, text.String()
	}
	if err != nil {
		t.Fatalf("%v: %s", err, text.String())
	}
	return false, text.String()
}

// stopper ends a run when enough has been written to it.
type stopper struct {
	bytes.Buffer
	left int
	stop func()
}

func (s *stopper) Write(p []byte) (int, error) {
	if s.left -= len(p); s.left < 0 {
		s.stop()
	}
	return s.Buffer.Write(p)
}

// Alerts on standard output go on where a job was stopped.
func TestStoppedJobOnStandardOutput(t *testing.T) {
	inFolder(t)
	if code, _, errs := weir(t, "gen", "--out", "day.ndjson", "--cards", "2000", "--users", "1000"); code != exitOK {
		t.Fatal(errs)
	}
	_, want, _ := weir(t, "run", "rules/library", "--events", "day.ndjson")
	got, stops := "", 0
	for {
		ctx, stop := context.WithCancel(context.Background())
		out := &stopper{left: len(want) / 5, stop: stop}
		var errs bytes.Buffer
		c := runCmd{input: input{Events: []string{"day.ndjson"}, TypeField: "type", Format: "auto", Delimiter: ","},
			Dead: "dead", Late: "late", State: "job", Rules: []string{"rules/library"}, CheckpointInterval: interval(time.Hour), Shards: 2 + stops%2}
		err := c.Run(ctx, Streams{Out: out, Err: &errs})
		stop()
		got += out.String()
		if text := errs.String(); stops > 0 && (!strings.Contains(text, "going on behind the checkpoint of") || !strings.Contains(text, "Alerts that were written to standard output since then come again")) {
			t.Errorf("it did not say where it went on: %s", text)
		} else if kept := strings.Contains(text, "The state stays spread over 2 shards"); kept != (stops%2 == 1) {
			t.Errorf("what it said of shards: %s", text)
		}
		if err == nil {
			break
		}
		if stops++; !strings.HasPrefix(err.Error(), "stopped;") || stops > 20 {
			t.Fatal(err)
		}
	}
	if got != want || stops < 2 {
		t.Errorf("%d bytes after %d stops, %d in one go", len(got), stops, len(want))
	}
}

// A job that is killed at any moment, again and again, writes what it would
// have written in one go.
func TestKilledJob(t *testing.T) {
	inFolder(t)
	rules := lateRules(t)
	args := append([]string{"run", rules, "--stats"}, generated(t)...)
	code, _, errs := weir(t, append(args, "--out", "want", "--dead", "want-dead", "--late", "want-late")...)
	if code != exitOK {
		t.Fatal(errs)
	}
	start := time.Now()
	if code, _, errs = weir(t, append(args, "--out", "x", "--dead", "y", "--late", "z")...); code != exitOK {
		t.Fatal(errs)
	}
	whole := time.Since(start)
	seed := time.Now().UnixNano()
	t.Logf("seed %d, a run takes %s", seed, whole)
	r := rand.New(rand.NewPCG(uint64(seed), 0))
	killed, resumed, jobs := 0, 0, 0
	var last []string
	for killed < *kills {
		state := fmt.Sprint("job", jobs)
		jobs++
		args := append(args, "--out", "alerts", "--dead", "dead", "--late", "late", "--state", state, "--checkpoint-interval", "10ms", "--shards", fmt.Sprint(1+r.IntN(4)))
		last = args
		for left := 1 + r.IntN(8); ; left-- {
			dead, errs := killAfter(t, left > 0, time.Duration(r.Int64N(int64(2*whole))), args)
			if strings.Contains(errs, "going on behind") {
				resumed++
			}
			if !dead {
				break
			}
			killed++
		}
		for _, name := range []string{"alerts", "dead", "late"} {
			want := "want-" + name
			if name == "alerts" {
				want = "want"
			}
			if got, want := read(t, name), read(t, want); got != want {
				t.Fatalf("job %d: %s differs, %d bytes and %d:\n%s", jobs, name, len(got), len(want), errs)
			}
		}
		// Once more: it is finished.
		code, _, errs := weir(t, args...)
		if code != exitOK || !strings.Contains(errs, "this job is finished") || strings.Contains(errs, "any more") || read(t, "alerts") != read(t, "want") {
			t.Fatalf("code %d, %s", code, errs)
		}
	}
	remove(t, "dead")
	write(t, "alerts", read(t, "alerts")+"\n")
	if code, _, errs := weir(t, last...); code != exitOK || !strings.Contains(errs, "Nothing was done. alerts is not what the job has written any more. dead is not") {
		t.Errorf("code %d, %s", code, errs)
	}
	if resumed == 0 {
		t.Error("no job went on behind a checkpoint")
	}
	for _, name := range []string{"want-dead", "want-late"} {
		if len(read(t, name)) == 0 {
			t.Errorf("%s is empty", name)
		}
	}
	t.Logf("%d jobs killed %d times, went on behind a checkpoint %d times; %d bytes of alerts", jobs, killed, resumed, len(read(t, "want")))
}
