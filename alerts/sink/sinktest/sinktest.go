// Package sinktest gives tests of senders a log with alerts and a lane to what
// a rule file declares.
package sinktest

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/weir-cep/weir/alerts"
	"github.com/weir-cep/weir/alerts/sink"
	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// Keys is how many keys the alerts have.
const Keys = 5

// Alert is the n-th alert, for the sink "out".
func Alert(n uint64) *cep.Alert {
	a := &cep.Alert{
		Rule: "probing", Version: "ab", Status: "live", Severity: cep.High, At: int64(n), Message: fmt.Sprintf("alert %d", n), Revision: 1,
		Key: []cep.NamedValue{{Name: "card", Value: cep.Str(Key(n))}}, To: []string{"out"},
	}
	binary.BigEndian.PutUint64(a.ID[8:], n)
	return a
}

// Key is the key's text of the n-th alert.
func Key(n uint64) string { return fmt.Sprintf("c%d", n%Keys) }

// Text is the line of the n-th alert as the log has it.
func Text(n uint64) string {
	a := Alert(n)
	a.Seq = n
	return string(a.AppendJSON(nil))
}

// Log is an empty log.
func Log(t testing.TB) *alerts.Log {
	t.Helper()
	l, err := alerts.Open(alerts.Options{FS: vfs.NewMem(), Dir: "alerts", CleanEvery: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// Commit logs alerts up to the n-th.
func Commit(t testing.TB, l *alerts.Log, n uint64) {
	t.Helper()
	var list []*cep.Alert
	for i := l.Head() + 1; i <= n; i++ {
		list = append(list, Alert(i))
	}
	if err := l.Commit(n, list); err != nil {
		t.Fatal(err)
	}
}

// Spec is the sink "out" as a rule file declares it; to is what stands behind
// the word to.
func Spec(t testing.TB, path, to string) sink.Spec {
	t.Helper()
	text := "event E { time at  at: timestamp  k: string }\nrule any { by k  on E  when k != \"\"  alert { severity low  to out } }\nsink out to " + to + "\n"
	f, ds := dsl.Parse(path, []byte(text))
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	prog, ds := dsl.Check(nil, f)
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	return sink.Spec{IR: prog.Sinks[0]}
}

// Start lets the lane of a sink run until the test ends.
func Start(t testing.TB, l *alerts.Log, open sink.Opener, spec sink.Spec) *sink.Lanes {
	t.Helper()
	s := sink.NewLanes(l, sink.Kinds{spec.IR.Kind: open}, slog.New(slog.DiscardHandler))
	if err := s.Set([]sink.Spec{spec}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		s.Close(ctx)
	})
	return s
}

// Eventually waits until what holds.
func Eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited a minute in vain: %s", what)
		}
	}
}

// Complete fails unless numbers, as they arrived, hold all up to n but those
// left out, and each for the first time behind the one before with the same
// key. It returns how many came more than once.
func Complete(t testing.TB, arrived []uint64, n uint64, without ...uint64) (again int) {
	t.Helper()
	seen := map[uint64]bool{}
	last := map[string]uint64{}
	for _, i := range arrived {
		if seen[i] {
			again++
			continue
		}
		seen[i] = true
		if i < last[Key(i)] {
			t.Fatalf("alert %d came behind alert %d of the same key", i, last[Key(i)])
		}
		last[Key(i)] = i
	}
	for i := uint64(1); i <= n; i++ {
		if seen[i] == slices.Contains(without, i) {
			t.Fatalf("alert %d: came %v; these came: %v", i, seen[i], slices.Sorted(slices.Values(arrived)))
		}
	}
	return again
}
