package file

import (
	"io"
	"testing"

	"github.com/weir-cep/weir/engine/source/sourcetest"
)

func TestStandardInput(t *testing.T) {
	r, w := io.Pipe()
	before := opened
	opened = func() (io.Reader, error) { return r, nil }
	defer func() { opened = before }()
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
	io.WriteString(w, event(3)[10:])
	w.Close()
	finished(t, source)
	check(t, in.Part("-"), texts(0, 4))
	if !in.Part("-").Ended {
		t.Error("not ended")
	}
}
