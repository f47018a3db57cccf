package file

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/weir-cep/weir/engine"
	"github.com/weir-cep/weir/engine/source/flight"
	"github.com/weir-cep/weir/internal/decode"
)

// tail reads the files that lie at one path one after the other, in one
// partition.
type tail struct {
	s      *source
	path   string
	part   engine.Partition
	flight *flight.Flight
	in     *input
	over   []mark // files that are over

	pause   time.Duration // until the next look
	since   time.Time     // when something last came or was seen to be different
	missing time.Time     // since when the path has no file; zero if it has
	mtime   time.Time     // of the file when it was last looked at

	claim *claim // of a pattern's file, else nil
}

// openTail takes up the partition of a path and opens the file in which its
// cursor stands.
func (s *source) openTail(ctx context.Context, in engine.Intake, path string, c *claim) (*tail, error) {
	p, f, err := s.takeUp(ctx, in, s.partitionName(path))
	if err != nil {
		return nil, err
	}
	t := &tail{s: s, path: path, part: p, flight: f, claim: c}
	return t, t.begin()
}

func (s *source) runFile(ctx context.Context, in engine.Intake) error {
	t, err := s.openTail(ctx, in, s.path, nil)
	if err != nil {
		return err
	}
	return t.run(ctx)
}

func (t *tail) run(ctx context.Context) error {
	defer func() { t.in.close() }()
	for {
		if err := t.drain(ctx); err != nil {
			return err
		}
		if !t.s.follow {
			return t.end(ctx)
		}
		if err := t.await(ctx); err != nil {
			return err
		}
		over, err := t.isOver()
		if err != nil {
			return err
		}
		if over {
			if err := t.next(ctx); err != nil {
				return err
			}
		}
	}
}

// end hands over the last record and ends the partition, when all is in the
// journal.
func (t *tail) end(ctx context.Context) error {
	if err := t.finish(ctx); err != nil {
		return err
	}
	if err := t.flight.Wait(ctx); err != nil {
		return err
	}
	t.part.Lag(0)
	t.part.End()
	return nil
}

// drain hands over what the file holds now.
func (t *tail) drain(ctx context.Context) error {
	for {
		n, err := t.in.read()
		if n > 0 && err == nil && t.s.follow && t.in.packed == nil &&
			t.isCut() {
			// What was read is of another text that stands there now.
			t.in.rest = t.in.rest[:len(t.in.rest)-n]
			return nil
		}
		if n > 0 {
			t.pause, t.since = t.s.times.fast, time.Now()
			if err := t.put(ctx, false); err != nil {
				return err
			}
		}
		if err != nil || n == 0 {
			t.part.Lag(t.in.left())
			return err
		}
	}
}

// put hands over the complete records that were read.
func (t *tail) put(ctx context.Context, last bool) error {
	for {
		data, err := t.in.take(last)
		if data == nil || err != nil {
			return err
		}
		c := engine.Chunk{Data: data, Header: t.in.header, First: -1, Cursor: t.in.place(t.over).encode()}
		if err := t.flight.Put(ctx, c); err != nil {
			return err
		}
	}
}

// finish hands over the last record, which needs no line end.
func (t *tail) finish(ctx context.Context) error {
	err := t.put(ctx, true)
	if errors.Is(err, decode.ErrNoHeader) && t.s.follow {
		return nil // empty, and over
	}
	return err
}

// await waits until the next look.
func (t *tail) await(ctx context.Context) error {
	wait := time.NewTimer(t.pause)
	defer wait.Stop()
	t.pause = min(2*t.pause, t.s.times.slow)
	select {
	case <-wait.C:
		return nil
	case <-t.flight.Failed():
		return t.flight.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// isOver says whether nothing will come to the file any more: another one lies
// at the path, or its text was cut off.
func (t *tail) isOver() (bool, error) {
	info, err := t.in.file.Stat()
	if err != nil {
		return false, fmt.Errorf("read %s: %w", t.in.path, err)
	}
	switch {
	case t.in.packed != nil:
		if !info.ModTime().Equal(t.mtime) {
			return true, nil // looked at from its beginning
		}
	case info.Size() < t.in.at():
		return true, nil
	case info.Size() > t.in.at() || !info.ModTime().Equal(t.mtime):
		if t.isCut() {
			return true, nil
		}
		t.mtime, t.since = info.ModTime(), time.Now()
	}
	now, err := os.Stat(t.path)
	if err != nil {
		return t.isGone(), nil
	}
	t.missing = time.Time{}
	if os.SameFile(info, now) {
		return false, nil
	}
	lull := t.s.times.lull
	if len(t.in.rest) > 0 {
		lull = t.s.times.partial
	}
	return time.Since(t.since) >= lull, nil
}

// isCut says whether the file holds another text than it did.
func (t *tail) isCut() bool {
	return !unchanged(t.in.file, t.in.head, t.in.tail, t.in.offset)
}

// isGone waits a while for a new file at a path that has none. Then what the
// old one holds is all there is.
func (t *tail) isGone() bool {
	if t.missing.IsZero() {
		t.missing = time.Now()
	}
	return time.Since(t.missing) >= t.s.times.gone
}

// next finishes the file that is over and begins the one that follows it.
func (t *tail) next(ctx context.Context) error {
	info, err := t.in.file.Stat()
	if err != nil {
		return fmt.Errorf("read %s: %w", t.in.path, err)
	}
	if t.in.packed != nil && !info.ModTime().Equal(t.mtime) ||
		t.in.packed == nil && (info.Size() < t.in.at() || t.isCut()) {
		return t.afterCut(t.in.place(nil))
	}
	if err := t.finish(ctx); err != nil {
		return err
	}
	done := t.in.place(nil)
	t.remember(done)
	return t.follow(done, info)
}

// remember notes a file that is over.
func (t *tail) remember(p *place) {
	t.over = append(slices.Clone(t.over), mark{p.Inode, p.Head})
	if n := len(t.over) - maxOver; n > 0 {
		t.over = t.over[n:]
	}
}

// begun takes up a file.
func (t *tail) begun(in *input) {
	if t.in != nil && t.in != in {
		t.in.close()
	}
	t.in = in
	t.pause, t.since, t.missing, t.mtime = t.s.times.fast, time.Now(), time.Time{}, in.info.ModTime()
	if t.claim != nil {
		t.claim.set(in.info, t.over)
	}
	if t.in.path != t.path {
		t.s.log.Info("reading a file that was rotated away", "source", t.s.name, "path", t.in.path)
	}
}
