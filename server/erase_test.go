package server

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/weir-cep/weir/engine"
)

func TestErase(t *testing.T) {
	var asked engine.Erase
	answer, fails := engine.Erased{Rows: 3, Alerts: 2}, error(nil)
	h := New(Config{Runtime: &fakeRuntime{}, Operator: Operator{Erase: func(_ context.Context, what engine.Erase) (engine.Erased, error) {
		asked = what
		return answer, fails
	}}}).Handler()
	const path = "/api/v1/state/erase"
	expect(t, ask(t, h, "POST", path, `{"field":"card_id","value":"c1","type":"Auth"}`), 200, `"rows":3`, `"alerts":2`, `"left":0`, `"again_seconds":0`, `"text":"What the rules remember`)
	if asked != (engine.Erase{Field: "card_id", Value: "c1", Type: "Auth"}) {
		t.Errorf("%+v", asked)
	}
	answer.Left, answer.Again = 4, 20*time.Second
	expect(t, ask(t, h, "POST", path, `{"field":"card_id","value":"c1"}`), 200, `"left":4`, `"again_seconds":20`, `"text":"Events that a restart`)
	for body, want := range map[string]string{`{"field":"card_id"}`: "missing", `{"value":"c1"}`: "missing", `{"key":"c1"}`: "there is no field", ``: "empty_body"} {
		expect(t, ask(t, h, "POST", path, body), 400, want)
	}
	fails = errors.New("secret")
	expect(t, ask(t, h, "POST", path, `{"field":"card_id","value":"c1"}`), 500, `"internal"`)
	expect(t, ask(t, New(Config{Runtime: &fakeRuntime{}}).Handler(), "POST", path, `{"field":"card_id","value":"c1"}`), 503, "unavailable")
}
