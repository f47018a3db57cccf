package lookup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// settled is how old the last change of a file must be for it to be read: a
// writer that is at it would leave half a list.
const settled = 500 * time.Millisecond

// Files opens the fetcher of kind file.
func Files(cfg FetcherConfig) (Fetcher, error) {
	o := cfg.Read()
	t := cfg.Text()
	t.Origin = o.Path("path")
	t.Format = o.Word("format", "", "json", "csv", "text")
	t.Delimiter = rune(o.Delimiter("delimiter", ','))
	if o.Required("path"); o.Err() != nil {
		return nil, o.Err()
	}
	if t.Format == "" {
		t.Format = formatOf(t.Origin)
	}
	return &file{text: t}, nil
}

// file fetches a file's content.
type file struct {
	text Text
	seen mark // of the file at the last Fetch
}

// mark is what tells a changed file without reading it.
type mark struct {
	there bool
	info  fs.FileInfo
}

func markOf(path string) (mark, error) {
	info, err := os.Stat(path)
	return mark{err == nil, info}, err
}

func (m mark) same(o mark) bool {
	if !m.there || !o.there {
		return m.there == o.there
	}
	return os.SameFile(m.info, o.info) && m.info.Size() == o.info.Size() && m.info.ModTime().Equal(o.info.ModTime())
}

func (f *file) Origin() string { return f.text.Origin }

func (f *file) Close() error { return nil }

// Look compares size, time and identity.
func (f *file) Look() bool {
	now, _ := markOf(f.text.Origin)
	return !now.same(f.seen)
}

// Fetch reads the file when nobody has written to it for a moment and nobody
// did while it was read. A file that is replaced by renaming another one over
// it is safe without that.
func (f *file) Fetch(ctx context.Context) (Text, error) {
	for first := true; ; first = false {
		before, err := markOf(f.text.Origin)
		f.seen = before
		if first && errors.Is(err, fs.ErrNotExist) && sleep(ctx, settled) == nil {
			continue // some editors take it away and put it back
		}
		if err != nil {
			return Text{}, plain(err)
		}
		if !before.info.Mode().IsRegular() {
			return Text{}, errors.New("it is not a regular file")
		}
		if before.info.Size() > MaxText {
			return Text{}, ErrTooLarge
		}
		if age := time.Since(before.info.ModTime()); age >= 0 && age < settled {
			if err := sleep(ctx, settled-age); err != nil {
				return Text{}, fmt.Errorf("it is written to all the time (%w); write a new file and rename it to this one", err)
			}
			continue
		}
		data, err := f.read()
		if err != nil {
			return Text{}, plain(err)
		}
		if after, _ := markOf(f.text.Origin); after.same(before) {
			t := f.text
			t.Data = data
			return t.Seal(), nil
		}
		if ctx.Err() != nil {
			return Text{}, ctx.Err()
		}
	}
}

func (f *file) read() ([]byte, error) {
	file, err := os.Open(f.text.Origin)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return ReadText(file)
}

// plain takes the path off an error: the origin stands beside it anyway.
func plain(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
