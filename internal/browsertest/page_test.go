package browsertest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

func TestAlertAppears(t *testing.T) {
	s := serve(t, "")
	b := browser(t)
	b.open(s.url)
	b.live()
	b.untilText(".empty", "No alerts yet")
	b.untilText(".empty pre", s.url+"/api/v1/events")
	b.shot("empty-light")
	b.axe("nothing yet, light")
	b.theme("dark")
	b.shot("empty-dark")
	b.axe("nothing yet, dark")
	b.theme("light")
	var took []time.Duration
	for i := range 5 {
		text := fmt.Sprintf("Card c%d paid 9000.00 USD", i)
		start := time.Now()
		s.pay(fmt.Sprintf("c%d", i), "9000.00")
		b.untilText(".rows .row", text)
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	t.Logf("from an event's post to its alert on the page: %v to %v, the middle one %v", took[0], took[len(took)-1], took[len(took)/2])
	b.untilText(".health.good", "well")
}

func TestFeedSurvivesARestart(t *testing.T) {
	s := serve(t, "")
	b := browser(t)
	b.expect(`WebSocket connection|ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|Failed to load resource`)
	b.open(s.url)
	b.live()
	s.pay("c1", "6000.00", "6001.00", "6002.00")
	b.untilText(".rows .row", "6002.00")
	for round := range 2 {
		s.stop()
		b.until("the page says that it reconnects", `document.querySelector('[data-link=reconnecting]')`)
		if round == 0 {
			b.shot("reconnecting")
		}
		s.start()
		// What comes before the page is back is brought to it, too.
		last := fmt.Sprintf("7%d02.00", round)
		s.pay("c1", fmt.Sprintf("7%d00.00", round), fmt.Sprintf("7%d01.00", round), last)
		b.untilText(".rows .row", last)
		b.live()
	}
	if got := b.seqs(); !slices.Equal(got, []int{9, 8, 7, 6, 5, 4, 3, 2, 1}) {
		t.Errorf("shown: %v", got)
	}
}

func TestTriageByKeyboard(t *testing.T) {
	s := serve(t, "")
	b := browser(t)
	b.open(s.url)
	b.live()
	s.pay("c1", "6000.00", "6001.00", "6002.00", "6003.00")
	b.untilText(".rows .row", "6003.00")

	row := func(seq int) string { return fmt.Sprintf("#alert-%d", seq) }
	b.keys("jja") // the second from the top
	b.untilText(row(3), "ack")
	b.untilText(".toast", "Undo")
	b.keys("u")
	b.untilText(row(3), "open")
	b.keys("jx") // the third, then the fourth with it
	b.keys("jx")
	b.untilText(".selection", "2 alerts selected")
	b.shot("selected")
	b.keys("c")
	b.untilText("dialog[open]", "2 alerts")
	b.shot("close-light")
	b.axe("close, light")
	b.do(chromedp.SendKeys(chromedp.CSS(`dialog input[type=text]`), "called the customer"))
	b.keys("\r")
	b.untilText(row(1), "closed fraud")
	b.untilText(row(2), "closed fraud")
	b.until("nothing is selected any more", `!document.querySelector('dialog') && !document.querySelector('.selection')`)
	b.keys("kkka")
	b.untilText(row(4), "ack")
	b.keys("o")
	b.untilText("dialog[open]", "Owner")
	b.axe("assign, light")
	b.do(chromedp.SendKeys(chromedp.CSS(`dialog input[type=text]`), "jd\r"))
	b.untilText(row(4)+" .owner", "jd")
	b.untilText(".toast", "to jd")
	b.until("the dialog is gone", `!document.querySelector('dialog')`)
	b.keys("u")
	b.untilText(row(4)+" .owner", "–")

	// It is so for everybody, and after a reload.
	b.do(chromedp.Reload())
	b.live()
	b.untilText(row(1), "closed fraud")
	b.untilText(row(3), "open")
	b.untilText(row(4), "ack")

	// Somebody else's work shows without a reload.
	s.call("POST", "/api/v1/alerts/triage", "", map[string]any{"alerts": []int{3}, "state": "closed", "outcome": "legit"}, nil)
	b.untilText(row(3), "closed legit")

	// The keys that are told are there.
	b.keys("?")
	b.untilText("dialog[open]", "acknowledge")
	b.shot("help")
	b.axe("help")
	b.keys("\x1b")
	b.until("the help is gone", `!document.querySelector('dialog')`)
	b.shot("list-light")
	b.axe("the list, light")
	b.theme("dark")
	b.shot("list-dark")
	b.axe("the list, dark")
}

func TestFilter(t *testing.T) {
	s := serve(t, "")
	b := browser(t)
	b.open(s.url)
	b.live()
	s.pay("c1", "1.00", "2.00", "900.00")
	s.pay("c2", "6000.00")
	b.untilText(".rows .row", "6000.00")
	only := func(text string, n int) {
		t.Helper()
		b.until(fmt.Sprintf("%d rows with %q are all", n, text), fmt.Sprintf(
			`(rows => rows.length === %d && rows.every(r => r.textContent.includes(%q)))([...document.querySelectorAll('.rows .row')])`, n, text))
	}
	b.keys("/")
	b.do(chromedp.SendKeys(chromedp.CSS("#filter"), "severity>=critical\r"))
	only("probed", 1)
	if got := eval[string](b, "new URLSearchParams(location.search).get('q')"); got != "severity>=critical" {
		t.Errorf("the address has %q", got)
	}
	// What comes is filtered, too.
	s.pay("c3", "6100.00")
	s.pay("c4", "1.00", "2.00", "901.00")
	only("probed", 2)
	b.shot("filtered")

	// An address is a view.
	b.open(s.url + `/?q=key%3D%22c2%22`)
	only("c2", 1)
	b.open(s.url + "/?rule=big_payment")
	only("big_payment", 2)

	// A filter that is none says where.
	b.open(s.url + "/?q=severity%3E%3Dloud")
	b.untilText(".bar [role=alert]", "loud")
	b.shot("filter-error")
	b.axe("a filter's error")

	b.open(s.url + "/?group=rule")
	b.untilText(".groups tr", "big_payment")
	b.untilText(".groups tr", "probed")
	b.shot("groups")
	b.axe("groups")
	b.click(".groups button")
	b.until("the rule is chosen", `new URLSearchParams(location.search).get('rule')`)
	b.until("its alerts are shown", `document.querySelectorAll('.rows .row').length === 2`)
}

func TestSilence(t *testing.T) {
	s := serve(t, "")
	b := browser(t)
	b.open(s.url)
	b.live()
	s.pay("c1", "6000.00")
	b.untilText(".rows .row", "6000.00")
	b.keys("js")
	b.untilText("dialog[open]", "Silence")
	b.do(chromedp.SendKeys(chromedp.CSS(`dialog input[type=text]`), "a known tester"))
	b.shot("silence-light")
	b.axe("silence, light")
	b.keys("\r")
	b.untilText(".toast", "Silenced big_payment")
	var list struct {
		Items []struct{ Rule, Key, Reason string }
	}
	s.call("GET", "/api/v1/silences", "", nil, &list)
	if len(list.Items) != 1 || list.Items[0].Rule != "big_payment" || list.Items[0].Key != "c1" || list.Items[0].Reason != "a known tester" {
		t.Errorf("silences: %+v", list.Items)
	}
	b.keys("\x1b")
	s.pay("c1", "6100.00")
	b.untilText("#alert-2", "silenced")
	s.pay("c2", "6200.00")
	b.untilText("#alert-3", "open")
	if eval[bool](b, `document.querySelector('#alert-3').textContent.includes('silenced')`) {
		t.Error("another key is silenced, too")
	}

	// It is ended where it stands.
	b.click(`nav a[href="/silences"]`)
	b.untilText("main tr", "a known tester")
	b.shot("silences-light")
	b.axe("silences, light")
	b.theme("dark")
	b.axe("silences, dark")
	b.click("main td button")
	b.untilText("main", "Nothing is silenced")
	b.axe("no silences")
	s.pay("c1", "6300.00")
	b.click(`nav a[href="/"]`)
	b.untilText("#alert-4", "open")
	if eval[bool](b, `document.querySelector('#alert-4').textContent.includes('silenced')`) {
		t.Error("an ended silence goes on")
	}
}

func TestAlertPage(t *testing.T) {
	var broken atomic.Bool
	broken.Store(true)
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if broken.Load() {
			http.Error(w, "this endpoint is broken", http.StatusInternalServerError)
		}
	}))
	defer hook.Close()
	s := serve(t, fmt.Sprintf("sink out to webhook { url: %q, allow: [\"127.0.0.0/8\"] }\n", hook.URL))
	b := browser(t)
	b.open(s.url)
	b.live()
	s.pay("c1", "1.00", "2.00", "900.00")
	s.pay("c1", "6000.00")
	b.untilText(".rows .row", "6000.00")

	b.keys("jj\r") // the older one
	b.untilText("h1", "probed")
	b.until("the address is the alert's", `location.pathname === "/alerts/1"`)
	b.untilText(".timeline li", "1.00 USD")
	if n := eval[int](b, `document.querySelectorAll('.timeline li').length`); n != 4 {
		t.Errorf("the timeline has %d entries, not three events and the match", n)
	}
	b.untilText(".others li", "big_payment")
	b.do(chromedp.SendKeys(chromedp.CSS("#comment"), "looks real\r"))
	b.untilText(".history li", "looks real")
	b.do(chromedp.Blur(chromedp.CSS("#comment")))
	b.keys("a")
	b.untilText(".head .state", "ack")
	b.untilText(".history li", "acknowledged it")
	b.shot("alert-light")
	b.axe("an alert, light")
	b.theme("dark")
	b.shot("alert-dark")
	b.axe("an alert, dark")
	b.keys("c")
	b.untilText("dialog[open]", "what was it?")
	b.shot("close-dark")
	b.axe("close, dark")
	b.keys("\x1b")
	b.theme("light")

	// The newer one was told to a webhook, which did not take it.
	b.keys("k")
	b.until("the address is the other's", `location.pathname === "/alerts/2"`)
	b.untilText(".deliveries li", "to be sent")
	b.click(".deliveries summary")
	b.untilText(".deliveries td", "500")
	b.shot("deliveries")
	b.axe("deliveries")
	broken.Store(false)
	b.click(".deliveries button")
	b.untilText(".toast", "Sent again to out")
	b.until("it is delivered", `document.querySelector('.deliveries .delivered')`)
	b.keys("\x1b")
	b.until("the list is back", `location.pathname === "/" && document.querySelector('.rows .row')`)
	b.open(s.url + "/pipeline")
	b.untilText("main.pipeline td", "big_payment")
	b.shot("pipeline")
	b.axe("pipeline")
	b.open(s.url + "/alerts/999")
	b.expect("Failed to load resource.*404")
	b.untilText("[role=alert]", "no such alert")
}

func TestLogin(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	token := newToken(t, file, "jd", "analyst")
	admin := newToken(t, file, "ci", "admin")
	s := serve(t, "", "--auth-file", file)
	b := browser(t)
	b.expect("Failed to load resource.*401")
	b.open(s.url)
	b.untilText("form", "Token")
	b.shot("login-light")
	b.axe("login")
	b.do(chromedp.SendKeys(chromedp.CSS("#token"), "no token\r"))
	b.untilText("[role=alert]", "token")
	eval[any](b, `void document.getElementById('token').select()`)
	b.do(chromedp.SendKeys(chromedp.CSS("#token"), token+"\r"))
	b.live()
	b.untilText(".who", "jd")
	s.payAs(admin, "c1", "6000.00")
	b.untilText(".rows .row", "6000.00")
	b.keys("ja")
	b.untilText("#alert-1", "ack")
	var got struct{ History []struct{ By string } }
	s.call("GET", "/api/v1/alerts/1", token, nil, &got)
	if len(got.History) != 1 || got.History[0].By != "jd" {
		t.Errorf("history: %+v", got.History)
	}
	// The cookie is there after a reload, and scripts cannot read it.
	b.do(chromedp.Reload())
	b.live()
	if c := eval[string](b, "document.cookie"); strings.Contains(c, "weir") {
		t.Errorf("scripts see %q", c)
	}
	eval[any](b, `void [...document.querySelectorAll('.top button')].find(x => x.textContent === 'Log out').click()`)
	b.untilText("form", "Token")
}

// newToken makes a token by the command that people use.
func newToken(t *testing.T, file, name, role string) string {
	t.Helper()
	cmd := command("token", "new", "--name", name, "--role", role, "--auth-file", file)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
