package alerts

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/weir-cep/weir/internal/patient"
)

// A database cannot tell a file of records that a crash tore from one that was
// damaged later: both end early, and what is behind is left out without a word.
// So a file beside the database holds what of those files was on disk when the
// log was last synced, and how many batches the database had: a file that does
// not begin so is damaged, and so is a database that ends before.
const (
	syncedFile    = "SYNCED"
	syncedNext    = "SYNCED.next"
	syncedVersion = 1
	metaBatch     = "batch"
)

// synced is what that file holds.
type synced struct {
	batches uint64
	files   map[string]patient.Prefix // by name
}

// writeSynced notes that the first n batches are durable. Called with syncing
// held.
func (l *Log) writeSynced(n uint64) error {
	next := synced{n, map[string]patient.Prefix{}}
	for name, prefix := range l.synced.files {
		if _, err := l.opt.FS.Stat(l.opt.FS.PathJoin(l.opt.Dir, name)); err == nil {
			next.files[name] = prefix
		}
	}
	for path, prefix := range l.disk.Synced() {
		if name := l.opt.FS.PathBase(path); isNoted(name) {
			next.files[name] = prefix
		}
	}
	if err := replaceFile(l.disk, l.opt.Dir, syncedNext, syncedFile, next.encode()); err != nil {
		return err
	}
	l.synced = next
	return nil
}

// isNoted says whether a file of the database is one of records, or of its
// options, which have no checksums. Tables have theirs.
func isNoted(name string) bool {
	return strings.HasSuffix(name, ".log") || strings.HasPrefix(name, "MANIFEST-") || strings.HasPrefix(name, "OPTIONS-")
}

func (s *synced) encode() []byte {
	b := binary.BigEndian.AppendUint64([]byte{syncedVersion}, s.batches)
	for _, name := range slices.Sorted(maps.Keys(s.files)) {
		p := s.files[name]
		b = binary.AppendUvarint(appendText(b, name), uint64(p.Length))
		for _, sum := range p.Sums {
			b = binary.BigEndian.AppendUint32(b, sum)
		}
	}
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

// replaceFile makes a file hold b, wholly or not at all.
func replaceFile(fs vfs.FS, dir, next, name string, b []byte) error {
	next = fs.PathJoin(dir, next)
	f, err := fs.Create(next, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := fs.Rename(next, fs.PathJoin(dir, name)); err != nil {
		return err
	}
	return syncDir(fs, dir)
}

func syncDir(fs vfs.FS, name string) error {
	dir, err := fs.OpenDir(name)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// readSynced reads what was noted last, nothing if nothing was.
func (l *Log) readSynced() error {
	name := l.opt.FS.PathJoin(l.opt.Dir, syncedFile)
	f, err := l.opt.FS.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return l.openError(err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return l.openError(err)
	}
	end := len(b) - 4
	if end < 9 || crc32.ChecksumIEEE(b[:end]) != binary.BigEndian.Uint32(b[end:]) {
		return &CorruptError{File: name, Why: "its checksum is wrong"}
	}
	if b[0] > syncedVersion {
		return &VersionError{Dir: l.opt.Dir, Why: fmt.Sprintf("%s of version %d", syncedFile, b[0])}
	}
	d := decoder{rest: b[1:end]}
	l.synced = synced{d.fixed(), map[string]patient.Prefix{}}
	for len(d.rest) > 0 {
		name, length := string(d.text()), d.uvarint()
		p := patient.Prefix{Length: int64(length)}
		for n := (length + patient.Block - 1) / patient.Block; n > 0 && !d.bad; n-- {
			p.Sums = append(p.Sums, d.fixed32())
		}
		l.synced.files[name] = p
	}
	if d.bad {
		return &CorruptError{File: name, Why: "it is not as it was written"}
	}
	return nil
}

// checkFiles fails if a file of records does not hold what was on disk. It is
// asked before the database is opened, which would clear away what could still
// be saved.
func (l *Log) checkFiles() error {
	for _, name := range slices.Sorted(maps.Keys(l.synced.files)) {
		prefix := l.synced.files[name]
		path := l.opt.FS.PathJoin(l.opt.Dir, name)
		f, err := l.opt.FS.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // no longer needed
		}
		if err != nil {
			return l.openError(err)
		}
		from, to, ok, err := prefix.Check(f)
		if err = errors.Join(err, f.Close()); err != nil {
			return l.openError(err)
		}
		if !ok {
			return &CorruptError{File: path, Why: fmt.Sprintf("between byte %d and byte %d it is not as it was written", from, to)}
		}
	}
	return nil
}

// whole fails if the open database ends before what was durable.
func (l *Log) whole() error {
	n, _, err := l.meta(metaBatch)
	if err == nil && n < l.synced.batches {
		err = l.damaged("it ends with change %d, and change %d was on disk", n, l.synced.batches)
	}
	return err
}
