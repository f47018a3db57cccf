package alerts

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/weir-cep/weir/cep"
)

func ptr[T any](v T) *T { return &v }

// life is a log with a clock of its own.
func life(t *testing.T, fs *vfs.MemFS, n uint64) (*Log, *time.Time) {
	t.Helper()
	now := time.Date(2026, 1, 31, 10, 0, 0, 0, time.UTC)
	l := open(t, Options{FS: fs, CleanEvery: -1, Now: func() time.Time { return now }})
	if n > 0 {
		must(t, l.Commit(1, testAlerts(l.Head()+1, n)))
	}
	return l, &now
}

func TestLife(t *testing.T) {
	fs := vfs.NewMem()
	l, now := life(t, fs, 10)
	list, err := l.Act([]uint64{3, 4, 3}, Change{State: ptr(StateAcknowledged), Assignee: ptr("jd")}, "jd")
	must(t, err)
	if len(list) != 2 || list[0].N != 1 || list[0].Seq != 3 || list[0].Kind != "acknowledge" || list[0].Assignee != "jd" || list[1].Seq != 4 {
		t.Fatalf("%+v", list)
	}
	if again, err := l.Act([]uint64{3}, Change{State: ptr(StateAcknowledged)}, "eve"); err != nil || again != nil {
		t.Fatalf("what is so already is no action: %+v %v", again, err)
	}
	*now = now.Add(time.Minute)
	_, err = l.Act([]uint64{3}, Change{State: ptr(StateClosed), Outcome: ptr("fraud"), Comment: ptr("called them")}, "eve")
	must(t, err)
	_, err = l.Act([]uint64{4}, Change{State: ptr(StateOpen)}, "eve")
	must(t, err)
	must(t, l.Close())

	l, _ = life(t, fs, 0)
	e, err := l.Get(3)
	must(t, err)
	want := Triage{State: StateClosed, Outcome: "fraud", Assignee: "jd", Comments: 1, Updated: now.UnixNano(), Action: 3}
	if e.Triage != want {
		t.Errorf("%+v", e.Triage)
	}
	var shown struct {
		Seq                      uint64
		State, Outcome, Assignee string
		Comments                 int
		Updated, Logged, Rule    string
	}
	must(t, json.Unmarshal(e.AppendJSON(nil), &shown))
	if shown.Seq != 3 || shown.State != "closed" || shown.Outcome != "fraud" || shown.Assignee != "jd" || shown.Comments != 1 ||
		shown.Updated != "2026-01-31T10:01:00Z" || shown.Logged != "2026-01-31T10:00:00Z" || shown.Rule != "rule_0" {
		t.Errorf("%+v", shown)
	}
	history, err := l.History(3)
	must(t, err)
	if len(history) != 2 || history[0].N != 1 || history[1].N != 3 || history[1].By != "eve" || history[1].Comment != "called them" {
		t.Errorf("%+v", history)
	}
	all, next, err := l.ActionsAfter(1, 2)
	must(t, err)
	if len(all) != 2 || next != 3 || all[0].N != 2 || l.LastAction() != 4 {
		t.Errorf("%+v %d", all, next)
	}
	p, err := l.After(0, 100, Filter{States: []State{StateClosed}})
	must(t, err)
	if len(p.Entries) != 1 || p.Entries[0].Seq != 3 || p.Next != 10 {
		t.Errorf("%+v", p)
	}
	if p, err = l.After(0, 100, Filter{States: []State{StateOpen}}); err != nil || len(p.Entries) != 9 {
		t.Errorf("%d open, %v", len(p.Entries), err)
	}
}

func TestChangesThatMakeNoSense(t *testing.T) {
	l, _ := life(t, vfs.NewMem(), 3)
	for text, c := range map[string]Change{
		"nothing is to change":        {},
		"needs an outcome":            {State: ptr(StateClosed)},
		"and this one is open":        {Outcome: ptr("fraud")},
		"close it, or leave":          {State: ptr(StateAcknowledged), Outcome: ptr("fraud")},
		"is no outcome":               {State: ptr(StateClosed), Outcome: ptr("no idea")},
		"is no assignee":              {Assignee: ptr("a\nb")},
		"the comment is empty":        {Comment: ptr(" \n")},
		"the comment is 5000 bytes":   {Comment: ptr(strings.Repeat("x", 5000))},
		"there is no state 9":         {State: ptr(State(9))},
		"an outcome says how an aler": {State: ptr(StateOpen), Outcome: ptr("x")},
	} {
		var wrong *ChangeError
		if _, err := l.Act([]uint64{1}, c, "jd"); !errors.As(err, &wrong) || !strings.Contains(err.Error(), text) {
			t.Errorf("%+v: %v, not %q", c, err, text)
		}
	}
	if _, err := l.Act([]uint64{1, 99}, Change{State: ptr(StateAcknowledged)}, "jd"); !errors.Is(err, ErrNone) || !strings.Contains(err.Error(), "alert 99") {
		t.Error(err)
	}
	if e, err := l.Get(1); err != nil || e.Triage.State != StateOpen || l.LastAction() != 0 {
		t.Errorf("all or nothing: %+v %v", e.Triage, err)
	}
	if _, err := l.Act(nil, Change{Comment: ptr("x")}, "jd"); err == nil {
		t.Error("no alerts")
	}
}

func TestSilence(t *testing.T) {
	fs := vfs.NewMem()
	l, now := life(t, fs, 0)
	end := now.Add(time.Hour).UnixNano()
	s, err := l.Silence(Silence{Rule: "rule_*", Key: "c1", Reason: "known tester", By: "jd", Ends: end})
	must(t, err)
	later, err := l.Silence(Silence{Rule: "rule_2", Reason: "maintenance", By: "jd", Starts: now.Add(30 * time.Minute).UnixNano(), Ends: end})
	must(t, err)
	must(t, l.Commit(1, testAlerts(1, 14))) // keys c1: 1, 8
	list, err := l.Silences(false)
	must(t, err)
	if len(list) != 2 || list[0].ID != s.ID || list[0].Alerts != 2 || list[1].Alerts != 0 {
		t.Fatalf("%+v", list)
	}
	p, err := l.After(0, 100, Filter{Sink: "cases"})
	must(t, err)
	var sent []uint64
	for _, e := range p.Entries {
		sent = append(sent, e.Seq)
	}
	if want := []uint64{3, 5, 7, 9, 11, 13}; !slices.Equal(sent, want) {
		t.Errorf("the sink got %v, not %v", sent, want)
	}
	e, err := l.Get(8)
	must(t, err)
	if e.Triage.Silence != s.ID || !strings.Contains(string(e.AppendJSON(nil)), `"silence":"`+s.ID+`"`) || strings.Contains(string(e.JSON), s.ID) {
		t.Errorf("%s\n%s", e.AppendJSON(nil), e.JSON)
	}
	*now = now.Add(31 * time.Minute)
	must(t, l.Unsilence(s.ID, "eve"))
	if err := l.Unsilence(s.ID, "eve"); !errors.Is(err, ErrNoSilence) {
		t.Error(err)
	}
	must(t, l.Commit(2, testAlerts(15, 17))) // 15 is of c1; 17 of rule_2
	must(t, l.Close())

	l, now = life(t, fs, 0)
	*now = now.Add(31 * time.Minute)
	list, err = l.Silences(true)
	must(t, err)
	if len(list) != 2 || list[0].Ended != "eve" || list[0].Alerts != 2 || list[1].ID != later.ID || list[1].Alerts != 1 {
		t.Errorf("%+v", list)
	}
	for seq, want := range map[uint64]string{15: "", 16: "", 17: later.ID} {
		if e, err := l.Get(seq); err != nil || e.Triage.Silence != want {
			t.Errorf("alert %d: silence %q, %v", seq, e.Triage.Silence, err)
		}
	}
	*now = now.Add(time.Hour)
	must(t, l.Commit(3, testAlerts(18, 20)))
	if e, err := l.Get(20); err != nil || e.Triage.Silence != "" {
		t.Errorf("the silence is over: %+v %v", e.Triage, err)
	}
	kinds := ""
	trail, _, err := l.ActionsAfter(0, 10)
	must(t, err)
	for _, a := range trail {
		kinds += a.Kind + " "
	}
	if kinds != "silence silence unsilence " {
		t.Error(kinds)
	}
}

// A silence that came or went between a crash and its recovery does not make
// alerts missing.
func TestSilenceAndReplay(t *testing.T) {
	l, now := life(t, vfs.NewMem(), 10)
	_, err := l.Silence(Silence{Rule: "*", Reason: "r", By: "jd", Ends: now.Add(time.Hour).UnixNano()})
	must(t, err)
	must(t, l.Replay(4))
	must(t, l.Commit(1, testAlerts(5, 12)))
	if reproduced, missing := l.Replayed(); reproduced != 6 || missing != 0 {
		t.Errorf("%d reproduced, %d missing", reproduced, missing)
	}
	for seq, silenced := range map[uint64]bool{10: false, 11: true, 12: true} {
		if e, err := l.Get(seq); err != nil || (e.Triage.Silence != "") != silenced {
			t.Errorf("alert %d: %+v %v", seq, e.Triage, err)
		}
	}
}

func TestSilencesThatMakeNoSense(t *testing.T) {
	l, now := life(t, vfs.NewMem(), 0)
	end := now.Add(time.Hour).UnixNano()
	for text, s := range map[string]Silence{
		"a silence of everything": {Reason: "r", By: "jd", Ends: end},
		"needs a reason":          {Rule: "r", By: "jd", Ends: end},
		"needs an end":            {Rule: "r", Reason: "r", By: "jd"},
		"ends before it begins":   {Rule: "r", Reason: "r", By: "jd", Starts: end + 1, Ends: end},
		"has ended already":       {Rule: "r", Reason: "r", By: "jd", Starts: 1, Ends: 2},
		"is no author":            {Rule: "r", Reason: "r", Ends: end},
		"labels, it can be":       {Labels: make([]cep.Label, 17), Reason: "r", By: "jd", Ends: end},
	} {
		if _, err := l.Silence(s); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%+v: %v, not %q", s, err, text)
		}
	}
}

func TestGlob(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		is            bool
	}{
		{"card", "card", true}, {"card", "cards", false}, {"card*", "card", true}, {"card*", "card_testing", true}, {"*", "", true},
		{"*_x", "a_x", true}, {"*_x", "_x_", false}, {"a*b*c", "axxbyyc", true}, {"a*b*c", "abc", true}, {"a*b*c", "acb", false},
		{"a*a", "a", false}, {"**", "x", true}, {"a*bc*c", "abcc", true}, {"a*bc*c", "abc", false},
	} {
		if got := matchGlob(c.pattern, c.text); got != c.is {
			t.Errorf("%q and %q: %t", c.pattern, c.text, got)
		}
	}
}

func TestActionsInBetween(t *testing.T) {
	l, _ := life(t, vfs.NewMem(), 100)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range uint64(25) {
				if _, err := l.Act([]uint64{1 + n*4 + uint64(i)/2}, Change{Comment: ptr("c")}, "jd"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Go(func() {
		for n := uint64(101); n <= 150; n++ {
			if err := l.Commit(n, testAlerts(n, n)); err != nil {
				t.Error(err)
			}
		}
	})
	all.Wait()
	list, next, err := l.ActionsAfter(0, 1000)
	must(t, err)
	for i, a := range list {
		if a.N != uint64(i+1) {
			t.Fatalf("action %d is %d", i+1, a.N)
		}
	}
	if len(list) != 200 || next != 200 {
		t.Errorf("%d actions", len(list))
	}
	for seq := uint64(1); seq <= 100; seq++ {
		if e, err := l.Get(seq); err != nil || e.Triage.Comments != 2 {
			t.Errorf("alert %d: %+v %v", seq, e.Triage, err)
		}
	}
}

func TestTrailHasItsLimit(t *testing.T) {
	fs := vfs.NewMem()
	l := open(t, Options{FS: fs, CleanEvery: -1, KeepActions: 5, Keep: 3})
	must(t, l.Commit(1, testAlerts(1, 6)))
	for seq := uint64(1); seq <= 6; seq++ {
		for range 2 {
			_, err := l.Act([]uint64{seq}, Change{Comment: ptr("c")}, "jd")
			must(t, err)
		}
	}
	if list, next, err := l.ActionsAfter(0, 100); err != nil || len(list) != 5 || list[0].N != 8 || next != 12 {
		t.Errorf("%+v %d %v", list, next, err)
	}
	if h, err := l.History(4); err != nil || len(h) != 1 {
		t.Errorf("%+v %v", h, err)
	}
	_, err := l.Clean()
	must(t, err)
	if n := count(t, l, keyTriage); n != 3 {
		t.Errorf("%d triages of 3 alerts", n)
	}
	if n := count(t, l, keyHistory); n != 6 {
		t.Errorf("%d rows of history", n)
	}
	must(t, l.Close())
	l = open(t, Options{FS: fs, CleanEvery: -1, KeepActions: 5})
	if a, err := l.Note("rule_status", "off", "jd"); err != nil || a.N != 13 {
		t.Errorf("%+v %v", a, err)
	}
}

func TestLast(t *testing.T) {
	l, _ := life(t, vfs.NewMem(), 10)
	p, err := l.Last(3, 0, Filter{Rules: []string{"rule_1"}}) // 1 4 7 10
	must(t, err)
	var got []uint64
	for _, e := range p.Entries {
		got = append(got, e.Seq)
	}
	p, err = l.Last(3, p.Next, Filter{Rules: []string{"rule_1"}})
	must(t, err)
	for _, e := range p.Entries {
		got = append(got, e.Seq)
	}
	if !slices.Equal(got, []uint64{10, 7, 4, 1}) || p.Next != 1 {
		t.Errorf("%v, next %d", got, p.Next)
	}
}

func TestGroups(t *testing.T) {
	l, _ := life(t, vfs.NewMem(), 12)
	_, err := l.Act([]uint64{3}, Change{State: ptr(StateClosed), Outcome: ptr("legit")}, "jd")
	must(t, err)
	list, back, err := l.Groups(GroupBy{Rule: true}, Filter{}, 2)
	must(t, err)
	if back != 1 || len(list) != 2 || list[0].Rule != "rule_0" || list[0].Alerts != 4 || list[0].Open != 3 || list[0].LastSeq != 12 || list[0].FirstSeq != 3 ||
		list[0].FirstAt != 3e9 || list[0].LastAt != 12e9 || list[1].Rule != "rule_2" {
		t.Errorf("%+v %d", list, back)
	}
	if list, _, err = l.Groups(GroupBy{Rule: true, Key: true}, Filter{States: []State{StateClosed}}, 10); err != nil || len(list) != 1 || list[0].Key != "c3" {
		t.Errorf("%+v %v", list, err)
	}
}

// Verify finds a hole in the trail, and triage of an alert that is not there.
func TestVerifyTrail(t *testing.T) {
	for name, hurt := range map[string]func(l *Log) error{
		"":                    func(*Log) error { return nil },
		"action 2 is missing": func(l *Log) error { return l.db.Delete(actionKey(nil, 2), nil) },
		"to alert 9, which":   func(l *Log) error { return l.db.Set(triageKey(nil, 9), []byte("{}"), nil) },
	} {
		fs := vfs.NewMem()
		l, _ := life(t, fs, 3)
		for seq := uint64(1); seq <= 3; seq++ {
			_, err := l.Act([]uint64{seq}, Change{Comment: ptr("c")}, "jd")
			must(t, err)
		}
		must(t, hurt(l))
		must(t, l.Close())
		found := ""
		must(t, Verify(fs, "alerts", func(_, why string) { found += why }))
		if (name == "") != (found == "") || !strings.Contains(found, name) {
			t.Errorf("%q: found %q", name, found)
		}
	}
}
