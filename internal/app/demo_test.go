//go:build unix

package app

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestDemoLive lets the demo run for some seconds, on an address that is taken: it
// shows what it promises, and leaves nothing behind.
func TestDemoLive(t *testing.T) {
	inFolder(t)
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	code, said := run(t, "demo", "--for", "10s", "--listen", taken.Addr().String())
	if code != exitOK {
		t.Fatalf("exit code %d:\n%s", code, said)
	}
	for _, part := range []string{"The first alert came ", "\nALERT  ", "\n  why: ", "\nNEAR MISS  ", "\n  planted: ", "is taken)", "\nOPEN  http://127.0.0.1:", " alerts tail --server http://", "/velocity.cep"} {
		if !strings.Contains(said, part) {
			t.Errorf("it does not say %q:\n%s", part, said)
		}
	}
	var events, alerts, verified string
	last := regexp.MustCompile(`\n([\d,]+) events, ([\d,]+) alerts, ([\d,]+) webhook messages? with a verified signature, 0 refused`).FindStringSubmatch(said)
	if last == nil {
		t.Fatalf("no summary:\n%s", said)
	}
	if events, alerts, verified = last[1], last[2], last[3]; events == "0" || alerts == "0" || verified == "0" {
		t.Errorf("%s events, %s alerts, %s verified", events, alerts, verified)
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("%v is left behind, %v", left, err)
	}
}

// TestDemoInterrupted ends it as a user does.
func TestDemoInterrupted(t *testing.T) {
	inFolder(t)
	tmp := t.TempDir()
	cmd := command("demo", "--listen", "127.0.0.1:0", "--state", "kept")
	cmd.Env = append(cmd.Env, "TMPDIR="+tmp)
	out := &syncBuffer{}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	for end := time.Now().Add(60 * time.Second); !strings.Contains(out.String(), "Ctrl-C ends"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(out.String())
		}
	}
	url := regexp.MustCompile(`OPEN  (http://\S+/)`).FindStringSubmatch(out.String())[1]
	page, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	page.Body.Close()
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	if left, err := filepath.Glob(filepath.Join(tmp, "*")); err != nil || len(left) > 0 {
		t.Errorf("%v is left behind", left)
	}
	if code, _, errs := weir(t, "state", "verify", "kept"); code != exitOK {
		t.Error(errs)
	}
}

// What the demo changes in the library's rules is there to be changed.
func TestDemoRules(t *testing.T) {
	dir := t.TempDir()
	if err := writeDemoRules(dir, "http://127.0.0.1:1/"); err != nil {
		t.Fatal(err)
	}
	all := ""
	names, _ := filepath.Glob(filepath.Join(dir, "*.cep"))
	for _, name := range names {
		all += read(t, name)
	}
	if len(names) < 10 || strings.Contains(all, "kafka {") || strings.Contains(all, "redis {") || len(demoSource.FindAllString(all, -1)) != 1 || len(demoSink.FindAllString(all, -1)) != 1 {
		t.Errorf("%d files, %q, %q", len(names), demoSource.FindAllString(all, -1), demoSink.FindAllString(all, -1))
	}
}
