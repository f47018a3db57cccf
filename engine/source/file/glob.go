package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/weir-cep/weir/engine"
)

// claim is which file a path's tail is reading and which it has read, so that
// the same file under a new name that fits the pattern too is not read twice.
type claim struct {
	mu   sync.Mutex
	info os.FileInfo
	over []mark
}

func (c *claim) set(info os.FileInfo, over []mark) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.info, c.over = info, over
}

func (c *claim) covers(info os.FileInfo, head []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.info != nil && os.SameFile(c.info, info) || recognised(c.over, info, head)
}

// glob reads the files that fit a pattern, side by side: each is a partition.
type glob struct {
	s      *source
	in     engine.Intake
	claims map[string]*claim // by path, of files that are being read
	said   map[string]string // the last error of a path
	ended  chan ended
	going  int
}

// ended is what became of one path.
type ended struct {
	path string
	err  error
}

// runGlob reads the files of a pattern. One that cannot be read does not keep
// the others from being read: without follow it is told at the end, with follow
// it is tried again and again and logged.
func (s *source) runGlob(ctx context.Context, in engine.Intake) error {
	g := &glob{s: s, in: in, claims: map[string]*claim{}, said: map[string]string{}, ended: make(chan ended)}
	ctx, cancel := context.WithCancel(ctx)
	err := g.run(ctx)
	cancel()
	for g.going > 0 {
		<-g.ended
		g.going--
	}
	return err
}

func (g *glob) run(ctx context.Context) error {
	n, err := g.scan(ctx)
	if n == 0 && err == nil && !g.s.follow {
		return fmt.Errorf("read %s: no file fits this pattern", g.s.path)
	}
	if err != nil {
		return err
	}
	var errs []error
	tick := time.NewTicker(g.s.times.scan)
	defer tick.Stop()
	for g.s.follow || g.going > 0 {
		select {
		case e := <-g.ended:
			g.going--
			delete(g.claims, e.path)
			if !g.s.follow {
				if e.err != nil {
					errs = append(errs, e.err)
				}
			} else {
				g.say(e)
			}
		case <-tick.C:
			if g.s.follow {
				if _, err := g.scan(ctx); err != nil {
					return err
				}
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return errors.Join(errs...)
}

// scan begins the files that are new and returns how many fit the pattern.
func (g *glob) scan(ctx context.Context) (int, error) {
	paths, err := filepath.Glob(g.s.path)
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", g.s.path, err)
	}
	slices.Sort(paths)
	n := 0
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil || info.IsDir() {
			continue
		}
		n++
		if g.claims[path] != nil || g.covered(path, info) {
			continue
		}
		c := &claim{}
		t, err := g.s.openTail(ctx, g.in, path, c)
		if ctx.Err() != nil {
			return n, ctx.Err()
		}
		g.claims[path] = c
		g.going++
		go func() {
			if err == nil {
				err = t.run(ctx)
			}
			if errors.Is(err, fs.ErrNotExist) && g.s.follow && t != nil {
				// The file was taken away: nothing more will come of it.
				if err = t.flight.Wait(ctx); err == nil {
					t.part.End()
				}
			}
			g.ended <- ended{path, err}
		}()
	}
	return n, nil
}

// covered says whether a path's file is one that is or was read under another
// name.
func (g *glob) covered(path string, info os.FileInfo) bool {
	head := make([]byte, printed)
	if f, err := os.Open(path); err == nil {
		n, _ := f.ReadAt(head, 0)
		head = head[:n]
		f.Close()
	}
	for _, c := range g.claims {
		if c.covers(info, head) {
			return true
		}
	}
	return false
}

// say logs a path's error, once until it is another one.
func (g *glob) say(e ended) {
	if e.err == nil || errors.Is(e.err, context.Canceled) {
		delete(g.said, e.path)
		return
	}
	if text := e.err.Error(); g.said[e.path] != text {
		g.said[e.path] = text
		g.s.log.Warn("a file cannot be read; it is tried again", "source", g.s.name, "path", e.path, "error", e.err)
	}
}
