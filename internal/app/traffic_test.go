//go:build unix

package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// loadRules are a feature of another key, a rule that reads it, one that reads
// that one's alerts, an absence, and suppression; in time order. Marks only
// move the watermark.
const loadRules = `
event Login { time at late 3m  id id  at: timestamp  id: string  user: string  ip: string  ok: bool }
event Pay { time at late 3m  id id  at: timestamp  id: string  user: string  ip: string  amount: money(USD) }
event Mark { time at late 3m  id id  at: timestamp  id: string  user: string }

feature tries on Login where not ok by ip { failed = count() over last 5m }

rule takeover "Login from an address that guesses" {
  by user
  pattern {
    l: Login where ok and tries[ip].failed >= 3
    then p: Pay where amount > 100.00 USD
  } within 10m
  alert as Takeover { severity high  message "{user} from {l.ip}: {p.amount}"  amount = p.amount  ip = l.ip }
}

rule spree "Several takeovers from one address" {
  by ip
  on t: Takeover when count() over last 1h >= 2
  alert { severity critical  message "{ip}: {count() over last 1h}" }
  suppress for 5m
}

rule quiet "A user falls silent" {
  by user
  pattern { l: Login where ok  then no Login within 20m }
  alert { severity low  message "{user} is silent since {l.at}" }
}

rule big "Large payments" {
  by user
  on Pay when amount > 250.00 USD
  alert { message "{user}: {amount}" }
  suppress for 30m
}

rule mark { by user  on Mark when user == "nobody"  alert { message "never" } }
`

const (
	clients   = 4 // that post
	batch     = 20
	aRound    = time.Minute // of event time; the lateness is three of them
	ofHTTP    = 400         // events a round
	ofBus     = 200
	userCount = 400
)

var loadStart = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

// traffic is events that are posted and produced round by round until they are
// told to end. A client posts a batch again until it is acknowledged; a round
// begins when the one before is acknowledged, so no event is late.
type traffic struct {
	t     *testing.T
	rng   *rand.Rand
	url   atomic.Pointer[string]
	acked atomic.Int64 // events posted and acknowledged
	full  atomic.Int64 // answers that nothing can be written
	file  *os.File     // all events

	bus   bus    // nil: HTTP is all
	more  string // rules of the server
	same  string // that weir run has in their place
	stop  chan struct{}
	done  chan error
	pause time.Duration // between rounds

	rounds int

	posted, produced int64
	alerts           int
}

// bus is what carries some of the events: a broker.
type bus interface {
	source() string // how the rule files write it
	parts() int
	produce(partition int, lines ...string) error
	bury() // takes a killed server out of the consumer group
}

func newTraffic(t *testing.T, seed uint64) *traffic {
	l := &traffic{t: t, rng: rand.New(rand.NewPCG(seed, 2)), stop: make(chan struct{}), done: make(chan error, 1)}
	f, err := os.Create("events.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	l.file = f
	t.Cleanup(func() { f.Close() })
	return l
}

// sources are the rule files' sources. They are never left behind as silent:
// how long a restart takes must not decide what is late.
func (l *traffic) sources() string {
	text := "source web of Login, Pay, Mark from http { idle: 10h }\n"
	if l.bus != nil {
		text += "source bus of Login, Pay, Mark from " + l.bus.source() + "\n"
	}
	return text + l.more
}

// begin brings all partitions into being, by a first mark in each, and then
// lets the load go.
func (l *traffic) begin(p *process) {
	l.t.Helper()
	l.turnTo(p)
	if err := errors.Join(l.marks(loadStart.Add(-time.Minute))...); err != nil {
		l.t.Fatal(err)
	}
	p.until("every partition has come into being", func() bool { c := p.counts(); return c.posted+c.read-c.duplicates == l.posted+l.produced })
	go func() { l.done <- l.run() }()
}

// turnTo tells the clients where the server is now.
func (l *traffic) turnTo(p *process) { l.url.Store(&p.url) }

// run posts and produces until it is told to end.
func (l *traffic) run() error {
	for {
		select {
		case <-l.stop:
			return nil
		case <-time.After(l.pause):
		}
		if err := l.round(); err != nil {
			return err
		}
		l.rounds++
	}
}

// round is a minute's events, each at a time of its own, in any order.
func (l *traffic) round() error {
	n, parts := ofHTTP, 0
	if l.bus != nil {
		n, parts = n+ofBus, l.bus.parts()
	}
	at := loadStart.Add(time.Duration(l.rounds) * aRound)
	lines := make([]string, n)
	for i := range lines {
		lines[i] = l.event(at.Add(time.Duration(i)*aRound/time.Duration(n)).Truncate(time.Millisecond), fmt.Sprintf("e%d-%d", l.rounds, i))
	}
	if err := l.keep(lines...); err != nil {
		return err
	}
	l.rng.Shuffle(n, func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	bus := lines[ofHTTP:] // nothing where there is none
	work := make(chan []string, n)
	for b := range slices.Chunk(lines[:ofHTTP], batch) {
		work <- b
	}
	close(work)
	errs := make(chan error, clients)
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for b := range work {
				errs <- l.post(b)
			}
		})
	}
	for i := range parts {
		all.Go(func() { errs <- l.bus.produce(i, bus[i*len(bus)/parts:(i+1)*len(bus)/parts]...) })
	}
	go func() { all.Wait(); close(errs) }()
	var failed []error
	for err := range errs {
		failed = append(failed, err)
	}
	l.posted += ofHTTP
	l.produced += int64(len(bus))
	return errors.Join(failed...)
}

func (l *traffic) event(at time.Time, id string) string {
	user, ip, when := l.rng.IntN(userCount), l.rng.IntN(60), at.Format(time.RFC3339Nano)
	if l.rng.IntN(3) == 0 {
		return fmt.Sprintf(`{"type":"Pay","id":%q,"at":%q,"user":"u%d","ip":"10.0.0.%d","amount":"%d.00 USD"}`, id, when, user, ip, l.rng.IntN(260))
	}
	return fmt.Sprintf(`{"type":"Login","id":%q,"at":%q,"user":"u%d","ip":"10.0.0.%d","ok":%t}`, id, when, user, ip, l.rng.IntN(3) > 0)
}

// keep notes events for the reference.
func (l *traffic) keep(lines ...string) error {
	_, err := l.file.WriteString(strings.Join(lines, "\n") + "\n")
	return err
}

// marks puts a mark into every partition, from a time on.
func (l *traffic) marks(at time.Time) (errs []error) {
	mark := func(i int) string {
		when := at.Add(time.Duration(i) * time.Second)
		line := fmt.Sprintf(`{"type":"Mark","id":"m%d","at":%q,"user":"m"}`, when.Unix(), when.Format(time.RFC3339))
		errs = append(errs, l.keep(line))
		return line
	}
	errs = append(errs, l.post([]string{mark(0)}))
	l.posted++
	if l.bus != nil {
		for i := range l.bus.parts() {
			errs = append(errs, l.bus.produce(i, mark(1+i)))
			l.produced++
		}
	}
	return errs
}

// post posts a batch until it is acknowledged.
func (l *traffic) post(lines []string) error {
	body := strings.Join(lines, "\n")
	want := fmt.Sprintf(`"accepted":%d,"rejected":0`, len(lines))
	for end := time.Now().Add(2 * time.Minute); ; {
		text, status, err := postOnce(*l.url.Load(), body)
		switch {
		case err == nil && status == http.StatusOK:
			if !strings.Contains(text, want) {
				return fmt.Errorf("answer to %d events: %s", len(lines), text)
			}
			l.acked.Add(int64(len(lines)))
			return nil
		case err == nil && status == http.StatusServiceUnavailable:
			l.full.Add(1)
		case err == nil && status != http.StatusTooManyRequests:
			return fmt.Errorf("answer %d: %s", status, text)
		}
		if time.Now().After(end) {
			return fmt.Errorf("a batch is not acknowledged in two minutes: %d %s %v", status, text, err)
		}
		time.Sleep(20 * time.Millisecond) // before it is sent again
	}
}

func postOnce(url, body string) (text string, status int, err error) {
	answer, err := http.Post(url+"/api/v1/events", "application/x-ndjson", strings.NewReader(body))
	if err != nil {
		return "", 0, err
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	return string(got), answer.StatusCode, err
}

// end ends the load, with marks behind which nothing is open any more.
func (l *traffic) end() {
	l.t.Helper()
	close(l.stop)
	if err := <-l.done; err != nil {
		l.t.Fatal(err)
	}
	if err := errors.Join(l.marks(loadStart.Add(time.Duration(l.rounds)*aRound + 48*time.Hour))...); err != nil {
		l.t.Fatal(err)
	}
}

// check compares what the server has with what weir run finds in the events.
func (l *traffic) check(p *process) {
	l.t.Helper()
	var c counts
	// A record that came twice is read first and found to be known later.
	p.until(fmt.Sprintf("%d events over HTTP and %d from the bus are read, each once", l.posted, l.produced), func() bool {
		c = p.counts()
		return c.posted+c.read-c.duplicates == l.posted+l.produced
	})
	if c.late != 0 || c.rejected != 0 {
		l.t.Errorf("%+v, not %d over HTTP and %d from the bus", c, l.posted, l.produced)
	}
	want := reference(l.t, loadRules+l.same, "events.ndjson")
	rules := map[string]int{}
	seq := uint64(0)
	got := map[string]bool{}
	compare := func(line []byte) {
		var a alert
		if err := json.Unmarshal(line, &a); err != nil {
			l.t.Fatal(err)
		}
		if seq++; a.Seq != seq {
			l.t.Fatalf("the number behind %d is %d", seq-1, a.Seq)
		}
		id, text := readAlert(l.t, line)
		switch {
		case got[id]:
			l.t.Fatalf("twice: %s", text)
		case want[id] == "":
			l.t.Fatalf("only the server found %s", text)
		case want[id] != text:
			l.t.Fatalf("not the same:\n%s\n%s", text, want[id])
		}
		got[id] = true
		rules[a.Rule]++
	}
	p.until(fmt.Sprintf("there are %d alerts", len(want)), func() bool {
		for {
			var page struct{ Items []json.RawMessage }
			p.get(fmt.Sprintf("/api/v1/alerts?limit=1000&after=%d", seq), &page)
			for _, a := range page.Items {
				compare(a)
			}
			if len(page.Items) == 0 {
				return len(got) >= len(want)
			}
		}
	})
	l.alerts = len(got)
	for _, name := range []string{"takeover", "spree", "quiet", "big"} {
		if rules[name] == 0 {
			l.t.Errorf("rule %s found nothing: %v", name, rules)
		}
	}
}

// readAlert returns an alert's id and the rest of it that two runs of the same
// events have in common.
func readAlert(t *testing.T, line []byte) (id, text string) {
	t.Helper()
	var a map[string]any
	if err := json.Unmarshal(line, &a); err != nil {
		t.Fatal(err)
	}
	id, _ = a["alert_id"].(string)
	out, err := json.Marshal(found(a))
	if err != nil {
		t.Fatal(err)
	}
	return id, string(out)
}
