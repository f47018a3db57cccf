package alerts

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/weir-cep/weir/cep"
)

// testAlert is an alert that says of itself what number it should have.
func testAlert(n uint64) *cep.Alert {
	a := &cep.Alert{
		Rule:     fmt.Sprintf("rule_%d", n%3),
		Version:  "ab12",
		Status:   "live",
		Severity: cep.Severity(n % 5),
		At:       int64(n) * int64(time.Second),
		FirstAt:  int64(n)*int64(time.Second) - 5,
		Key:      []cep.NamedValue{{Name: "card_id", Value: cep.Str(fmt.Sprintf("c%d", n%7))}},
		Message:  fmt.Sprintf("alert %d", n),
		Revision: 1,
		Events:   []cep.AlertEvent{{Step: "big", Type: "Auth", ID: fmt.Sprintf("a%d", n), At: int64(n), Data: []byte(fmt.Sprintf(`{"n":%d}`, n))}},
		To:       []string{"cases"},
	}
	binary.BigEndian.PutUint64(a.ID[8:], n)
	if n%2 == 0 {
		a.To = nil
		a.Event = cep.MakeRef(cep.MaxSources-1, 1, n/2)
	}
	return a
}

func testAlerts(from, to uint64) []*cep.Alert {
	var list []*cep.Alert
	for n := from; n <= to; n++ {
		list = append(list, testAlert(n))
	}
	return list
}

// wantText is the line of alert n with its number.
func wantText(n uint64) []byte {
	a := testAlert(n)
	a.Seq = n
	return a.AppendJSON(nil)
}

func open(t testing.TB, opt Options) *Log {
	t.Helper()
	if opt.Dir == "" {
		opt.Dir = "alerts"
	}
	if opt.FS == nil {
		opt.FS = vfs.NewMem()
	}
	l, err := Open(opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// count counts the keys of a kind.
func count(t testing.TB, l *Log, kind byte) (n uint64) {
	t.Helper()
	must(t, l.each([]byte{kind}, func(key, v []byte) error { n++; return nil }))
	return n
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// checkLog fails unless the log holds the test alerts first to head.
func checkLog(t *testing.T, l *Log, first, head uint64) {
	t.Helper()
	if l.Head() != head || l.First() != first {
		t.Fatalf("the log holds %d to %d, want %d to %d", l.First(), l.Head(), first, head)
	}
	next := first
	for seq := uint64(0); ; {
		p, err := l.After(seq, 100, Filter{})
		must(t, err)
		for _, e := range p.Entries {
			if e.Seq != next || !bytes.Equal(e.JSON, wantText(next)) {
				t.Fatalf("alert %d is\n%s\nwant number %d:\n%s", e.Seq, e.JSON, next, wantText(next))
			}
			next++
		}
		if seq = p.Next; seq == p.Head {
			break
		}
	}
	if next != head+1 {
		t.Fatalf("reading ended behind %d, want %d", next-1, head)
	}
}

func TestCommitNumbersAndKeeps(t *testing.T) {
	fs := vfs.NewMem()
	l := open(t, Options{FS: fs})
	if l.Head() != 0 || l.First() != 1 {
		t.Fatalf("an empty log holds %d to %d", l.First(), l.Head())
	}
	must(t, l.Commit(7, testAlerts(1, 3)))
	list := testAlerts(4, 500)
	must(t, l.Commit(8, list))
	if list[0].Seq != 4 || list[496].Seq != 500 {
		t.Fatalf("numbers given: %d to %d", list[0].Seq, list[496].Seq)
	}
	checkLog(t, l, 1, 500)
	must(t, l.Close())

	l = open(t, Options{FS: fs})
	checkLog(t, l, 1, 500)
	must(t, l.Commit(9, testAlerts(501, 501)))
	checkLog(t, l, 1, 501)
	e, err := l.Find(testAlert(42).ID)
	must(t, err)
	if e.Seq != 42 || e.Journal != 8 || e.Rule != "rule_0" || e.Key != "c0" || e.At != 42e9 {
		t.Fatalf("found %+v", e)
	}
	if line, ok, err := l.Derived(1, 21); err != nil || !ok || !bytes.Equal(line, testAlert(42).AppendJSON(nil)) {
		t.Fatalf("derived: %s %v %v", line, ok, err)
	}
	must(t, l.PutDerived(2, 21, []byte("a text")))
	if line, ok, err := l.Derived(2, 21); err != nil || !ok || string(line) != "a text" {
		t.Fatalf("derived: %s %v %v", line, ok, err)
	}
	if line, ok, err := l.Derived(1, 21); err != nil || !ok || !bytes.Equal(line, testAlert(42).AppendJSON(nil)) {
		t.Fatalf("derived: %s %v %v", line, ok, err)
	}
	must(t, l.PutDerived(1, 251, testAlert(502).AppendJSON(nil)))
	for range 2 {
		if line, ok, err := l.Derived(1, 251); err != nil || !ok || !bytes.Equal(line, testAlert(502).AppendJSON(nil)) {
			t.Fatalf("derived: %s %v %v", line, ok, err)
		}
		if l.Head() == 501 {
			must(t, l.Commit(9, testAlerts(502, 502)))
		}
	}
	must(t, l.Sync())
	if n := count(t, l, keyText); n != 1 {
		t.Fatalf("%d texts are kept beside the alerts, want the one that is none", n)
	}
	if line, ok, err := l.Derived(1, 1000); err != nil || ok {
		t.Fatalf("derived: %s %v %v", line, ok, err)
	}
}

func TestReplayComparesAndGoesOn(t *testing.T) {
	var logged bytes.Buffer
	l := open(t, Options{Logger: slog.New(slog.NewTextHandler(&logged, nil))})
	must(t, l.Commit(1, testAlerts(1, 10)))
	must(t, l.Replay(4))
	must(t, l.Commit(1, testAlerts(5, 7)))
	must(t, l.Commit(2, testAlerts(8, 12))) // the last two are new
	must(t, l.Commit(3, testAlerts(13, 14)))
	if r, m := l.Replayed(); r != 6 || m != 0 {
		t.Fatalf("reproduced %d, missing %d", r, m)
	}
	checkLog(t, l, 1, 14)

	must(t, l.Replay(10))
	other := testAlert(11)
	other.Message = "another"
	must(t, l.Commit(1, []*cep.Alert{other, testAlert(12)}))
	if r, m := l.Replayed(); r != 1 || m != 3 {
		t.Fatalf("reproduced %d, missing %d", r, m)
	}
	for _, want := range []string{"another alert than the log has", "seq=11", "first=13", "last=14"} {
		if !bytes.Contains(logged.Bytes(), []byte(want)) {
			t.Errorf("%q is not logged: %s", want, logged.Bytes())
		}
	}
	checkLog(t, l, 1, 14)
	must(t, l.Commit(1, testAlerts(15, 15)))
	checkLog(t, l, 1, 15)
	if err := l.Replay(16); err == nil {
		t.Fatal("a replay from behind the log's end is not refused")
	}
}

func TestReplayForgivesEvidenceThatIsGone(t *testing.T) {
	l := open(t, Options{})
	must(t, l.Commit(1, testAlerts(1, 3)))
	must(t, l.Replay(0))
	list := testAlerts(1, 3)
	list[0].Events[0].Data = nil
	list[1].Events[0].Data = []byte(`{}`)
	list[2].Events[0].Data, list[2].Events[0].At = nil, 99
	must(t, l.Commit(1, list))
	if r, m := l.Replayed(); r != 1 || m != 2 {
		t.Fatalf("reproduced %d, missing %d", r, m)
	}
	checkLog(t, l, 1, 3)
}
