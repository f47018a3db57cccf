package engine_test

import (
	"context"
	"fmt"
	"log"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/engine"
)

const rules = `
event Login { user: string  ok: bool  at: timestamp  time at }

rule guessed "Password guessed" {
    by user
    pattern { wrong: at least 3 Login where not ok  then right: Login where ok } within 5m
    alert { severity high  message "{user}: {wrong.count} wrong passwords, then the right one" }
}`

// A program that compiles rules, feeds events and receives alerts.
func Example() {
	ctx := context.Background()
	rt, err := engine.Open(ctx, engine.RuntimeConfig{
		Sink: engine.SinkFunc(func(a *cep.Alert) { fmt.Println(a.Severity, a.Message) }),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer rt.Close()
	if _, err := rt.Deploy(ctx, engine.RuleText("guessed.cep", rules), engine.Keep); err != nil {
		log.Fatal(err) // file, line, cause and fix
	}
	for second, ok := range []bool{false, false, false, true} {
		event := fmt.Sprintf(`{"type":"Login","user":"eve","ok":%t,"at":"2026-01-01T09:00:0%dZ"}`, ok, second)
		if _, err := rt.Ingest(ctx, "", []byte(event)); err != nil {
			log.Fatal(err)
		}
	}
	if err := rt.Flush(ctx); err != nil { // the input has ended: nothing to wait for
		log.Fatal(err)
	}
	// Output: high eve: 3 wrong passwords, then the right one
}
