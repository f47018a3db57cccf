package engine

import "testing"

// What a snapshot says of itself is read or refused, whatever it says: a
// savepoint is a file that came from elsewhere.
func FuzzSnapshotMeta(f *testing.F) {
	c := savedCourse(f)
	f.Add(c.saved.meta)
	f.Add(c.saved.meta[:len(c.saved.meta)/2])
	f.Fuzz(func(t *testing.T, meta []byte) {
		m, err := decodeMeta(meta)
		if err == nil {
			_ = m.readDerived(c.prog) // an error is an answer
		}
	})
}

// The place of a run that goes on is read or refused.
func FuzzRunState(f *testing.F) {
	f.Add([]byte(`{"version":1}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if run, err := decodeRun(text); (run == nil) == (err == nil) {
			t.Errorf("%v, %v", run, err)
		}
	})
}

// What a batch says of its rows is read or refused.
func FuzzRowsMeta(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{1, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = decodeRowsMeta(b) // an error is an answer
	})
}
