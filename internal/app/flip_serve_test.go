//go:build unix

package app

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

var flips = flag.Int("flip.rounds", 1, "bits flipped in each kind of file of a state directory")

// TestServeFlippedBits: a bit is flipped in each kind of file of the state of a
// server that was killed. The next server refuses it and names the file, or it
// has every alert and every event: from an older checkpoint, with a warning that
// names the file, or since nothing needs what was hurt.
func TestServeFlippedBits(t *testing.T) {
	inFolder(t)
	l := newTraffic(t, 4)
	p := l.serve()
	p.until("events come in", func() bool { return l.acked.Load() > 20*ofHTTP })
	l.end()
	l.check(p)
	want, err := p.everything()
	if err != nil {
		t.Fatal(err)
	}
	p.stop(syscall.SIGKILL)
	rng := rand.New(rand.NewPCG(4, 4))
	outcomes := map[string]int{}
	for kind, files := range kinds(t, "state") {
		for range *flips {
			file := files[rng.IntN(len(files))]
			what, said := hurt(t, file, rng, want)
			outcomes[kind+" "+what]++
			if what == "" {
				t.Errorf("a flipped bit in %s: %s", file, said)
			}
		}
	}
	for _, o := range slices.Sorted(maps.Keys(outcomes)) {
		t.Logf("%s: %d", o, outcomes[o])
	}
}

var digits = regexp.MustCompile(`\d+`)

// kinds are the files of a state directory by what they are.
func kinds(t *testing.T, dir string) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || e.Name() == lockFile || e.Name() == serverFile {
			return err
		}
		if info, err := e.Info(); err != nil || info.Size() == 0 {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		kind := digits.ReplaceAllString(rel, "N")
		all[kind] = append(all[kind], rel)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// hurt starts a server on a copy of the state in which a bit of a file is
// flipped, and says what came of it; "": nothing good.
func hurt(t *testing.T, file string, rng *rand.Rand, want string) (what, said string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("state")); err != nil {
		t.Fatal(err)
	}
	text := []byte(read(t, filepath.Join(dir, file)))
	at := rng.IntN(len(text))
	text[at] ^= 1 << rng.IntN(8)
	write(t, filepath.Join(dir, file), string(text))
	p := start(t, dir, "r.cep", "--checkpoint-interval", "1h", "--shards", "2")
	code, ended := p.readyOrOver(dir)
	if ended {
		said := p.errs.String()
		named := strings.Contains(said, filepath.Base(file)) ||
			file == formatFile && strings.Contains(said, "written by a newer version") || // which it may as well be
			strings.HasPrefix(file, "state/OPTIONS") && strings.Contains(said, "from file") // the names in it are not the program's
		if code == exitInput && named {
			return "refused", ""
		}
		return "", fmt.Sprintf("at byte %d of %d: exit code %d\n%s", at, len(text), code, p.errs)
	}
	got, err := p.everything()
	missing := p.metric("weir_recovery_alerts_missing")
	p.stop(syscall.SIGKILL)
	named := strings.Contains(p.errs.String(), filepath.Base(file))
	switch {
	case err != nil && named:
		return "refused when it is read", ""
	case err != nil || got != want || missing != "0":
		return "", fmt.Sprintf("at byte %d of %d it is used: %v; %s alerts missing; all the same: %t\n%s", at, len(text), err, missing, got == want, p.errs)
	case named:
		return "named, and the rest used", ""
	}
	return "not needed", ""
}

// readyOrOver waits until a server answers or has ended.
func (p *process) readyOrOver(state string) (code int, ended bool) {
	p.t.Helper()
	for end := time.Now().Add(60 * time.Second); ; {
		select {
		case code := <-p.exit:
			return code, true
		case <-time.After(20 * time.Millisecond):
		}
		if r, err := readServerFile(state); err == nil && r.PID == p.cmd.Process.Pid {
			p.url = r.URL
			if answer, err := http.Get(p.url + "/readyz"); err == nil {
				answer.Body.Close()
				if answer.StatusCode == http.StatusOK {
					return 0, false
				}
			}
		}
		if time.Now().After(end) {
			p.t.Fatalf("it neither serves nor ends:\n%s", p.errs)
		}
	}
}

// everything is all alerts of the log and the counts of events, as text.
func (p *process) everything() (string, error) {
	p.t.Helper()
	var all strings.Builder
	fmt.Fprintf(&all, "%+v\n", p.counts())
	for seq := uint64(0); ; {
		answer, err := http.Get(fmt.Sprintf("%s/api/v1/alerts?limit=1000&after=%d", p.url, seq))
		if err != nil {
			return "", err
		}
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil {
			return "", err
		}
		var page struct {
			Items []json.RawMessage
			Next  uint64
		}
		if answer.StatusCode != http.StatusOK {
			return "", fmt.Errorf("%s: %s", answer.Status, text)
		}
		if err := json.Unmarshal(text, &page); err != nil {
			return "", err
		}
		if len(page.Items) == 0 {
			return all.String(), nil
		}
		for _, a := range page.Items {
			all.Write(a)
			all.WriteByte('\n')
		}
		seq = page.Next
	}
}
