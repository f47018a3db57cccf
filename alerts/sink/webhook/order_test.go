package webhook

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/weir-cep/weir/alerts"
	"github.com/weir-cep/weir/alerts/sink/sinktest"
)

// Whatever fails: everything arrives once it is taken, under strict in the
// order of the log, under key in the order of each key.
func TestOrder(t *testing.T) {
	for _, order := range []string{"none", "key", "strict"} {
		t.Run(order, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rng := rand.New(rand.NewPCG(5, 6))
				l, r := sinktest.Log(t), &receiver{}
				r.answer = func(*call) (int, http.Header) {
					switch rng.IntN(4) {
					case 0:
						return http.StatusInternalServerError, nil
					case 1:
						return 0, nil
					}
					return http.StatusOK, nil
				}
				begin(t, l, r, spec(t, ", disable_after: 2000h, order: "+order))
				const n = 60
				for i := uint64(10); i <= n; i += 10 {
					sinktest.Commit(t, l, i)
					time.Sleep(time.Second)
				}
				time.Sleep(60 * time.Hour)
				synctest.Wait()
				taken := r.taken()
				if order == "none" { // any order will do
					taken = slices.Sorted(slices.Values(taken))
				}
				if again := sinktest.Complete(t, taken, n); again != 0 {
					t.Errorf("%d came again", again)
				}
				if order == "strict" && !slices.IsSorted(taken) {
					t.Errorf("%v", taken)
				}
			})
		})
	}
}

// TestCrashes lets both sides die at random: the log's disk loses what was not
// synced, the receiver answers nothing. Every alert arrives at least once,
// always under one id, and none is passed over.
func TestCrashes(t *testing.T) {
	crashes := 0
	for seed := range uint64(8) {
		rng, theirs := rand.New(rand.NewPCG(seed, 9)), rand.New(rand.NewPCG(seed, 10))
		mem := vfs.NewCrashableMem()
		var mu sync.Mutex
		ids := map[uint64]string{}
		taken := map[uint64]int{}
		s := spec(t, ", order: "+[]string{"none", "key", "strict"}[seed%3])
		const n = 400
		durable := uint64(0)
		for life := 0; ; life++ {
			l, err := alerts.Open(alerts.Options{FS: mem, Dir: "alerts", CleanEvery: -1})
			must(t, err)
			if l.Head() < durable {
				t.Fatalf("the log ends with %d, %d were durable", l.Head(), durable)
			}
			r := &receiver{}
			r.answer = func(c *call) (int, http.Header) {
				mu.Lock()
				defer mu.Unlock()
				if was := ids[c.seq]; was != "" && was != c.id {
					t.Errorf("alert %d came as %s and as %s", c.seq, was, c.id)
				}
				ids[c.seq] = c.id
				switch theirs.IntN(10) {
				case 0:
					taken[c.seq]++ // it has it, and says nothing
					return 0, nil
				case 1:
					return 0, nil
				}
				taken[c.seq]++
				return http.StatusOK, nil
			}
			e := begin(t, l, r, s)
			last := life == 12
			until := min(l.Head()+uint64(rng.IntN(60)), n)
			if last {
				until = n
			}
			for h := l.Head(); h < until; h = l.Head() {
				sinktest.Commit(t, l, min(h+1+uint64(rng.IntN(5)), until))
				if rng.IntN(4) == 0 {
					must(t, l.Sync())
					durable = l.Head()
				}
			}
			if last {
				sinktest.Eventually(t, "all arrive", func() bool {
					_, err := e.Retry(t.Context(), Selection{States: []alerts.DeliveryState{alerts.DeliveryPending, alerts.DeliveryDead}})
					must(t, err)
					mu.Lock()
					defer mu.Unlock()
					return len(taken) == n
				})
				shut(e)
				must(t, l.Close())
				break
			}
			time.Sleep(time.Duration(rng.IntN(3)) * time.Millisecond) // how far it gets is left to chance
			left := mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng})
			shut(e)
			must(t, l.Close())
			mem = left
			crashes++
		}
		more := 0
		for _, k := range taken {
			more += k - 1
		}
		t.Logf("seed %d: %d alerts arrived, %d more than once", seed, len(taken), more)
	}
	t.Logf("%d crashes", crashes)
}

// What is gathered is counted: messages and summaries together tell of every
// alert once.
func TestStorm(t *testing.T) {
	for options, own := range map[string]int{
		", limit: 3":             3,
		", group: 5m":            sinktest.Keys,
		", group: 5m, limit: 2":  2,
		`, template: "slack"`:    chatLimit,
		", limit: 100":           50,
		", limit: 3, order: key": 3,
	} {
		t.Run(options, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, r := sinktest.Log(t), &receiver{}
				e := begin(t, l, r, spec(t, options))
				sinktest.Commit(t, l, 20)
				time.Sleep(time.Second)
				synctest.Wait()
				shut(e) // what is gathered outlives it
				e = begin(t, l, r, spec(t, options))
				sinktest.Commit(t, l, 50)
				time.Sleep(10 * time.Minute)
				synctest.Wait()
				alone, counted, sums := 0, 0, 0
				for _, c := range r.got() {
					var m struct {
						Type string
						Text string // of Slack
						Data struct {
							Count      int
							Text       string
							From, To   int
							KeysListed []string `json:"keys"`
						}
					}
					must(t, json.Unmarshal(c.body, &m))
					var more int
					if _, text, ok := strings.Cut(m.Text, "and "); ok {
						_, err := fmt.Sscan(text, &more)
						must(t, err)
						m.Data.Count, m.Type = more, TypeSummary
					}
					if m.Type == TypeSummary {
						sums++
						counted += m.Data.Count
					} else {
						alone++
					}
				}
				if alone != own || alone+counted != 50 {
					t.Errorf("%d on their own, %d in %d summaries", alone, counted, sums)
				}
			})
		})
	}
}

func TestTemplates(t *testing.T) {
	const alert = `{"alert_id":"ab","seq":7,"state":"acknowledged","rule":"probing","severity":"critical","at":"2026-01-31T10:02:00Z","key":{"card":"c1"},` +
		`"message":"<@channel> & more","labels":{},"url":"https://weir.example/alerts/7","events":[]}`
	key := func() (string, error) { return "R0", nil }
	for _, c := range []struct {
		s    shape
		typ  string
		want string
	}{
		{slack{}, TypeOpened, `{"text":"CRITICAL probing: \u0026lt;@channel\u0026gt; \u0026amp; more \u003chttps://weir.example/alerts/7|open\u003e"}`},
		{pagerduty{key}, TypeOpened, `"dedup_key":"ab","event_action":"trigger","links":[{"href":"https://weir.example/alerts/7","text":"open"}]`},
		{pagerduty{key}, TypeOpened, `"severity":"critical","source":"weir","summary":"CRITICAL probing:`},
		{pagerduty{key}, TypeUpdated, `{"dedup_key":"ab","event_action":"acknowledge","routing_key":"R0"}`},
		{pagerduty{key}, TypeResolved, `{"dedup_key":"ab","event_action":"resolve","routing_key":"R0"}`},
		{email{}, TypeOpened, `"subject":"CRITICAL probing: \u003c@channel\u003e \u0026 more","text":"`},
		{plain{}, TypeOpened, `{"type":"alert.opened","timestamp":"1970-01-01T00:00:01Z","data":{"alert_id":"ab"`},
	} {
		body, kind, err := c.s.body(&message{ID: "m", Type: c.typ, At: 1e9, Data: json.RawMessage(alert)})
		if err != nil || kind != "application/json" || !strings.Contains(string(body), c.want) || !json.Valid(body) {
			t.Errorf("%T %s: %s %v\nwithout %s", c.s, c.typ, body, err, c.want)
		}
	}
	s, err := parseShape("x", `{"title": {{json .data.message}}, "seq": {{json .data.seq}}, "none": {{json .data.nothing}}, "t": {{json .type}}}`)
	must(t, err)
	body, _, err := s.body(&message{Type: TypeOpened, Data: json.RawMessage(alert)})
	if err != nil || string(body) != `{"title": "\u003c@channel\u003e \u0026 more", "seq": 7, "none": null, "t": "alert.opened"}` {
		t.Errorf("%s %v", body, err)
	}
	if _, err := parseShape("x", `{{range $i, $_ := .data}}{{range 100000}}xxxxxxxxxxxxxxxxxxxx{{end}}{{end}}`); err == nil || !strings.Contains(err.Error(), "makes more than") {
		t.Error(err)
	}
}

// Large alerts lose evidence from the middle, and say so.
func TestFit(t *testing.T) {
	event := func(i, size int) string {
		return fmt.Sprintf(`{"step":"s","type":"E","id":"e%d","at":"2026-01-31T10:02:00Z","data":{"x":%q}}`, i, strings.Repeat("x", size))
	}
	for _, c := range []struct{ events, size, stay int }{{3, 10, 3}, {3, 20_000, 3}, {1000, 10, 0}, {1, 30_000, 1}, {0, 0, 0}} {
		var list []string
		for i := range c.events {
			list = append(list, event(i, c.size))
		}
		text := `{"alert_id":"ab","message":"m","events":[` + strings.Join(list, ",") + "]}"
		out := fit([]byte(text), "https://weir.example/alerts/1")
		var a struct {
			URL     string
			Message string
			Omitted int `json:"events_omitted"`
			Events  []struct{ ID string }
		}
		if err := json.Unmarshal(out, &a); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if len(out) > MaxBody || a.URL == "" || a.Message != "m" || len(a.Events)+a.Omitted != c.events || c.stay > 0 && len(a.Events) != c.stay {
			t.Errorf("%+v: %d bytes, %d events, %d left out", c, len(out), len(a.Events), a.Omitted)
		}
		if c.events > 0 && (a.Events[0].ID != "e0" || a.Events[len(a.Events)-1].ID != fmt.Sprint("e", c.events-1)) {
			t.Errorf("the first and the last stay: %+v", a.Events)
		}
	}
}

func FuzzSecrets(f *testing.F) {
	f.Add(testSecret)
	f.Add("whsec_")
	f.Add("whsec_" + strings.Repeat("A", 200))
	f.Add(testSecret + " " + testSecret + "\nwhsec_!")
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := parseSecrets(text)
		if err != nil {
			return
		}
		for _, k := range keys {
			if len(k) < minSecret || len(k) > maxSecret {
				t.Fatalf("%d bytes", len(k))
			}
		}
		if n := len(strings.Fields(sign(keys, "id", 1, nil))); n != len(keys) {
			t.Fatalf("%d signatures by %d keys", n, len(keys))
		}
	})
}

func FuzzRetryAfter(f *testing.F) {
	now := time.Date(2026, 1, 31, 10, 0, 0, 0, time.UTC)
	for _, s := range []string{"120", "Sat, 31 Jan 2026 10:05:00 GMT", "-1", "99999999999", "", "soon"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if d := retryAfter(s, now); d < 0 || d > maxRetryAfter {
			t.Fatalf("%q: %v", s, d)
		}
	})
}

func FuzzFit(f *testing.F) {
	f.Add([]byte(`{"alert_id":"ab","events":[{"step":"s","type":"E","id":"1","at":"x","data":{}}]}`))
	f.Add([]byte(`{"events":[],"events":[1]}`))
	f.Add([]byte(`{"a":",\"events\":","events":[1,2,3]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if json.Valid(text) && !json.Valid(fit(text, "https://x/")) {
			t.Fatalf("%s became %s", text, fit(text, "https://x/"))
		}
	})
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 31, 10, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"120": 2 * time.Minute, "Sat, 31 Jan 2026 10:05:00 GMT": 5 * time.Minute, "Sat, 31 Jan 2026 09:05:00 GMT": 0, "-1": 0, "": 0, "4000000000": maxRetryAfter, "soon": 0,
	} {
		if got := retryAfter(text, now); got != want {
			t.Errorf("%q: %v, not %v", text, got, want)
		}
	}
}
