package alerts

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"github.com/weir-cep/weir/cep"
)

// derivedSource is the source in the reference of an event that is an alert.
const derivedSource = cep.MaxSources - 1

// Derived returns the text of the alert that is the event of that place to the
// rules above, as their evidence shows it: the line without a number. An alert
// says itself which event it is (cep.Alert.Event), so its row is the text.
func (l *Log) Derived(level uint32, position uint64) (text []byte, ok bool, err error) {
	if err := l.use(); err != nil {
		return nil, false, err
	}
	defer l.done()
	ref := cep.MakeRef(derivedSource, level, position)
	v, done, err := l.db.Get(eventKey(nil, ref))
	if errors.Is(err, pebble.ErrNotFound) {
		return l.putText(ref)
	}
	if err != nil {
		return nil, false, l.readError(err)
	}
	seq := binary.BigEndian.Uint64(v)
	done.Close()
	r, release, err := l.get(seq)
	switch {
	case errors.Is(err, ErrNone):
		return nil, false, nil
	case err != nil:
		return nil, false, err
	}
	defer release()
	return bytes.Clone(r.line), true, nil
}

// PutDerived keeps the text of an event of the rules above that no alert of
// the log is. What is there already stays. So many stay as alerts do.
func (l *Log) PutDerived(level uint32, position uint64, text []byte) error {
	_, known, err := l.Derived(level, position)
	if known || err != nil {
		return err
	}
	if err := l.beginWrite(); err != nil {
		return err
	}
	defer l.endWrite()
	b := l.db.NewBatch()
	defer b.Close()
	if err := b.Set(textKey(nil, cep.MakeRef(derivedSource, level, position)), text, nil); err != nil {
		return err
	}
	if keep := uint64(l.opt.Keep); l.opt.Keep > 0 && position >= keep {
		if err := b.Delete(textKey(nil, cep.MakeRef(derivedSource, level, position-keep)), nil); err != nil {
			return err
		}
	}
	return l.write(b)
}

// putText is what PutDerived kept.
func (l *Log) putText(ref cep.Ref) (text []byte, ok bool, err error) {
	v, done, err := l.db.Get(textKey(nil, ref))
	switch {
	case errors.Is(err, pebble.ErrNotFound):
		return nil, false, nil
	case err != nil:
		return nil, false, l.readError(err)
	}
	defer done.Close()
	return bytes.Clone(v), true, nil
}
