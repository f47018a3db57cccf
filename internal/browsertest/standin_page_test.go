package browsertest

import (
	"slices"
	"strings"
	"testing"
)

func TestAlertsWaitWhereSomebodyReads(t *testing.T) {
	s := newStandIn(t)
	s.raise(60)
	b := browser(t)
	b.open(s.URL)
	b.live()
	b.until("there are rows", `document.querySelectorAll('.rows .row').length > 10`)
	if got := b.seqs(); got[0] != 60 || got[1] != 59 {
		t.Fatalf("the newest is not on top: %v", got)
	}
	b.shot("list")
	s.raise(1)
	b.untilText(".rows .row", "Alert 61")

	// The pointer is over a row: nothing moves under it.
	b.pointer(600, 400)
	before := b.seqs()
	s.raise(12)
	b.untilText("#new", "12 new")
	if now := b.seqs(); !slices.Equal(now, before) {
		t.Errorf("rows moved under the pointer: %v, then %v", before, now)
	}
	b.shot("waiting-light")
	b.theme("dark")
	b.shot("waiting-dark")
	b.keys("n")
	b.untilText(".rows .row", "Alert 73")

	// An alert is at work: it stays where it is.
	b.pointer(600, 10)
	b.keys("jj")
	b.until("the second alert is current", `document.querySelector('.row.current')?.dataset.seq === "72"`)
	s.raise(2)
	b.untilText("#new", "2 new")
	b.keys("\x1b")
	b.untilText(".rows .row", "Alert 75")

	// So is a list that was scrolled.
	eval[any](b, `void document.querySelector('.grid').scrollTo(0, 300)`)
	b.until("it is scrolled", `document.querySelector('.grid').scrollTop === 300`)
	top := eval[string](b, `document.elementFromPoint(600, 300).closest('.row').dataset.seq`)
	s.raise(3)
	b.untilText("#new", "3 new")
	if now := eval[string](b, `document.elementFromPoint(600, 300).closest('.row').dataset.seq`); now != top {
		t.Errorf("alert %s was read, and %s is there", top, now)
	}
	b.click("#new")
	b.untilText(".rows .row", "Alert 78")
	b.untilText("#spoken", "new alert")
}

func TestGapIsSaidAndFilled(t *testing.T) {
	s := newStandIn(t)
	s.raise(5)
	s.dropped[7], s.dropped[8] = true, true
	b := browser(t)
	b.open(s.URL)
	b.live()
	s.raise(5)
	b.untilText("[data-link=gap]", "GAP 2 — load")
	b.shot("gap")
	if got := b.seqs(); !slices.Equal(got, []int{10, 9, 6, 5, 4, 3, 2, 1}) {
		t.Errorf("shown: %v", got)
	}
	b.click("[data-link=gap]")
	b.live()
	if got := b.seqs(); !slices.Equal(got, []int{10, 9, 8, 7, 6, 5, 4, 3, 2, 1}) {
		t.Errorf("shown: %v", got)
	}
}

func TestConnectionComesBackWithoutLossOrRepeat(t *testing.T) {
	s := newStandIn(t)
	s.raise(3)
	b := browser(t)
	b.open(s.URL)
	b.live()
	for i := range 5 {
		s.CloseClientConnections()
		s.raise(2)
		b.untilText(".rows .row", "Alert "+string(rune('5'+2*i)))
		if i == 2 {
			break
		}
	}
	b.live()
	if got := b.seqs(); !slices.Equal(got, []int{9, 8, 7, 6, 5, 4, 3, 2, 1}) {
		t.Errorf("shown: %v", got)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, sub := range s.subs {
		if resumed := strings.Contains(sub, `"after":`); resumed != (i > 0) {
			t.Errorf("connection %d asked for %s", i, sub)
		}
	}
}

func TestWithoutWebSocketsEventsAreTaken(t *testing.T) {
	s := newStandIn(t)
	s.noSockets = true
	s.raise(3)
	b := browser(t)
	b.expect("WebSocket connection to .* failed")
	b.open(s.URL)
	b.live()
	s.raise(1)
	b.untilText(".rows .row", "Alert 4")
	if how := eval[string](b, `document.querySelector('[data-link=live]').title`); !strings.Contains(how, "server-sent") {
		t.Errorf("the pill says %q", how)
	}
}

func TestManyAlertsAreFewRows(t *testing.T) {
	s := newStandIn(t)
	s.raise(3000)
	b := browser(t)
	b.open(s.URL)
	b.live()
	b.until("there are rows", `document.querySelectorAll('.rows .row').length > 10`)
	for range 40 {
		eval[any](b, `void document.querySelector('.grid').scrollBy(0, 1e6)`)
		if eval[bool](b, `[...document.querySelectorAll('.rows .row')].some(r => r.dataset.seq === "1")`) {
			break
		}
		b.until("older ones came", `document.querySelector('.grid').scrollTop + document.querySelector('.grid').clientHeight < document.querySelector('.grid').scrollHeight - 10 || [...document.querySelectorAll('.rows .row')].some(r => r.dataset.seq === "1")`)
	}
	b.until("the oldest is there", `[...document.querySelectorAll('.rows .row')].some(r => r.dataset.seq === "1")`)
	if n := eval[int](b, `document.querySelectorAll('.rows .row').length`); n > 80 {
		t.Errorf("%d rows are in the page", n)
	}
}
