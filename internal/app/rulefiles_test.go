package app

import (
	"context"
	"log/slog"
	"os"
	"syscall"
	"testing"

	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/engine"
)

// A signal has rules read at once, and what else there is beside them.
func TestHangup(t *testing.T) {
	t.Chdir(t.TempDir())
	rules := "event E { at: timestamp  k: string  time at }\n"
	write(t, "r.cep", rules)
	set, err := engine.ReadRules(dsl.Files, "r.cep")
	if err != nil {
		t.Fatal(err)
	}
	done, beside := make(chan engine.RuleSet, 1), false
	f := &ruleFiles{paths: []string{"r.cep"}, load: func() (engine.RuleSet, error) { return engine.ReadRules(dsl.Files, "r.cep") }, log: slog.New(slog.DiscardHandler), hangup: func() { beside = true },
		deploy: func(_ context.Context, set engine.RuleSet) error {
			done <- set
			return nil
		}}
	f.began(set)
	write(t, "r.cep", rules+"rule all { by k on E alert { message \"{k}\" } }\n")
	signals, ended := make(chan os.Signal, 1), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer close(ended)
		f.follow(ctx, nil, signals)
	}()
	signals <- syscall.SIGHUP
	if got := <-done; got.Hash() == set.Hash() {
		t.Error("the rules from before are deployed again")
	}
	cancel()
	<-ended
	if !beside {
		t.Error("tokens and certificate are not read again")
	}
}
