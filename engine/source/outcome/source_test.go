package outcome_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/weir-cep/weir/alerts"
	"github.com/weir-cep/weir/engine"
	"github.com/weir-cep/weir/engine/source/outcome"
	"github.com/weir-cep/weir/engine/source/servertest"
)

const burned = `
event Pay { time at  at: timestamp  terminal: string  amount: number }
source pays of Pay from http { order: arrival }
rule big { by terminal  on Pay when amount > 100  alert { severity low } }
rule burned { by key  on Outcome where label == "fraud" when count() over last 30d >= 2  alert { severity high  message "{key}: {label}" } }
`

// life is a runtime with an alert log, from its opening to its end.
type life struct {
	t   *testing.T
	log *alerts.Log
	rt  *engine.Runtime
	end func()
}

func begin(t *testing.T, dir, rules string) *life {
	t.Helper()
	log, err := alerts.Open(alerts.Options{FS: vfs.Default, Dir: filepath.Join(dir, "alerts")})
	if err != nil {
		t.Fatal(err)
	}
	rt, err := engine.Open(t.Context(), engine.RuntimeConfig{Dir: filepath.Join(dir, "state"), Sink: log,
		Open: map[string]engine.Opener{engine.OutcomeSource: outcome.Opener(log)}})
	if err != nil {
		t.Fatal(err)
	}
	if rules != "" {
		if _, err := rt.Deploy(t.Context(), engine.RuleText("rules.cep", rules), engine.Keep); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- rt.Run(ctx) }()
	return &life{t: t, log: log, rt: rt, end: func() {
		t.Helper()
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := rt.Close(); err != nil {
			t.Error(err)
		}
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	}}
}

func (l *life) pay(n int) {
	l.t.Helper()
	for i := range n {
		line := fmt.Sprintf(`{"type":"Pay","at":%q,"terminal":"t1","amount":%d}`+"\n", time.Now().UTC().Format(time.RFC3339Nano), 200+i)
		if _, err := l.rt.Ingest(l.t.Context(), "pays", []byte(line)); err != nil {
			l.t.Fatal(err)
		}
	}
}

func (l *life) found(rule string) (list []alerts.Entry) {
	l.t.Helper()
	p, err := l.log.After(0, 1000, alerts.Filter{})
	if err != nil {
		l.t.Fatal(err)
	}
	for _, e := range p.Entries {
		if e.Rule == rule {
			list = append(list, e)
		}
	}
	return list
}

func (l *life) wait(rule string, n int) {
	l.t.Helper()
	servertest.Eventually(l.t, fmt.Sprintf("%d alerts of %s", n, rule), func() bool { return len(l.found(rule)) >= n })
}

func (l *life) closeAlert(e alerts.Entry, label string) {
	l.t.Helper()
	state := alerts.StateClosed
	if _, err := l.log.Act([]uint64{e.Seq}, alerts.Change{State: &state, Outcome: &label}, "jd"); err != nil {
		l.t.Fatal(err)
	}
}

// Verdicts reach rules once each, over restarts; what else is done to a closed
// alert is no verdict.
func TestVerdictsReachRules(t *testing.T) {
	dir := t.TempDir()
	l := begin(t, dir, burned)
	l.pay(4)
	l.wait("big", 4)
	big := l.found("big")
	l.closeAlert(big[0], "legit")
	l.closeAlert(big[1], "fraud")
	who := "eve"
	if _, err := l.log.Act([]uint64{big[1].Seq}, alerts.Change{Assignee: &who}, "jd"); err != nil {
		t.Fatal(err)
	}
	l.closeAlert(big[2], "fraud")
	l.wait("burned", 1)
	l.end()

	l = begin(t, dir, "")
	l.closeAlert(big[3], "fraud")
	l.wait("burned", 2)
	l.end()

	l = begin(t, dir, "")
	l.pay(1)
	l.wait("big", 5)
	l.closeAlert(l.found("big")[4], "fraud")
	l.wait("burned", 3)
	got := l.found("burned")
	for i := range got {
		if got[i].Key != big[0].Key || !strings.Contains(string(got[i].JSON), "t1: fraud") {
			t.Errorf("alert %s", got[i].JSON)
		}
	}
	if len(got) != 3 {
		t.Errorf("%d alerts for 4 verdicts of fraud, from the second on", len(got))
	}
	l.end()
}

// Labels that come late from elsewhere are read like any type, and then nothing
// else brings outcomes.
func TestDeclaredSource(t *testing.T) {
	l := begin(t, t.TempDir(), burned+"source labels of Outcome from http { order: arrival }\n")
	l.pay(1)
	l.wait("big", 1)
	l.closeAlert(l.found("big")[0], "fraud")
	for i := range 2 {
		line := fmt.Sprintf(`{"type":"Outcome","alert_id":"a%d","key":"t7","label":"fraud","at":%q}`+"\n", i, time.Now().UTC().Format(time.RFC3339Nano))
		if _, err := l.rt.Ingest(t.Context(), "labels", []byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	l.wait("burned", 1)
	if got := l.found("burned"); len(got) != 1 || got[0].Key != "t7" {
		t.Errorf("%d alerts, of %s", len(got), got[0].Key)
	}
	l.end()
}
