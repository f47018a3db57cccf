package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/zeebo/xxh3"
)

// newestFile names the newest checkpoint beside the database. Pebble takes a
// damaged record of its own manifest for the end of it and opens the database
// as it was before, without a word; this file then shows that something is
// missing. It is written behind a commit, so after a crash it may name the
// checkpoint before, never one that is not there.
const newestFile = stateDir + ".newest"

type newest struct {
	Seq   uint64 `json:"checkpoint"`
	Check string `json:"check"`
}

func (n *newest) check() string {
	return fmt.Sprintf("%016x", xxh3.HashString(fmt.Sprint("newest ", n.Seq)))
}

// writeNewest notes that checkpoint seq is there.
func (s *Store) writeNewest(seq uint64) error {
	fs := s.o.FS
	path := fs.PathJoin(s.o.Dir, newestFile)
	n := newest{Seq: seq}
	n.Check = n.check()
	text, err := json.Marshal(&n)
	if err != nil {
		return err
	}
	if err := writeFile(fs, path+tmpEnding, append(text, '\n')); err != nil {
		return err
	}
	return rename(fs, path+tmpEnding, path)
}

// readNewest returns the number of the newest checkpoint as far as it is known.
// The file is a guard: if it is damaged itself, there is none.
func (s *Store) readNewest() uint64 {
	path := s.o.FS.PathJoin(s.o.Dir, newestFile)
	text, err := readFile(s.o.FS, path)
	if missing(err) {
		return 0
	}
	var n newest
	if err == nil {
		err = json.Unmarshal(text, &n)
	}
	if err == nil && n.Check != n.check() {
		err = errors.New("its checksum is wrong")
	}
	if err != nil {
		s.o.Logger.Warn("checkpoint store: a file is damaged and is not used", "file", path, "error", err)
		return 0
	}
	return n.Seq
}

func writeFile(fs vfs.FS, path string, text []byte) error {
	f, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return fmt.Errorf("create %s: %w", path, err)
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func readFile(fs vfs.FS, path string) ([]byte, error) {
	f, err := fs.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return text, nil
}
