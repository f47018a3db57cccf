package alerts

import (
	"bytes"
	"encoding/binary"
	"errors"
	"maps"

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
	l.putting.Lock()
	text, ok = l.texts[ref]
	l.putting.Unlock()
	if ok {
		return text, true, nil
	}
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

// PutDerived keeps the text of an event of the rules above. The log has it as
// an alert soon, mostly; what it has not when it is synced is written for
// itself, and of that so many stay as alerts do.
func (l *Log) PutDerived(level uint32, position uint64, text []byte) error {
	if err := l.beginWrite(); err != nil {
		return err
	}
	defer l.endWrite()
	l.putting.Lock()
	l.texts[cep.MakeRef(derivedSource, level, position)] = bytes.Clone(text)
	many := len(l.texts) > maxTexts
	l.putting.Unlock()
	if many {
		return l.writeTexts()
	}
	return nil
}

// maxTexts is how many texts wait in memory.
const maxTexts = 10_000

// dropTexts forgets the texts of what are alerts of the log now.
func (l *Log) dropTexts(alerts []*cep.Alert) {
	l.putting.Lock()
	defer l.putting.Unlock()
	if len(l.texts) == 0 {
		return
	}
	for _, a := range alerts {
		delete(l.texts, a.Event)
	}
}

// writeTexts writes the texts that are in no alert. Called with writing held.
func (l *Log) writeTexts() error {
	l.putting.Lock()
	texts := maps.Clone(l.texts)
	l.putting.Unlock()
	if len(texts) == 0 {
		return nil
	}
	b := l.db.NewBatch()
	defer b.Close()
	for ref, text := range texts {
		if err := b.Set(textKey(nil, ref), text, nil); err != nil {
			return err
		}
		keep := uint64(l.opt.Keep)
		if l.opt.Keep <= 0 || ref.Position() < keep {
			continue
		}
		if err := b.Delete(textKey(nil, cep.MakeRef(derivedSource, ref.Partition(), ref.Position()-keep)), nil); err != nil {
			return err
		}
	}
	if err := l.write(b); err != nil {
		return err
	}
	l.putting.Lock()
	defer l.putting.Unlock()
	clear(l.texts)
	return nil
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
