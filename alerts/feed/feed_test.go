package feed

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/weir-cep/weir/alerts"
	"github.com/weir-cep/weir/alerts/sink/sinktest"
)

func ptr[T any](v T) *T { return &v }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// begin is a feed of an empty log.
func begin(t testing.TB, limits Limits) (*alerts.Log, *Hub) {
	t.Helper()
	l := sinktest.Log(t)
	h := New(l, limits, nil)
	t.Cleanup(h.Close)
	return l, h
}

// said is a frame as a client reads it.
type said struct {
	Type, ID, Reason, Kind, Text, Fetch string
	Seq                                 any
	Upto, Actions                       any
	From, To, Head                      uint64
	Items                               []struct {
		Seq            uint64
		State, Outcome string
		Action         uint64
	}
}

func read(t testing.TB, f *Frame) said {
	t.Helper()
	var m said
	if err := json.Unmarshal(f.Text, &m); err != nil {
		t.Fatalf("%v: %s", err, f.Text)
	}
	if m.Type != f.Type {
		t.Fatalf("%s is not of type %s", f.Text, f.Type)
	}
	return m
}

// next is the next frame that is no sign of life.
func next(t testing.TB, s *Session) (said, Place) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		f, at, err := s.Next(ctx)
		must(t, err)
		if f.Type != "hb" {
			return read(t, f), at
		}
	}
}

func session(t testing.TB, h *Hub, w Want) *Session {
	t.Helper()
	s, err := h.Open()
	must(t, err)
	t.Cleanup(s.Close)
	must(t, s.Subscribe(w))
	return s
}

func seqs(m said) (list []uint64) {
	for _, it := range m.Items {
		list = append(list, it.Seq)
	}
	return list
}

func TestSnapshotBatchUpdate(t *testing.T) {
	l, h := begin(t, Limits{Page: 4})
	sinktest.Commit(t, l, 10)
	s := session(t, h, Want{ID: "a"})
	m, f := next(t, s)
	if m.Type != "snapshot" || !slices.Equal(seqs(m), []uint64{7, 8, 9, 10}) || f.Seq != 10 {
		t.Fatalf("%+v", m)
	}
	sinktest.Commit(t, l, 12)
	if m, _ = next(t, s); m.Type != "batch" || !slices.Equal(seqs(m), []uint64{11, 12}) || fmt.Sprint(m.Seq) != "[11 12]" || m.Items[0].State != "open" {
		t.Fatalf("%+v", m)
	}
	_, err := l.Act([]uint64{11, 3}, alerts.Change{State: ptr(alerts.StateClosed), Outcome: ptr("fraud")}, "jd")
	must(t, err)
	if m, f = next(t, s); m.Type != "update" || len(m.Items) != 2 || m.Items[1].Seq != 11 || m.Items[1].State != "closed" || m.Items[1].Outcome != "fraud" || f.Action != 2 || f.Seq != 12 {
		t.Fatalf("%+v", m)
	}
	_, err = l.Note("endpoint_disabled", "webhook x was switched off", "weir")
	must(t, err)
	if m, _ = next(t, s); m.Type != "notice" || m.Kind != "endpoint_disabled" || m.Text == "" {
		t.Fatalf("%+v", m)
	}
	// Who goes on behind gets the rest, and nothing twice.
	late := session(t, h, Want{ID: "b", After: ptr(uint64(3)), Action: ptr(uint64(1))})
	var got []uint64
	for len(got) < 9 {
		m, _ := next(t, late)
		got = append(got, seqs(m)...)
	}
	if want := []uint64{4, 5, 6, 7, 8, 9, 10, 11, 12}; !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	if m, _ := next(t, late); m.Type != "update" || len(m.Items) != 1 || m.Items[0].Action != 2 {
		t.Errorf("%+v", m)
	}
}

func TestFiltersAndSubscriptions(t *testing.T) {
	l, h := begin(t, Limits{Subs: 2})
	f, err := alerts.ParseFilter("key=c1")
	must(t, err)
	s := session(t, h, Want{ID: "a", Filter: f, After: ptr(uint64(0))})
	must(t, s.Subscribe(Want{ID: "b", After: ptr(uint64(0))}))
	if err := s.Subscribe(Want{ID: "c"}); err == nil {
		t.Error("a third subscription")
	}
	sinktest.Commit(t, l, 10)
	got := map[string][]uint64{}
	for len(got["a"]) < 2 || len(got["b"]) < 10 {
		m, _ := next(t, s)
		got[m.ID] = append(got[m.ID], seqs(m)...)
	}
	if !slices.Equal(got["a"], []uint64{1, 6}) || len(got["b"]) != 10 {
		t.Errorf("%v", got)
	}
	s.Unsubscribe("b")
	sinktest.Commit(t, l, 11)
	if m, _ := next(t, s); m.ID != "a" || !slices.Equal(seqs(m), []uint64{11}) {
		t.Errorf("%+v", m)
	}
	s.Say(ErrorFrame("x", "bad", "no"))
	if m, _ := next(t, s); m.Type != "error" || m.ID != "x" {
		t.Errorf("%+v", m)
	}
}

// A client that was up to date and falls too far behind is told what it does
// not get; one that catches up is not.
func TestGap(t *testing.T) {
	l, h := begin(t, Limits{Behind: 50, Recent: 20, Page: 10})
	slow := session(t, h, Want{ID: "slow", After: ptr(uint64(0))})
	sinktest.Commit(t, l, 5)
	if m, _ := next(t, slow); len(m.Items) != 5 {
		t.Fatalf("%+v", m)
	}
	// It takes nothing more, and others go on.
	quick := session(t, h, Want{ID: "quick", After: ptr(uint64(5))})
	for n := uint64(10); n <= 200; n += 10 {
		sinktest.Commit(t, l, n)
		for seen := n - 10; seen < n; {
			m, f := next(t, quick)
			if m.Type != "batch" {
				t.Fatalf("%+v", m)
			}
			seen = f.Seq
		}
	}
	if m, _ := next(t, slow); m.Type != "gap" || m.Reason != "slow_client" || m.From != 6 || m.To != 200 || m.Fetch != "/api/v1/alerts?after=5&limit=500" {
		t.Fatalf("%+v", m)
	}
	catching := session(t, h, Want{ID: "c", After: ptr(uint64(0))})
	for want := uint64(1); want <= 200; {
		m, _ := next(t, catching)
		if m.Type != "batch" {
			t.Fatalf("%+v", m)
		}
		for _, seq := range seqs(m) {
			if seq != want {
				t.Fatalf("alert %d, not %d", seq, want)
			}
			want++
		}
	}
	if n := h.Stats().Gaps; n != 1 {
		t.Errorf("%d gaps", n)
	}
}

// Alerts that retention removed are told of, too.
func TestGone(t *testing.T) {
	l, err := alerts.Open(alerts.Options{FS: mem(), Dir: "alerts", CleanEvery: -1, Keep: 10})
	must(t, err)
	h := New(l, Limits{}, nil)
	t.Cleanup(func() { h.Close(); l.Close() })
	sinktest.Commit(t, l, 30)
	_, err = l.Clean()
	must(t, err)
	s := session(t, h, Want{ID: "a", After: ptr(uint64(4))})
	if m, _ := next(t, s); m.Type != "gap" || m.Reason != "gone" || m.From != 5 || m.To != 20 {
		t.Fatalf("%+v", m)
	}
	if m, _ := next(t, s); !slices.Equal(seqs(m), []uint64{21, 22, 23, 24, 25, 26, 27, 28, 29, 30}) {
		t.Fatalf("%+v", m)
	}
}

// Clients that stand at the same place and want the same get one frame, made
// once.
func TestShared(t *testing.T) {
	l, h := begin(t, Limits{})
	var list []*Session
	for range 20 {
		list = append(list, session(t, h, Want{ID: "a", After: ptr(uint64(0)), Coarse: true}))
	}
	for n := uint64(1); n <= 5; n++ {
		sinktest.Commit(t, l, n*10)
		made := map[*Frame]bool{}
		for _, s := range list {
			for {
				f, at, err := s.Next(t.Context())
				must(t, err)
				made[f] = true
				if at.Seq == n*10 {
					break
				}
			}
		}
		if len(made) > 4 {
			t.Errorf("20 clients got %d frames", len(made))
		}
	}
}

func TestBeat(t *testing.T) {
	l, h := begin(t, Limits{Beat: time.Millisecond})
	sinktest.Commit(t, l, 3)
	s := session(t, h, Want{ID: "a", Filter: alerts.Filter{Key: "nobody"}, After: ptr(uint64(0))})
	for {
		f, _, err := s.Next(t.Context())
		must(t, err)
		m := read(t, f)
		if m.Type != "hb" {
			t.Fatalf("%+v", m)
		}
		if m.Head == 3 && strings.Contains(string(f.Text), `"seq":3`) {
			return // nothing passed, and it says that the client is up to date
		}
	}
}

func TestFullAndClosed(t *testing.T) {
	_, h := begin(t, Limits{Clients: 2})
	a := session(t, h, Want{ID: "a", After: ptr(uint64(0))})
	b := session(t, h, Want{ID: "a"})
	if _, err := h.Open(); err != ErrFull {
		t.Error(err)
	}
	b.Close()
	b.Close()
	c, err := h.Open()
	must(t, err)
	defer c.Close()
	if n := h.Stats().Clients; n != 2 {
		t.Errorf("%d clients", n)
	}
	go h.Close()
	if _, _, err := a.Next(t.Context()); err != ErrClosed {
		t.Error(err)
	}
}

// Many clients, at random places with random filters, while alerts and actions
// come: each gets every alert that passes once, in order, and every action.
func TestEverybodyGetsAll(t *testing.T) {
	l, h := begin(t, Limits{Page: 7, Recent: 30, Beat: 20 * time.Millisecond})
	const n = 600
	var all sync.WaitGroup
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	for i := range 25 {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(i), 1))
			filter := ""
			if i%2 == 1 {
				filter = fmt.Sprintf("key=c%d", i%sinktest.Keys)
			}
			f, err := alerts.ParseFilter(filter)
			if err != nil {
				t.Error(err)
				return
			}
			var seq, action uint64
			var got []uint64
			for seq < n || action < n/10 {
				s, err := h.Open()
				if err != nil {
					t.Error(err)
					return
				}
				w := Want{ID: "x", Filter: f, After: ptr(seq), Action: ptr(action), Coarse: i%3 == 0}
				if err := s.Subscribe(w); err != nil {
					t.Error(err)
				}
				for k := rng.IntN(30); k > 0 && (seq < n || action < n/10); k-- {
					fr, at, err := s.Next(ctx)
					if err != nil {
						t.Error(err)
						s.Close()
						return
					}
					m := read(t, fr)
					switch m.Type {
					case "batch":
						got = append(got, seqs(m)...)
						seq = at.Seq
					case "update":
						for _, it := range m.Items {
							if it.Action != action+1 {
								t.Errorf("action %d behind %d", it.Action, action)
							}
							action = it.Action
						}
					case "hb":
						seq = max(seq, at.Seq)
					default:
						t.Errorf("%+v", m)
					}
				}
				s.Close()
			}
			want := uint64(0)
			for k := uint64(1); k <= n; k++ {
				if filter != "" && sinktest.Key(k) != fmt.Sprintf("c%d", i%sinktest.Keys) {
					continue
				}
				if want >= uint64(len(got)) || got[want] != k {
					t.Errorf("client %d: alert %d is missing or twice: %v", i, k, got)
					return
				}
				want++
			}
			if uint64(len(got)) != want {
				t.Errorf("client %d got %d, not %d", i, len(got), want)
			}
		})
	}
	for seq := uint64(1); seq <= n; seq++ {
		sinktest.Commit(t, l, seq)
		if seq%10 == 0 {
			_, err := l.Act([]uint64{seq}, alerts.Change{Comment: ptr("c")}, "jd")
			must(t, err)
		}
	}
	all.Wait()
}

func mem() *vfs.MemFS { return vfs.NewMem() }

// With many clients the lanes have their pulses one after the other, each as
// often as it may; with few all have theirs at once.
func TestLanesTakeTurns(t *testing.T) {
	h := &Hub{shared: map[shareKey]*Frame{}}
	h.fine.begin(0, 0)
	for i := range h.users {
		h.users[i] = 40
	}
	given := func() (list []int) {
		for i, p := range h.fine.pulse {
			if p.head == h.recent.head {
				list = append(list, i)
			}
		}
		return list
	}
	const distance = 100 * time.Millisecond
	now := time.Unix(1_800_000_000, 0)
	h.recent.head = 1
	for n := 1; n <= lanes; n++ {
		wait := h.beat(&h.fine, now, distance)
		if len(given()) != n || n < lanes && wait != distance/lanes {
			t.Fatalf("%d lanes had it, the next is %s away", len(given()), wait)
		}
		now = now.Add(wait)
	}
	// News at each moment: each lane has one a distance, on its own beat.
	now = h.fine.any
	var times [lanes]int
	had := h.fine.pulse
	for end := now.Add(10 * distance); now.Before(end); now = now.Add(time.Millisecond) {
		h.recent.head++
		h.beat(&h.fine, now, distance)
		for i, p := range h.fine.pulse {
			if p != had[i] {
				times[i]++
			}
		}
		had = h.fine.pulse
	}
	for i, n := range times {
		if n < 9 || n > 10 {
			t.Errorf("lane %d had %d pulses in ten distances", i, n)
		}
	}
	now = now.Add(time.Hour)
	h.recent.head++
	if wait := h.beat(&h.fine, now, quickest); wait != time.Hour || len(given()) != lanes {
		t.Errorf("%d lanes had it, the next is %s away", len(given()), wait)
	}
}
