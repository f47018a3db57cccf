package alerts

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// A copy is a log of its own, and the original goes on.
func TestCopy(t *testing.T) {
	fs := vfs.NewMem()
	l := open(t, Options{FS: fs})
	must(t, l.Commit(1, testAlerts(1, 10)))
	must(t, l.Copy("copy"))
	must(t, l.Commit(2, testAlerts(11, 12)))
	checkLog(t, l, 1, 12)
	if err := Verify(fs, "copy", func(file, why string) { t.Errorf("%s: %s", file, why) }); err != nil {
		t.Fatal(err)
	}
	if first, head, err := Inspect(fs, "copy"); first != 1 || head != 10 || err != nil {
		t.Errorf("Inspect: %d to %d, %v", first, head, err)
	}
	c := open(t, Options{FS: fs, Dir: "copy"})
	checkLog(t, c, 1, 10)
	must(t, c.Commit(2, testAlerts(11, 11)))
	checkLog(t, c, 1, 11)
	checkLog(t, l, 1, 12)
}
