package checkpoint

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// get reads one value, checked; nil: there is none.
func get(db *pebble.DB, dir string, key []byte) ([]byte, error) {
	v, closer, err := db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, ours("read", dir, err)
	}
	defer closer.Close()
	b, ok := open(key, v)
	if !ok {
		return nil, &CorruptError{File: dir, Why: fmt.Sprintf("the checksum of %q is wrong", key)}
	}
	return append(make([]byte, 0, len(b)), b...), nil
}

func readManifest(db *pebble.DB, dir string) (m Manifest, has bool, err error) {
	b, err := get(db, dir, []byte(manifestKey))
	if err != nil || b == nil {
		return m, false, err
	}
	if m, err = decodeManifest(b, dir); err != nil {
		return m, false, err
	}
	if m.Meta, err = get(db, dir, []byte(metaKey)); err != nil {
		return m, false, err
	}
	if m.Meta == nil {
		return m, false, &CorruptError{File: dir, Why: "the engine's part of the manifest is missing"}
	}
	return m, true, nil
}

// Pages calls f for every page of the newest checkpoint, by unit and number.
// The data is good during the call. An error of f ends it and is returned. What
// is damaged is never given to f; pages that are missing or too many show as a
// *CorruptError at the end.
func (s *Store) Pages(f func(unit uint64, page uint32, data []byte) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.ready(); err != nil {
		return err
	}
	x, err := readPages(s.db, s.dir, &s.manifest, f)
	if err == nil {
		s.index = x
	}
	return err
}

// readPages reads all pages and holds them against the manifest.
func readPages(db *pebble.DB, dir string, m *Manifest, f func(unit uint64, page uint32, data []byte) error) (*index, error) {
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: []byte{pageKey}, UpperBound: []byte(pagesEnd)})
	if err != nil {
		return nil, ours("read", dir, err)
	}
	defer it.Close()
	x := newIndex()
	for ok := it.First(); ok; ok = it.Next() {
		v, err := it.ValueAndErr()
		if err != nil {
			return nil, ours("read", dir, err)
		}
		unit, number, ok := cutPageKey(it.Key())
		if !ok {
			return nil, &CorruptError{File: dir, Why: fmt.Sprintf("a key %q that no page has", it.Key())}
		}
		data, ok := open(it.Key(), v)
		if !ok {
			return nil, &CorruptError{File: dir, Why: fmt.Sprintf("the checksum of page %d of unit %x is wrong", number, unit)}
		}
		x.put(unit, number, pageInfo{size: uint32(len(data)), sum: sumOf(v)})
		if f == nil {
			continue
		}
		if err := f(unit, number, data); err != nil {
			return nil, err
		}
	}
	if err := it.Error(); err != nil {
		return nil, ours("read", dir, err)
	}
	if x.pages != m.Pages || x.bytes != m.PageBytes || x.sum != m.Sum {
		return nil, &CorruptError{File: dir, Why: fmt.Sprintf("it holds %d pages of %d bytes, and its manifest tells of %d of %d", x.pages, x.bytes, m.Pages, m.PageBytes)}
	}
	return x, nil
}

// Blob returns a named blob; false: there is none of that name.
func (s *Store) Blob(name string) ([]byte, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.ready(); err != nil {
		return nil, false, err
	}
	b, err := get(s.db, s.dir, append([]byte{blobKey}, name...))
	return b, b != nil, err
}
