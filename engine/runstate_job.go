package engine

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/weir-cep/weir/internal/decode"
)

// edgeBytes is how much of either end of an event file is compared. All of it
// would take as long as a good part of the run.
const edgeBytes = 64 << 10

// job is all that has to be the same for the run to be taken up.
func (r *runner) job() ([]Term, error) {
	list := append([]Term{}, r.cfg.State.Job...)
	list = append(list, Term{What: "whether deadlines behind the last event fire", Value: fmt.Sprint(bool(r.cfg.Drain))})
	for i := range r.cfg.Files {
		list = append(list, Term{What: fmt.Sprintf("event file %d", i+1), Value: r.cfg.Files[i].Path})
	}
	for i, fd := range r.files {
		list = append(list, Term{What: fmt.Sprintf("what is read out of event file %d", i+1), Value: r.cfg.Files[i].form()})
		more, err := fileTerms(fd.in)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", fd.in.Path, err)
		}
		list = append(list, more...)
	}
	return list, nil
}

// fileTerms tell an event file from another, and from itself once it has
// changed.
func fileTerms(in *decode.Input) ([]Term, error) {
	file := in.Packed()
	if file == nil {
		return nil, ErrUnrepeatable
	}
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	sum, err := hashEdges(file, info.Size())
	if err != nil {
		return nil, err
	}
	return []Term{
		{What: "the size of " + in.Path, Value: fmt.Sprintf("%d bytes", info.Size())},
		{What: "the beginning or the end of " + in.Path, Value: sum, Hash: true},
		{What: "the last change of " + in.Path, Value: info.ModTime().UTC().Format(time.RFC3339Nano)},
	}, nil
}

// form is how a file's events are read.
func (f *File) form() string {
	text := "JSON"
	if f.Format == decode.CSV {
		text = fmt.Sprintf("CSV with %q between columns", comma(f.Delimiter))
	}
	switch {
	case f.Type != nil:
		return text + ", all of type " + f.Type.Name
	case f.TypeField != "" && f.TypeField != "type":
		return text + ", the type in " + f.TypeField
	}
	return text
}

func hashEdges(file *os.File, size int64) (string, error) {
	h := xxh3.New()
	for _, from := range []int64{0, max(0, size-edgeBytes)} {
		if _, err := io.Copy(h, io.NewSectionReader(file, from, edgeBytes)); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%016x", h.Sum64()), nil
}
