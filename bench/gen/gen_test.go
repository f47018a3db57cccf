package gen

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the sample in rules/library/data")

type line struct {
	Type      string    `json:"type"`
	At        time.Time `json:"at"`
	AuthID    string    `json:"auth_id"`
	LoginID   string    `json:"login_id"`
	SensorID  string    `json:"sensor_id"`
	UserID    string    `json:"user_id"`
	CardID    string    `json:"card_id"`
	Decision  string    `json:"decision"`
	Amount    float64   `json:"amount"`
	Degrees   float64   `json:"temperature"`
	NewDevice *bool     `json:"new_device"`
}

func generate(t *testing.T, o Options) (text []byte, lines []line, incidents []Incident) {
	t.Helper()
	var b bytes.Buffer
	incidents, err := Write(&b, o)
	if err != nil {
		t.Fatal(err)
	}
	for text := range bytes.Lines(b.Bytes()) {
		var l line
		if err := json.Unmarshal(text, &l); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		lines = append(lines, l)
	}
	return b.Bytes(), lines, incidents
}

// TestSample holds the committed sample to its generator.
func TestSample(t *testing.T) {
	events, _, incidents := generate(t, Options{})
	var truth bytes.Buffer
	if err := WriteTruth(&truth, incidents); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join("..", "..", "rules", "library", "data")
	packed, plain := filepath.Join(dir, "generated.ndjson.gz"), filepath.Join(dir, "generated.truth.ndjson")
	if *rewrite {
		var b bytes.Buffer
		z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
		if err == nil {
			_, err = z.Write(events)
		}
		if err == nil {
			err = z.Close()
		}
		if err == nil {
			err = os.WriteFile(packed, b.Bytes(), 0o644)
		}
		if err == nil {
			err = os.WriteFile(plain, truth.Bytes(), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Open(packed)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Size() > 400<<10 {
		t.Errorf("the sample is too large to ship: %v, %v", info, err)
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	shipped, err := io.ReadAll(z)
	if err != nil || !bytes.Equal(shipped, events) {
		t.Errorf("the sample is not what the generator makes (%v); run this test with -rewrite", err)
	}
	shippedTruth, err := os.ReadFile(plain)
	if err != nil || !bytes.Equal(shippedTruth, truth.Bytes()) {
		t.Errorf("the sample's truth is not what the generator makes (%v)", err)
	}
}

func TestStreamIsAFunctionOfItsOptions(t *testing.T) {
	o := Options{Duration: 4 * hourNS, Incidents: 1, Cards: 200, Users: 100}
	a, _, _ := generate(t, o)
	b, _, _ := generate(t, o)
	if !bytes.Equal(a, b) {
		t.Error("the same options give different streams")
	}
	o.Seed = 2
	if c, _, _ := generate(t, o); bytes.Equal(a, c) {
		t.Error("the seed changes nothing")
	}
	// A card's payments do not change with the number of users.
	o = Options{Duration: 4 * hourNS, Incidents: -1, Cards: 200, Users: 100}
	cards := func(o Options) (n float64) {
		_, lines, _ := generate(t, o)
		for _, l := range lines {
			n += l.Amount * float64(strings.Count(l.Type, "Auth"))
		}
		return n
	}
	more := o
	more.Users = 150
	if cards(o) != cards(more) {
		t.Error("what cards pay depends on the users")
	}
}

func TestOrderIDsAndDisorder(t *testing.T) {
	for _, disorder := range []int64{0, 20 * secondNS} {
		o := Options{Disorder: disorder}
		_, lines, _ := generate(t, o)
		ids := map[string]bool{}
		var latest time.Time
		var behind time.Duration
		types := map[string]int{}
		for i, l := range lines {
			types[l.Type]++
			if id := l.AuthID + l.LoginID; id != "" {
				if ids[id] {
					t.Fatalf("the id %s comes twice", id)
				}
				ids[id] = true
			}
			if l.At.Before(time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)) || !l.At.Before(time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC)) {
				t.Fatalf("event %d at %s is outside the stream", i, l.At)
			}
			behind = max(behind, latest.Sub(l.At))
			if l.At.After(latest) {
				latest = l.At
			}
		}
		if behind > time.Duration(disorder) || disorder > 0 && behind < time.Second {
			t.Errorf("disorder %d: events are up to %s behind", disorder, behind)
		}
		for _, typ := range strings.Fields("Auth Order Payment Refund Login PasswordChange Payout Reading Heartbeat") {
			if types[typ] < 20 {
				t.Errorf("only %d %s", types[typ], typ)
			}
		}
	}
}

// TestTruthNamesTheEvents follows every event of the truth into the stream.
func TestTruthNamesTheEvents(t *testing.T) {
	for _, disorder := range []int64{0, 20 * secondNS} {
		_, lines, incidents := generate(t, Options{Disorder: disorder})
		if want := 3 * len(plots); len(incidents) != want {
			t.Fatalf("%d incidents, want %d", len(incidents), want)
		}
		byID := map[string]line{}
		for i, l := range lines {
			id := l.AuthID + l.LoginID
			if id == "" {
				id = "events/0/" + itoa(i)
			}
			byID[id] = l
		}
		keys := map[string]bool{}
		for _, inc := range incidents {
			if inc.NearMiss != (len(inc.Rules) == 0) || inc.NearMiss != (inc.Note != "") {
				t.Errorf("%s %s: near miss %v with rules %v", inc.Kind, inc.Key, inc.NearMiss, inc.Rules)
			}
			if keys[inc.Key] && inc.Key[0] != 's' {
				t.Errorf("%s is in two incidents", inc.Key)
			}
			keys[inc.Key] = true
			first, last := int64(1)<<62, int64(0)
			for _, id := range inc.Events {
				l, ok := byID[id]
				if !ok {
					t.Fatalf("%s %s: no event %s", inc.Kind, inc.Key, id)
				}
				if k := l.CardID + l.UserID + l.SensorID; k != inc.Key && (l.Type == "Auth" || l.Type == "Login" && inc.Kind != "password_spray" || l.SensorID != "") {
					t.Errorf("%s %s: event %s is of %s", inc.Kind, inc.Key, id, k)
				}
				first, last = min(first, l.At.UnixNano()), max(last, l.At.UnixNano())
			}
			if inc.First != first || inc.Last != last {
				t.Errorf("%s %s: from %d to %d, want %d to %d", inc.Kind, inc.Key, inc.First, inc.Last, first, last)
			}
		}
	}
}

func itoa(n int) string { b, _ := json.Marshal(n); return string(b) }

func TestEventsEndTheStream(t *testing.T) {
	_, lines, incidents := generate(t, Options{Events: 500})
	if len(lines) != 500 || len(incidents) > 5 {
		t.Errorf("%d events, %d incidents", len(lines), len(incidents))
	}
}

func TestOptionErrors(t *testing.T) {
	for _, o := range []Options{{Cards: 5}, {Users: 5}, {Sensors: -1}, {Duration: hourNS}, {Disorder: hourNS}, {Incidents: 100}, {Incidents: 9, Duration: 4 * hourNS}} {
		if _, err := New(o); err == nil || !strings.HasPrefix(err.Error(), "gen: ") {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func TestTruthJSON(t *testing.T) {
	i := Incident{Kind: "k", Key: `a"b`, NearMiss: true, Note: "n", First: 1_772_409_600*secondNS + 5e6, Last: 1_772_409_601 * secondNS, Events: []string{"a1", "events/0/7"}}
	want := `{"kind":"k","key":"a\"b","near_miss":true,"note":"n","rules":[],"first":"2026-03-02T00:00:00.005Z","last":"2026-03-02T00:00:01Z","events":["a1","events/0/7"]}`
	if got := string(i.AppendJSON(nil)); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

func BenchmarkStream(b *testing.B) {
	s, err := New(Options{Cards: 100_000, Users: 50_000, Sensors: 1_000, Duration: 10_000 * 24 * hourNS})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, ok := s.Next(); !ok {
			b.Fatal("the stream ends")
		}
	}
}
