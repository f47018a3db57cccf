package simulator

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

var start = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func TestSimulator(t *testing.T) {
	a, err := New(Options{Start: start})
	if err != nil {
		t.Fatal(err)
	}
	b, err := New(Options{Start: start})
	if err != nil {
		t.Fatal(err)
	}
	last, n := int64(0), 0
	for a.Peek() < start.Add(7*time.Hour).UnixNano() {
		line, at, err := a.Next()
		if err != nil {
			t.Fatal(err)
		}
		other, _, err := b.Next()
		if err != nil || !bytes.Equal(line, other) {
			t.Fatalf("not the same: %s and %s %v", line, other, err)
		}
		if at < last {
			t.Fatalf("an event at %d behind one at %d", at, last)
		}
		var e map[string]any
		if n%1000 == 0 {
			if err := json.Unmarshal(line, &e); err != nil {
				t.Fatal(err)
			}
		}
		if at >= start.UnixNano() {
			n++
		}
		last = at
	}
	if rate := float64(n) / (7 * 3600); rate < 5 || rate > 60 {
		t.Errorf("%.1f events a second", rate)
	}
	kinds, misses := map[string]int{}, 0
	for _, i := range a.Incidents() {
		kinds[i.Kind]++
		if i.NearMiss {
			misses++
		}
		if !strings.Contains(i.Key, "-") && !strings.Contains(i.Key, ".") {
			t.Errorf("%s has the key %s of no stream", i.Kind, i.Key)
		}
	}
	if len(kinds) < 8 || misses == 0 {
		t.Errorf("%v, %d near misses", kinds, misses)
	}
}

func TestRate(t *testing.T) {
	for _, rate := range []float64{-1, 2000} {
		if _, err := New(Options{Start: start, Rate: rate}); err == nil {
			t.Error(rate)
		}
	}
}
