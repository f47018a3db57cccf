package file

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// begin opens the file in which the cursor stands, or the one at the path if
// nothing was read yet.
func (t *tail) begin() error {
	p, err := decodePlace(t.part.Cursor())
	if err != nil {
		return fmt.Errorf("read %s: %w", t.path, err)
	}
	if p == nil {
		in, err := openInput(t.path, t.s.cfg)
		if err != nil {
			return err
		}
		t.begun(in)
		return nil
	}
	t.over = p.Over
	in, err := t.find(p)
	if err != nil {
		return err
	}
	if in != nil {
		if err := in.resume(p); err != nil {
			in.close()
			return err
		}
		t.begun(in)
		return nil
	}
	if !t.s.follow {
		return fmt.Errorf("read %s: it is not the file that was read up to byte %d: what stands before that is different. "+
			"Put the old file back, or name the new one in the rule file, or set follow: true to read files that replace each other", t.path, p.Offset)
	}
	if in, err = openInput(t.path, t.s.cfg); err != nil {
		return err
	}
	t.s.log.Warn("the file that was being read is gone: what was behind this byte of it is lost",
		"source", t.s.name, "path", p.Path, "byte", p.Offset)
	t.remember(p)
	t.begun(in)
	return nil
}

// find opens the file in which a place is: the one at the path, or one that it
// was rotated to. nil: there is none.
func (t *tail) find(p *place) (*input, error) {
	in, err := t.open(t.path, p, false)
	if err != nil && (!t.s.follow || !errors.Is(err, fs.ErrNotExist)) {
		return nil, err
	}
	if in != nil || !t.s.follow {
		return in, nil
	}
	rotated := t.rotated(time.Time{})
	for _, sameFile := range []bool{true, false} {
		for _, r := range rotated {
			_, inode := identity(r.info)
			if sameFile != (inode == p.Inode && inode != 0) {
				continue
			}
			if in, err := t.open(r.path, p, true); in != nil || err != nil && !errors.Is(err, fs.ErrNotExist) {
				return in, err
			}
		}
	}
	return nil, nil
}

// open opens a file if the place is in it. Another inode is trusted only if
// enough of its text is known; a name that the path's file is rotated to tells
// enough.
func (t *tail) open(path string, p *place, rotated bool) (*input, error) {
	in, err := openInput(path, t.s.cfg)
	if err != nil {
		return nil, err
	}
	_, inode := identity(in.info)
	ok := rotated || !t.s.follow || inode == p.Inode || p.Head.Len == printed
	if ok {
		ok, err = p.fits(in)
	}
	if !ok || err != nil {
		in.close()
		return nil, err
	}
	return in, nil
}

// afterCut goes on where the text of a file was cut off and begun anew: with
// the rest of it in its copy, if there is one, then with what was begun. A
// packed file may have grown instead.
func (t *tail) afterCut(done *place) error {
	paths := []string{t.path}
	for _, r := range t.rotated(time.Time{}) {
		paths = append(paths, r.path)
	}
	for _, path := range paths {
		in, err := t.open(path, done, true)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if in == nil {
			continue
		}
		if err := in.resume(done); err != nil {
			in.close()
			return err
		}
		t.begun(in)
		return nil
	}
	in, err := openInput(t.path, t.s.cfg)
	if err != nil {
		return err
	}
	t.s.log.Warn("the file was cut off and no copy of it was found: lines that were written just before that may be lost",
		"source", t.s.name, "path", t.path, "byte", done.Offset)
	t.begun(in)
	return nil
}

// follow begins the file behind one that is over.
func (t *tail) follow(done *place, info os.FileInfo) error {
	for _, r := range t.rotated(info.ModTime()) {
		if os.SameFile(r.info, info) {
			continue
		}
		if read, err := t.wasRead(r, done); err != nil {
			return err
		} else if read {
			continue
		}
		in, err := openInput(r.path, t.s.cfg)
		if err != nil {
			return err
		}
		t.begun(in)
		return nil
	}
	in, err := openInput(t.path, t.s.cfg)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: the file is gone, it is read on when there is one again", err)
	} else if err != nil {
		return err
	}
	t.begun(in)
	return nil
}

// wasRead says whether a file is one that is over, or a copy of the last one.
func (t *tail) wasRead(r sibling, done *place) (bool, error) {
	in, err := openInput(r.path, t.s.cfg)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil // gone meanwhile
	} else if err != nil {
		return false, err
	}
	defer func() { in.close() }()
	first, err := in.first()
	if err != nil || recognised(t.over, r.info, first) {
		return err == nil, err
	}
	if in.packed != nil { // first has unpacked some
		in.close()
		if in, err = openInput(r.path, t.s.cfg); err != nil {
			return false, err
		}
	}
	return done.fits(in)
}

// sibling is a file that another one at the path was rotated to.
type sibling struct {
	path string
	info os.FileInfo
}

// rotated lists the files beside the path that it was rotated to since a time,
// oldest first: those of its name with a number or a date behind, in the ways
// of logrotate (log.1, log-20260131, log.1.gz) and of programs that rotate
// themselves (log-2026-01-31T10-00-00.ndjson).
func (t *tail) rotated(since time.Time) []sibling {
	folder, base := filepath.Split(t.path)
	ext := filepath.Ext(base)
	stem := regexp.QuoteMeta(strings.TrimSuffix(base, ext))
	const number = `[.-][0-9][0-9TZ:_.-]*`
	name := regexp.MustCompile(`^` + stem + `(` + regexp.QuoteMeta(ext) + number + `|` + number + regexp.QuoteMeta(ext) + `)(\.gz|\.zst)?$`)
	entries, err := os.ReadDir(filepath.Clean(folder))
	if err != nil {
		return nil
	}
	var list []sibling
	for _, e := range entries {
		if !name.MatchString(e.Name()) || e.Name() == base {
			continue
		}
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && !info.ModTime().Before(since) {
			list = append(list, sibling{filepath.Join(folder, e.Name()), info})
		}
	}
	slices.SortStableFunc(list, func(a, b sibling) int {
		return cmp.Or(a.info.ModTime().Compare(b.info.ModTime()), cmp.Compare(a.path, b.path))
	})
	return list
}
