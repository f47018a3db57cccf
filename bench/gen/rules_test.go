package gen_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weir-cep/weir/bench/gen"
	"github.com/weir-cep/weir/internal/app"
)

type alert struct {
	Rule   string            `json:"rule"`
	At     time.Time         `json:"at"`
	Key    map[string]string `json:"key"`
	Events []struct {
		ID   string          `json:"id"`
		Data json.RawMessage `json:"data"`
	} `json:"events"`
}

// run runs the library over a stream and returns its alerts.
func run(t *testing.T, o gen.Options) ([]alert, []gen.Incident) {
	t.Helper()
	dir := t.TempDir()
	events, out := filepath.Join(dir, "events.ndjson"), filepath.Join(dir, "alerts.ndjson")
	var b bytes.Buffer
	incidents, err := gen.Write(&b, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(events, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	args := []string{"run", filepath.Join("..", "..", "rules", "library"), "--events", events, "--out", out}
	if code := app.Main(args, app.Streams{In: strings.NewReader(""), Out: &stderr, Err: &stderr}); code != 0 {
		t.Fatalf("exit code %d\n%s", code, stderr.String())
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var alerts []alert
	for line := range bytes.Lines(text) {
		var a alert
		if err := json.Unmarshal(line, &a); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		alerts = append(alerts, a)
	}
	return alerts, incidents
}

func (a *alert) key() string {
	for _, v := range a.Key {
		return v
	}
	return ""
}

// TestLibraryFindsWhatIsPlanted: every incident is found by its rules, once,
// with events of its own; no near miss is, and nothing else by those rules.
func TestLibraryFindsWhatIsPlanted(t *testing.T) {
	for name, o := range map[string]gen.Options{
		"in order":  {Duration: int64(12 * time.Hour), Incidents: 2},
		"disorder":  {Duration: int64(12 * time.Hour), Incidents: 2, Disorder: int64(20 * time.Second)},
		"next seed": {Duration: int64(12 * time.Hour), Incidents: 2, Seed: 7},
	} {
		t.Run(name, func(t *testing.T) {
			alerts, incidents := run(t, o)
			left := map[string]int{} // rules that have to do with incidents: alerts not accounted for
			for _, i := range incidents {
				for _, r := range i.Rules {
					left[r] = 0
				}
			}
			for _, a := range alerts {
				if _, ok := left[a.Rule]; ok {
					left[a.Rule]++
				}
			}
			for _, i := range incidents {
				for _, r := range i.Rules {
					n := 0
					for _, a := range alerts {
						if a.Rule == r && a.key() == i.Key && about(&a, &i) {
							n++
							checkEvents(t, &a, &i)
						}
					}
					if n != 1 {
						t.Errorf("%s %s at %s: %d alerts of %s", i.Kind, i.Key, time.Unix(0, i.First).UTC(), n, r)
					}
					left[r]--
				}
			}
			for r, n := range left {
				if n != 0 {
					t.Errorf("%s: %d alerts more than planted", r, n)
				}
			}
		})
	}
}

// about tells whether an alert is of the incident's time.
func about(a *alert, i *gen.Incident) bool {
	at := a.At.UnixNano()
	return at >= i.First && at <= i.Last+int64(16*time.Minute)
}

func checkEvents(t *testing.T, a *alert, i *gen.Incident) {
	t.Helper()
	for _, e := range a.Events {
		if !slices.Contains(i.Events, e.ID) {
			t.Errorf("%s %s: the alert of %s names the event %s, which is none of it", i.Kind, i.Key, a.Rule, e.ID)
		}
		if !json.Valid(e.Data) {
			t.Errorf("%s: event %s comes without its text", a.Rule, e.ID)
		}
	}
	if len(a.Events) == 0 {
		t.Errorf("%s: an alert without events", a.Rule)
	}
}
