package file

import (
	"io"
	"strings"
	"testing"

	"github.com/weir-cep/weir/engine/source/sourcetest"
)

func TestStandardInput(t *testing.T) {
	r, w := io.Pipe()
	standard, standardInput = nil, func() (io.Reader, error) { return r, nil }
	in := sourcetest.New()
	in.Hold()
	s := open(t, t.TempDir(), `path: "-"`)
	source := run(t, s, in)
	io.WriteString(w, events(0, 3)+event(3)[:10])
	in.Wait(t, "a chunk on its way", func() bool { return in.Part("-").Waiting == 1 })
	// What was refused is handed over again: it cannot be read again.
	in.Stall()
	in.Wait(t, "an error", func() bool { return source.Err() != nil })
	in.Release()
	in.Resume()
	expect(t, in, "-", texts(0, 3))

	// So is what was on its way when the journal was opened anew.
	in.Hold()
	io.WriteString(w, event(3)[10:]+"\n"+event(4)+"\n"+event(5)[:10])
	in.Wait(t, "a chunk on its way", func() bool { return in.Part("-").Waiting > 0 })
	in.Crash()
	source.Stop(t)
	in.Restart()
	source = run(t, open(t, t.TempDir(), `path: "-"`), in)
	expect(t, in, "-", texts(0, 5))

	other := run(t, open(t, t.TempDir(), `path: "-"`), sourcetest.New())
	in.Wait(t, "an error", func() bool { return other.Err() != nil })
	if !strings.Contains(other.Err().Error(), "standard input is read by another source already") {
		t.Error(other.Err())
	}
	other.Stop(t)

	io.WriteString(w, event(5)[10:])
	w.Close()
	finished(t, source)
	check(t, in.Part("-"), texts(0, 6))
	if !in.Part("-").Ended {
		t.Error("not ended")
	}
}
