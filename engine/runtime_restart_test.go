package engine

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/weir-cep/weir/alerts"
	"github.com/weir-cep/weir/internal/journal"
)

// chainRules are a feature of another key, a rule that reads it, and one that
// reads that one's alerts.
const chainRules = `
event Login { user: string  ip: string  ok: bool  at: timestamp  id: string  time at late 2s  id id }
event Pay { user: string  amount: money(USD)  ip: string  at: timestamp  id: string  time at late 2s  id id }

feature tries on Login where not ok by ip { failed = count() over last 5m }

rule takeover "Login from an address that guesses" {
    by user
    pattern {
        l: Login where ok and tries[ip].failed >= 3
        then p: Pay where amount > 100.00 USD
    } within 10m
    alert as Takeover { severity high  message "{user} from {l.ip}: {p.amount}"  amount = p.amount  ip = l.ip }
}

rule spree "Several takeovers from one address" {
    by ip
    on t: Takeover when count() over last 1h >= 2
    alert { severity critical  message "{ip}: {count() over last 1h}" }
}

rule quiet "A user falls silent" {
    by user
    pattern { l: Login  then no Login within 20m } 
    alert { severity low  message "{user} is silent" }
}
`

// someEvents are n lines of events, some of them late or duplicates.
func someEvents(rng *rand.Rand, from, n int) []byte {
	var b bytes.Buffer
	for i := from; i < from+n; i++ {
		at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(i)*time.Second - time.Duration(rng.IntN(4000))*time.Millisecond)
		user, ip := rng.IntN(12), rng.IntN(5)
		if rng.IntN(3) == 0 {
			fmt.Fprintf(&b, `{"type":"Pay","user":"u%d","ip":"10.0.0.%d","amount":"%d.00 USD","at":%q,"id":"e%d"}`+"\n", user, ip, rng.IntN(300), at.Format(time.RFC3339Nano), i)
		} else {
			fmt.Fprintf(&b, `{"type":"Login","user":"u%d","ip":"10.0.0.%d","ok":%t,"at":%q,"id":"e%d"}`+"\n", user, ip, rng.IntN(3) > 0, at.Format(time.RFC3339Nano), i-rng.IntN(2)*rng.IntN(2))
		}
	}
	return b.Bytes()
}

// host is a runtime with its alert log on one file system.
type host struct {
	t   *testing.T
	fs  vfs.FS
	cfg RuntimeConfig
	log *alerts.Log
	r   *Runtime
}

func (h *host) open() {
	h.t.Helper()
	var err error
	if h.log, err = alerts.Open(alerts.Options{FS: h.fs, Dir: "data/alerts"}); err != nil {
		h.t.Fatal(err)
	}
	cfg := h.cfg
	cfg.FS, cfg.Dir, cfg.Sink, cfg.Interval = h.fs, "data", h.log, -1
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	cfg.Now = func() time.Time { return now }
	if h.r, err = Open(context.Background(), cfg); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) close() {
	h.t.Helper()
	if err := h.r.Close(); err != nil {
		h.t.Fatal(err)
	}
	if err := h.log.Close(); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) ingest(lines []byte) {
	h.t.Helper()
	if _, err := h.r.Ingest(context.Background(), "", lines); err != nil {
		h.t.Fatal(err)
	}
}

// all are the alerts of the log.
func (h *host) all() (text string) {
	h.t.Helper()
	page, err := h.log.After(0, 1<<20, alerts.Filter{})
	if err != nil {
		h.t.Fatal(err)
	}
	for i := range page.Entries {
		text += fmt.Sprintf("%s\n", page.Entries[i].JSON)
	}
	return text
}

// TestRestart: a runtime that is closed and opened again now and then finds the
// same alerts, under the same numbers, as one that runs through, whatever the
// shards, and the checkpoints on the way.
func TestRestart(t *testing.T) {
	run := func(seed uint64, shards int, breaks bool) string {
		rng, chance := rand.New(rand.NewPCG(seed, 1)), rand.New(rand.NewPCG(seed, 2))
		h := &host{t: t, fs: vfs.NewMem(), cfg: RuntimeConfig{Shards: shards}}
		h.open()
		if _, err := h.r.Deploy(context.Background(), RuleText("chain.cep", chainRules), Keep); err != nil {
			t.Fatal(err)
		}
		for i, n := 0, 0; i < 3000; i += n {
			n = 1 + rng.IntN(100)
			h.ingest(someEvents(rng, i, n))
			switch {
			case !breaks:
			case chance.IntN(4) == 0:
				if _, err := h.r.Checkpoint(context.Background()); err != nil {
					t.Fatal(err)
				}
			case chance.IntN(6) == 0:
				h.close()
				h.open()
			}
		}
		if err := h.r.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
		text := h.all()
		h.close()
		return text
	}
	for seed := uint64(1); seed <= 4; seed++ {
		want := run(seed, 1, false)
		if n := bytes.Count([]byte(want), []byte("\n")); n < 10 {
			t.Fatalf("only %d alerts", n)
		}
		for _, shards := range []int{1, 2, 4} {
			if got := run(seed, shards, true); got != want {
				t.Fatalf("seed %d, %d shards:\n%s\nwant\n%s", seed, shards, got, want)
			}
		}
	}
}

// TestRestartBehindATick: the last record before a checkpoint is not one of
// rows, though rows wait.
func TestRestartBehindATick(t *testing.T) {
	ctx := context.Background()
	h := &host{t: t, fs: vfs.NewMem()}
	h.open()
	if _, err := h.r.Deploy(ctx, RuleText("chain.cep", chainRules), Keep); err != nil {
		t.Fatal(err)
	}
	h.ingest(someEvents(rand.New(rand.NewPCG(1, 1)), 0, 10))
	n := h.r.node.Load()
	if _, err := n.submit(ctx, &inbound{rec: journal.Record{Kind: recTick, Stream: journal.NoStream, Data: encodeJSON(tickRecord{1})}}); err != nil {
		t.Fatal(err)
	}
	h.close()
	h.open()
	if h.r.recovery.Rows == 0 {
		t.Errorf("no row was read again: %+v", h.r.recovery)
	}
	h.close()
}

// TestRestartFromOlder: a damaged checkpoint is set aside, and the one before
// and the journal give the same run.
func TestRestartFromOlder(t *testing.T) {
	run := func(damage bool) string {
		rng := rand.New(rand.NewPCG(5, 5))
		mem := vfs.NewMem()
		var logged bytes.Buffer
		h := &host{t: t, fs: mem, cfg: RuntimeConfig{Keep: 2, Logger: slog.New(slog.NewTextHandler(&logged, nil))}}
		h.open()
		if _, err := h.r.Deploy(context.Background(), RuleText("chain.cep", chainRules), Keep); err != nil {
			t.Fatal(err)
		}
		for i := range 6 {
			h.ingest(someEvents(rng, i*200, 200))
			if _, err := h.r.Checkpoint(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		h.close()
		if damage {
			flipTables(t, mem, "data/state")
		}
		h.open()
		if said := strings.Contains(logged.String(), "set aside"); said != damage {
			t.Errorf("damage %t: %s", damage, &logged)
		}
		h.ingest(someEvents(rng, 1200, 200))
		if err := h.r.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
		text := h.all()
		h.close()
		return text
	}
	if want, got := run(false), run(true); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// flipTables writes the newest table anew with a flipped bit in its middle.
// Older checkpoints have links to the file as it was.
func flipTables(t *testing.T, fs *vfs.MemFS, dir string) {
	t.Helper()
	names, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	newest := ""
	for _, name := range names {
		if strings.HasSuffix(name, ".sst") && name > newest {
			newest = name
		}
	}
	path := fs.PathJoin(dir, newest)
	f, err := fs.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(f)
	f.Close()
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 4
	if err := fs.Remove(path); err != nil {
		t.Fatal(err)
	}
	w, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}
