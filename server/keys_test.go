package server

import "testing"

func TestRunsOfAKey(t *testing.T) {
	h := New(Config{Runtime: &fakeRuntime{stats: full(1)}}).Handler()
	expect(t, ask(t, h, "GET", "/api/v1/keys/c1%2C%20DE/runs?rule=probing", ""), 200,
		`"key":"c1, DE"`, `"steps":["small","big"]`, `"expires":null`, `"bound":[{"step":"small","type":"Auth","id":"a1","at":"2001-09-09T01:46:40Z"}]`, `"waiting_for":"big"`, `"more":3`)
	expect(t, ask(t, h, "GET", "/api/v1/keys/c1/runs?rule=nothing", ""), 404, "not_found")
	expect(t, ask(t, h, "GET", "/api/v1/keys/c1/runs?role=x", ""), 400, `there is no parameter`)
}
