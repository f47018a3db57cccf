package remote

import (
	"strings"
	"testing"
	"time"

	"github.com/weir-cep/weir/internal/client"
)

var noon = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

// well is a server that nothing is wrong with.
func well() *examination {
	e := &examination{}
	e.pipe.Now, e.pipe.Started = noon, noon.Add(-time.Hour)
	e.pipe.Health.Ready, e.pipe.Health.Sentence = true, "All is well."
	e.pipe.Sources = []client.Source{{Name: "txns", Kind: "kafka", Partitions: []client.Partition{
		{Partition: 0, Events: 1000, Newest: noon, Watermark: noon, Arrived: noon},
		{Partition: 1, Events: 1000, Newest: noon, Watermark: noon, Arrived: noon},
	}}}
	e.pipe.Groups = []client.Group{{Watermark: noon, Sources: []string{"txns"}, Rules: []string{"card_testing"}}}
	e.rules.Items = []client.Rule{{Name: "card_testing", Status: "live", Matches: 3, Alerts: 3}}
	e.rules.ReloadGood = true
	return e
}

func TestDoctorFindsTheUsualReasons(t *testing.T) {
	free := int64(1 << 20)
	for name, c := range map[string]struct {
		ill   func(*examination)
		what  string // of a finding
		do    string // of the same
		grave bool
	}{
		"nothing is taken in": {func(e *examination) {
			e.pipe.Health.Ready = false
			e.pipe.Health.Checks = []client.Check{{Name: "journal", Text: "Nothing is taken in: the journal cannot be written."}}
		}, "the journal cannot be written", "make room", true},
		"not ready for no check": {func(e *examination) { e.pipe.Health.Ready, e.pipe.Health.Sentence = false, "Weir is stopping." }, "Weir is stopping", "/readyz", true},
		"clocks":                 {func(e *examination) { e.ahead = -3600 }, "1h0m0s apart", "time server", false},
		"an event of tomorrow":   {func(e *examination) { e.pipe.Sources[0].Partitions[1].Newest = noon.Add(24 * time.Hour) }, "Partition 1 of source txns has an event of 2026-02-01T12:00:00Z", "sender's clock", true},
		"no source":              {func(e *examination) { e.pipe.Sources = nil }, "no source", "source NAME of EVENT", true},
		"a source fails":         {func(e *examination) { e.pipe.Sources[0].Error = "connection refused" }, "connection refused", "by itself", true},
		"nothing came":           {func(e *examination) { e.pipe.Sources[0].Partitions = nil }, "No event has come since the start, 1h0m0s ago", "sender", false},
		"all rejected": {func(e *examination) {
			e.pipe.Sources[0].Partitions, e.pipe.Sources[0].Rejected = nil, map[string]uint64{"missing_field": 7, "bad_type": 2}
		}, "All 9 records were rejected (bad_type 2, missing_field 7)", "dead-letters", true},
		"many rejected": {func(e *examination) { e.pipe.Sources[0].Rejected = map[string]uint64{"bad_type": 101} }, "101 records were rejected", "dead-letters", false},
		"unknown types": {func(e *examination) { e.pipe.Sources[0].Partitions, e.pipe.Sources[0].Skipped = nil, 50 }, "50 records are of types that no rule names", "written the same", true},
		"a silent partition": {func(e *examination) {
			e.pipe.Sources[0].Partitions[0].Held = true
			p := &e.pipe.Sources[0].Partitions[1]
			p.Holds, p.Arrived, p.Watermark = true, noon.Add(-4*time.Minute), noon.Add(-5*time.Minute)
		}, "Partition 1 of source txns has had no event for 4m0s and holds the watermark at 2026-01-31T11:55:00Z: alerts of card_testing wait", "idle 30s", true},
		"late": {func(e *examination) {
			e.pipe.Late = []client.Lateness{{Type: "Auth", Late: 30, Longest: "40s", Suggested: "45s"}}
		}, "30 events of Auth came too late", "late 45s", true},
		"no key": {func(e *examination) { e.rules.Items[0] = client.Rule{Name: "r", Status: "live", KeyMissing: 9} }, "9 events were left out", "by", true},
		"eval":   {func(e *examination) { e.rules.Items[0].EvalErrors = 4 }, "4 conditions", "explain", false},
		"off":    {func(e *examination) { e.rules.Items[0].Status = "off" }, "Switched off: card_testing", "weir rules enable", false},
		"shadow": {func(e *examination) { e.rules.Items[0].Status = "shadow" }, "Shadows", "weir rules enable", false},
		"silence": {func(e *examination) {
			e.silences = []client.Silence{{ID: "sil-3", Rule: "card_*", By: "jd", Reason: "tests", Ends: noon.Add(time.Hour)}}
		}, "rule=card_* is silenced until 2026-01-31T13:00:00Z by jd: tests", "weir silences end sil-3", false},
		"sink": {func(e *examination) { e.pipe.Sinks = []client.Sink{{Name: "out", Error: "no broker", Behind: 12}} }, "12 wait: no broker", "by itself", true},
		"webhook off": {func(e *examination) {
			e.endpoints = []client.Endpoint{{Sink: "cases", Disabled: "it was gone", Pending: 3}}
		}, "It is off, 3 messages wait: it was gone", "weir deliveries test cases", true},
		"webhook failing": {func(e *examination) {
			e.endpoints = []client.Endpoint{{Sink: "cases", Failing: noon.Add(-time.Minute), Pending: 1, Error: "HTTP 500"}}
		}, "It has taken nothing for 1m0s, 1 message wait: HTTP 500", "--in pending", true},
		"dead":   {func(e *examination) { e.dead = 2 }, "2 messages to webhooks were given up", "weir deliveries retry", true},
		"disk":   {func(e *examination) { e.state.DiskFree = &free }, "1.0 MiB are left", "make room", true},
		"memory": {func(e *examination) { e.state.Limit, e.state.Bytes = 1000, 950 }, "950 B of 1000 B", "--state-limit", true},
		"checkpoint": {func(e *examination) {
			e.state.Checkpoint.At, e.state.Checkpoint.Every, e.pipe.Queue.Records = noon.Add(-time.Hour), 5, 10
		}, "1h0m0s old", "disk", true},
	} {
		t.Run(name, func(t *testing.T) {
			e := well()
			c.ill(e)
			list := e.findings()
			if len(list) != 1 {
				t.Fatalf("findings %+v", list)
			}
			if f := list[0]; !strings.Contains(f.What, c.what) || !strings.Contains(f.Do, c.do) || f.Grave != c.grave {
				t.Errorf("got %+v", f)
			}
		})
	}
}

func TestDoctorIsContent(t *testing.T) {
	e := well()
	e.ahead = 2
	e.pipe.Sources[0].Rejected = map[string]uint64{"bad_type": 3}
	e.pipe.Sources[0].Partitions[1].Holds = true // somebody always does
	e.silences = []client.Silence{{ID: "sil-1", Starts: noon.Add(time.Hour), Ends: noon.Add(2 * time.Hour)}}
	if list := e.findings(); len(list) != 0 {
		t.Errorf("findings %+v", list)
	}
}
