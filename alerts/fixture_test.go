package alerts

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/weir-cep/weir/cep"
)

var writeFixture = flag.Bool("alerts.fixture", false, "write the log of the current format to testdata")

// fixture is a log of format 1, as it was written when that format was new.
const (
	fixture       = "testdata/format1"
	fixtureAlerts = 20
)

func fixtureDead() cep.DeadRecord {
	return cep.DeadRecord{Source: "cards", Partition: 1, Position: 7, Arrived: 5, Reason: "bad_json", Detail: "no object", Raw: []byte("nonsense")}
}

func fixtureLate() cep.LateRecord {
	return cep.LateRecord{Source: "cards", Partition: 1, Position: 9, Arrived: 6, Type: "Auth", At: 3, Watermark: 4, Raw: []byte(`{"n":9}`)}
}

// TestFixture: every later build reads a log of format 1, and goes on with it.
func TestFixture(t *testing.T) {
	if *writeFixture {
		must(t, os.RemoveAll(fixture))
		l := open(t, Options{FS: vfs.Default, Dir: fixture})
		must(t, l.Commit(3, testAlerts(1, fixtureAlerts)))
		must(t, l.Dead(fixtureDead()))
		must(t, l.Late(fixtureLate()))
		must(t, l.SetCursor("sink out", Cursor{Seq: 5}))
		must(t, l.Sync())
		must(t, l.Close())
	}
	mem := vfs.NewMem()
	if ok, err := vfs.Clone(vfs.Default, mem, fixture, "alerts", vfs.CloneSync); err != nil || !ok {
		t.Fatal(ok, err)
	}
	l := open(t, Options{FS: mem})
	if l.Head() != fixtureAlerts {
		t.Fatalf("the head is %d", l.Head())
	}
	p, err := l.After(0, 100, Filter{})
	must(t, err)
	for i, e := range p.Entries {
		if n := uint64(i + 1); e.Seq != n || !bytes.Equal(e.JSON, wantText(n)) {
			t.Errorf("alert %d is %d: %s", n, e.Seq, e.JSON)
		}
	}
	if len(p.Entries) != fixtureAlerts {
		t.Errorf("%d alerts", len(p.Entries))
	}
	dead, _, err := l.DeadAfter(0, 10)
	must(t, err)
	if len(dead) != 1 || dead[0].Reason != "bad_json" || string(dead[0].Raw) != "nonsense" {
		t.Errorf("%+v", dead)
	}
	late, _, err := l.LateAfter(0, 10)
	must(t, err)
	if len(late) != 1 || late[0].Type != "Auth" || late[0].Watermark != 4 {
		t.Errorf("%+v", late)
	}
	if c, err := l.Cursor("sink out"); err != nil || c.Seq != 5 {
		t.Errorf("%+v %v", c, err)
	}
	must(t, l.Commit(4, testAlerts(fixtureAlerts+1, fixtureAlerts+1)))
	if l.Head() != fixtureAlerts+1 {
		t.Errorf("the head is %d", l.Head())
	}
}
