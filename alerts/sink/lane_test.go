package sink

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/weir-cep/weir/alerts"
	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits until a condition holds.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited 30 s in vain: %s", what)
		}
	}
}

// testAlert is the n-th alert; every third goes to sink "other", every fifth
// is a shadow's.
func testAlert(n uint64) *cep.Alert {
	a := &cep.Alert{
		Rule: "probing", Version: "ab", Status: "live", At: int64(n), Message: fmt.Sprintf("alert %d", n), Revision: 1,
		Key: []cep.NamedValue{{Name: "card", Value: cep.Str(fmt.Sprintf("c%d", n%4))}}, To: []string{"cases"},
	}
	if n%3 == 0 {
		a.To = []string{"other"}
	}
	if n%5 == 0 {
		a.Status = "shadow"
	}
	binary.BigEndian.PutUint64(a.ID[8:], n)
	return a
}

// addressed are the numbers up to n of the alerts for sink "cases".
func addressed(n uint64) []uint64 {
	var list []uint64
	for i := uint64(1); i <= n; i++ {
		if i%3 != 0 && i%5 != 0 {
			list = append(list, i)
		}
	}
	return list
}

func commit(t testing.TB, l *alerts.Log, to uint64) {
	t.Helper()
	for n := l.Head() + 1; n <= to; n++ {
		must(t, l.Commit(n, []*cep.Alert{testAlert(n)}))
	}
}

func openLog(t testing.TB, fs vfs.FS, opt alerts.Options) *alerts.Log {
	t.Helper()
	opt.FS, opt.Dir, opt.CleanEvery = fs, "alerts", -1
	l, err := alerts.Open(opt)
	must(t, err)
	t.Cleanup(func() { l.Close() })
	return l
}

// collector is a sender that keeps what it gets, and fails when told to.
type collector struct {
	mu     sync.Mutex
	got    []uint64
	fail   func(items []Item) error
	closed int
}

func (c *collector) Send(ctx context.Context, items []Item) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fail != nil {
		if err := c.fail(items); err != nil {
			return err
		}
	}
	for _, it := range items {
		a := testAlert(it.Seq)
		a.Seq = it.Seq
		if want := a.AppendJSON(nil); !bytes.Equal(it.Text, want) || it.ID != a.ID || it.Key != fmt.Sprintf("c%d", it.Seq%4) || it.Rule != "probing" {
			panic(fmt.Sprintf("item %+v, want %s", it, want))
		}
		c.got = append(c.got, it.Seq)
	}
	return nil
}

func (c *collector) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed++
	return nil
}

func (c *collector) has(want []uint64) func() bool {
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return slices.Equal(c.got, want)
	}
}

func (c *collector) set(fail func([]Item) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fail = fail
}

// lanesOf are lanes whose sinks of kind test are the collector, and that wait
// no time.
func lanesOf(t *testing.T, l *alerts.Log, c *collector) *Lanes {
	s := NewLanes(l, Kinds{"test": func(Spec) (Sender, error) { return c, nil }, "websocket": nil}, slog.New(slog.DiscardHandler))
	s.wait = func(ctx context.Context, d time.Duration) error { return pause(ctx, time.Millisecond) }
	t.Cleanup(func() { closeNow(s) })
	return s
}

func closeNow(s *Lanes) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s.Close(ctx)
}

// spec is a sink with a path, if there is one.
func spec(name, kind, path string) Spec {
	ir := &dsl.SinkIR{Name: name, Kind: kind, File: "rules.cep"}
	if path != "" {
		ir.Options = []dsl.Option{{Name: "path", Value: cep.Str(path)}}
	}
	return Spec{IR: ir}
}

var cases = []Spec{spec("cases", "test", ""), spec("feed", "websocket", "")}

func TestLaneSendsWhatIsAddressedInOrder(t *testing.T) {
	fs := vfs.NewMem()
	l := openLog(t, fs, alerts.Options{})
	commit(t, l, 1300)
	c := &collector{}
	s := lanesOf(t, l, c)
	must(t, s.Set(cases))
	eventually(t, "all are there", c.has(addressed(1300)))
	commit(t, l, 1400)
	eventually(t, "new ones are there", c.has(addressed(1400)))
	st := s.Stats()
	if len(st) != 1 || st[0].Sent != uint64(len(addressed(1400))) || st[0].Err != "" {
		t.Fatalf("%+v", st)
	}
	s.Close(t.Context())
	if c.closed != 1 {
		t.Fatalf("closed %d times", c.closed)
	}

	// The next lane goes on at the cursor.
	commit(t, l, 1420)
	s = lanesOf(t, l, c)
	must(t, s.Set(cases))
	eventually(t, "it goes on", c.has(addressed(1420)))
}

func TestLaneTriesAgain(t *testing.T) {
	l := openLog(t, vfs.NewMem(), alerts.Options{})
	c, tries := &collector{}, 0
	c.fail = func(items []Item) error {
		if tries++; tries < 4 {
			return errors.New("connection refused")
		}
		return nil
	}
	s := lanesOf(t, l, c)
	must(t, s.Set(cases))
	commit(t, l, 10)
	eventually(t, "all are there once", c.has(addressed(10)))
	st := s.Stats()[0]
	if st.Retries != 3 {
		t.Fatalf("%+v", st)
	}
	c.set(func([]Item) error { return errors.New("connection refused") })
	commit(t, l, 12)
	eventually(t, "it is seen", func() bool { return s.Stats()[0].Err != "" })
	st = s.Stats()[0]
	if st.Lag < 1 || st.Failing.IsZero() || st.Oldest.IsZero() || st.Sentence(time.Now()) == "" {
		t.Fatalf("%+v", st)
	}
	c.set(nil)
	eventually(t, "it goes on", c.has(addressed(12)))
	eventually(t, "it is well", func() bool { st := s.Stats()[0]; return st.Err == "" && st.Lag == 0 && st.Oldest.IsZero() })
}

func TestLanePassesWhatIsRefused(t *testing.T) {
	l := openLog(t, vfs.NewMem(), alerts.Options{})
	c := &collector{}
	c.fail = func(items []Item) error {
		for i, it := range items {
			if it.Seq == 4 {
				return &RefusedError{Items: []int{i}, Err: errors.New("too large")}
			}
		}
		return nil
	}
	commit(t, l, 4)
	s := lanesOf(t, l, c)
	must(t, s.Set(cases))
	eventually(t, "it is refused", func() bool { return s.Stats()[0].Refused == 1 })
	commit(t, l, 8)
	eventually(t, "the rest comes", c.has([]uint64{7, 8}))
}

func TestLanesFollowTheRuleFiles(t *testing.T) {
	l := openLog(t, vfs.NewMem(), alerts.Options{})
	first, second := &collector{}, &collector{}
	now := first
	s := NewLanes(l, Kinds{"test": func(s Spec) (Sender, error) {
		if s.IR.Options[0].Value.Text == "bad" {
			return nil, errors.New("bad path")
		}
		return now, nil
	}}, slog.New(slog.DiscardHandler))
	defer closeNow(s)
	with := func(path string) []Spec { return []Spec{spec("cases", "test", path)} }
	must(t, s.Set(with("a")))
	commit(t, l, 10)
	eventually(t, "the first has them", first.has(addressed(10)))
	if err := s.Set(with("bad")); err == nil || err.Error() != "bad path" {
		t.Fatalf("error %v", err)
	}
	if err := s.Set([]Spec{spec("cases", "webhook", "")}); err == nil {
		t.Fatal("an unknown kind is not refused")
	}
	commit(t, l, 20)
	eventually(t, "the first goes on", first.has(addressed(20)))
	must(t, s.Set(with("a")))
	now = second
	must(t, s.Set(with("b")))
	commit(t, l, 30)
	eventually(t, "the second has the rest", second.has(addressed(30)[len(addressed(20)):]))
	must(t, s.Set(nil))
	if n := len(s.Stats()); n != 0 {
		t.Fatalf("%d lanes", n)
	}
	if !first.has(addressed(20))() {
		t.Fatal("the first got more")
	}
}

func TestLaneKeepsRetentionFromItsAlerts(t *testing.T) {
	l := openLog(t, vfs.NewMem(), alerts.Options{Keep: 10, KeepBehind: 100})
	c := &collector{}
	c.fail = func([]Item) error { return errors.New("away") }
	s := lanesOf(t, l, c)
	must(t, s.Set(cases))
	commit(t, l, 60)
	_, err := l.Clean()
	must(t, err)
	if l.First() != 1 {
		t.Fatalf("first is %d", l.First())
	}
	commit(t, l, 150)
	_, err = l.Clean()
	must(t, err)
	if l.First() != 51 {
		t.Fatalf("first is %d", l.First())
	}
	tries := s.Stats()[0].Retries
	eventually(t, "it looks at the log again", func() bool { return s.Stats()[0].Retries > tries+1 })
	c.set(nil)
	want := slices.DeleteFunc(addressed(150), func(n uint64) bool { return n <= 50 })
	eventually(t, "what is left comes", c.has(want))
	if st := s.Stats()[0]; st.Lost != 50 {
		t.Fatalf("%+v", st)
	}
	eventually(t, "retention goes on", func() bool { _, err := l.Clean(); must(t, err); return l.First() == 141 })
}

func TestDrainDeliversWhatIsThere(t *testing.T) {
	l := openLog(t, vfs.NewMem(), alerts.Options{})
	c := &collector{}
	s := lanesOf(t, l, c)
	must(t, s.Set(cases))
	commit(t, l, 5000)
	s.Close(t.Context())
	if !c.has(addressed(5000))() {
		t.Fatalf("%d came", len(c.got))
	}
	cur, err := l.Cursor("cases")
	must(t, err)
	if cur.Seq != 5000 {
		t.Fatalf("cursor %d", cur.Seq)
	}
}
