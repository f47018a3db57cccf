package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

const listedRules = `
event Pay { time at  at: timestamp  user: string }
list watched of string = ["u1", "u2"]
rule w { by user  on Pay when user in watched  alert { message "{user}" } }
rule all { by user  on Pay when user != ""  alert { message "all {user}" } }
`

// TestEditsAndStatuses: edits of a list and another status of a rule take
// effect, outlast restarts and deployments, and can be taken back.
func TestEditsAndStatuses(t *testing.T) {
	ctx := context.Background()
	fs := vfs.NewMem()
	var got []string
	open := func() *Runtime {
		r, err := Open(ctx, RuntimeConfig{Dir: "state", FS: fs, Interval: -1, Sink: SinkFunc(func(a *cep.Alert) { got = append(got, a.Status+" "+a.Message) })})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := open()
	set := RuleText("listed.cep", listedRules)
	deploy := func() {
		t.Helper()
		if _, err := r.Deploy(ctx, set, Keep); err != nil {
			t.Fatal(err)
		}
	}
	deploy()
	at := 0
	see := func(want string) {
		t.Helper()
		got = nil
		at++
		text := ""
		for i := range 4 {
			text += fmt.Sprintf("{\"type\":\"Pay\",\"user\":\"u%d\",\"at\":\"2026-01-01T00:%02d:0%dZ\"}\n", i, at, i)
		}
		if _, err := r.Ingest(ctx, "", []byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := r.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		if s := strings.Join(got, ", "); s != want {
			t.Errorf("round %d: %s, not %s", at, s, want)
		}
	}
	set.Status = map[string]dsl.Status{"all": dsl.Off, "nothing": dsl.Live}
	deploy()
	see("live u1, live u2")
	if err := r.EditList(ctx, "", "watched", ListEdits{Add: []string{"u3"}, Remove: []string{"u1"}}); err != nil {
		t.Fatal(err)
	}
	see("live u2, live u3")
	if values, all, err := r.ListValues(ctx, "", "watched", 10); err != nil || all != 2 || strings.Join(values, " ") != "u2 u3" {
		t.Errorf("%v %d %v", values, all, err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	r = open()
	see("live u2, live u3")
	set.Status = map[string]dsl.Status{"all": dsl.Shadow}
	set.Files["listed.cep"] = strings.Replace(listedRules, `"u2"`, `"u2", "u0"`, 1)
	deploy()
	see("shadow all u0, live u0, shadow all u1, shadow all u2, live u2, shadow all u3, live u3")
	if err := r.EditList(ctx, "listed.cep", "watched", ListEdits{}); err != nil {
		t.Fatal(err)
	}
	set.Status = map[string]dsl.Status{"all": dsl.Off}
	deploy()
	see("live u0, live u1, live u2")
	if err := r.EditList(ctx, "", "nobody", ListEdits{}); !errors.Is(err, ErrNoList) {
		t.Error(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}
