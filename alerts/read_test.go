package alerts

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/weir-cep/weir/cep"
)

// TestFilters compares filtered reading in pages with looking at each alert.
func TestFilters(t *testing.T) {
	l := open(t, Options{})
	const all = 500
	for n := uint64(1); n <= all; n++ {
		a := testAlert(n)
		if n%4 == 0 {
			a.Status = "shadow"
		}
		must(t, l.Commit(n, []*cep.Alert{a}))
	}
	rng := rand.New(rand.NewPCG(1, 1))
	filters := []Filter{
		{}, {Rules: []string{"rule_1"}}, {Rules: []string{"rule_1", "rule_2", "none"}}, {Rules: []string{"none"}}, {Least: cep.High},
		{Key: "c3"}, {Key: "c"}, {From: 100e9}, {Before: 100e9}, {From: 100e9, Before: 101e9}, {Sink: "cases"}, {Sink: "other"},
		{Rules: []string{"rule_0"}, Least: cep.Medium, Key: "c5", From: 20e9, Before: 400e9, Sink: "cases"},
	}
	for _, f := range filters {
		var want []uint64
		for n := uint64(1); n <= all; n++ {
			a := testAlert(n)
			if (len(f.Rules) == 0 || slices.Contains(f.Rules, a.Rule)) && a.Severity >= f.Least && (f.Key == "" || f.Key == string(a.AppendKey(nil))) &&
				(f.From == 0 || a.At >= f.From) && (f.Before == 0 || a.At < f.Before) && (f.Sink == "" || slices.Contains(a.To, f.Sink) && n%4 != 0) {
				want = append(want, n)
			}
		}
		var got []uint64
		for seq := uint64(0); ; {
			limit := 1 + rng.IntN(60)
			p, err := l.After(seq, limit, f)
			must(t, err)
			if len(p.Entries) > limit || p.Head != all || p.First != 1 || p.Gone != 0 {
				t.Fatalf("%+v: page %+v", f, p)
			}
			for _, e := range p.Entries {
				got = append(got, e.Seq)
				if e.Shadow != (e.Seq%4 == 0) || e.Journal != e.Seq {
					t.Fatalf("%+v", e)
				}
			}
			if seq = p.Next; seq == p.Head {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%+v: %v, want %v", f, got, want)
		}
	}
}

func TestRetention(t *testing.T) {
	now := time.Unix(1000, 0)
	l := open(t, Options{Keep: 100, KeepAge: time.Minute, KeepBehind: 150, CleanEvery: -1, Now: func() time.Time { return now }})
	clean := func(removed, first, head uint64) {
		t.Helper()
		n, err := l.Clean()
		must(t, err)
		if n != removed {
			t.Fatalf("%d removed, want %d", n, removed)
		}
		checkLog(t, l, first, head)
		if ids := count(t, l, keyID); ids != head+1-first {
			t.Fatalf("%d ids for %d alerts", ids, head+1-first)
		}
	}
	must(t, l.Commit(1, testAlerts(1, 80)))
	clean(0, 1, 80)
	now = now.Add(30 * time.Second)
	must(t, l.Commit(2, testAlerts(81, 130)))
	clean(30, 31, 130) // by count
	now = now.Add(30 * time.Second)
	clean(0, 31, 130)
	now = now.Add(time.Nanosecond)
	clean(50, 81, 130) // by age

	// A reader that is behind holds them, within KeepBehind.
	must(t, l.SetCursor("slow", Cursor{Seq: 90}))
	must(t, l.Hold("slow"))
	now = now.Add(time.Hour)
	clean(10, 91, 130)
	must(t, l.SetCursor("slow", Cursor{Seq: 95}))
	clean(5, 96, 130)
	must(t, l.Commit(3, testAlerts(131, 300)))
	clean(55, 151, 300)
	if p, err := l.After(95, 10, Filter{}); err != nil || p.Gone != 55 || p.Entries[0].Seq != 151 {
		t.Fatalf("%+v %v", p, err)
	}
	l.Release("slow")
	clean(50, 201, 300)
	now = now.Add(time.Hour)
	clean(100, 301, 300)
	if p, err := l.After(200, 10, Filter{}); err != nil || p.Gone != 100 || p.Next != 300 || len(p.Entries) != 0 {
		t.Fatalf("%+v %v", p, err)
	}

	// Numbers go on behind what is gone, also after a start.
	fs, dir := l.opt.FS, l.opt.Dir
	must(t, l.Close())
	l = open(t, Options{FS: fs, Dir: dir, CleanEvery: -1})
	checkLog(t, l, 301, 300)
	must(t, l.Replay(298))
	must(t, l.Commit(4, testAlerts(299, 302)))
	if r, m := l.Replayed(); r != 2 || m != 0 {
		t.Fatalf("%d reproduced, %d missing", r, m)
	}
	checkLog(t, l, 301, 302)
}

func TestCleaningByItself(t *testing.T) {
	l := open(t, Options{Keep: 10, CleanEvery: time.Millisecond})
	must(t, l.Commit(1, testAlerts(1, 50)))
	for end := time.Now().Add(30 * time.Second); l.First() != 41; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the log still begins with %d", l.First())
		}
	}
}

// TestReadersWhileItIsWritten reads to the end as it moves, cleans, and closes
// in the middle of it.
func TestReadersWhileItIsWritten(t *testing.T) {
	l := open(t, Options{Keep: 300, CleanEvery: -1})
	const all = 3000
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			seen := uint64(0)
			for seen < all {
				news := l.Changed()
				p, err := l.After(seen, 50, Filter{})
				if err != nil {
					t.Error(err)
					return
				}
				want := seen + p.Gone
				for _, e := range p.Entries {
					if want++; e.Seq != want {
						t.Errorf("alert %d behind %d", e.Seq, want-1)
						return
					}
				}
				seen = p.Next
				if seen == p.Head && seen < all {
					<-news
				}
			}
		})
	}
	for n := uint64(1); n <= all; n += 10 {
		must(t, l.Commit(n, testAlerts(n, n+9)))
		if n%500 == 1 {
			_, err := l.Clean()
			must(t, err)
		}
	}
	wg.Wait()
}
