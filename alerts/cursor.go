package alerts

import (
	"encoding/binary"
	"errors"

	"github.com/cockroachdb/pebble/v2"
)

// Cursor is how far a reader has come.
type Cursor struct {
	Seq   uint64 // of the last alert that it is done with
	State []byte // what the reader keeps beside, its own business
}

// Cursor returns what SetCursor kept last under a reader's name; the zero
// Cursor if it never did.
func (l *Log) Cursor(name string) (Cursor, error) {
	if err := l.use(); err != nil {
		return Cursor{}, err
	}
	defer l.done()
	v, done, err := l.db.Get(cursorKey(name))
	switch {
	case errors.Is(err, pebble.ErrNotFound):
		return Cursor{}, nil
	case err != nil:
		return Cursor{}, l.readError(err)
	}
	defer done.Close()
	if len(v) < 8 {
		return Cursor{}, l.damaged("the cursor of %q is %d bytes long", name, len(v))
	}
	return Cursor{Seq: binary.BigEndian.Uint64(v), State: append([]byte(nil), v[8:]...)}, nil
}

// SetCursor keeps a reader's cursor. It is as durable as an alert that was
// committed before: after a crash the cursor is never beyond the log's end.
func (l *Log) SetCursor(name string, c Cursor) error {
	if err := l.beginWrite(); err != nil {
		return err
	}
	defer l.endWrite()
	b := l.db.NewBatch()
	defer b.Close()
	if err := b.Set(cursorKey(name), append(binary.BigEndian.AppendUint64(nil, c.Seq), c.State...), nil); err != nil {
		return err
	}
	if err := l.write(b); err != nil {
		return err
	}
	l.moveHold(name, c.Seq)
	return nil
}

func cursorKey(name string) []byte { return append([]byte{keyCursor}, name...) }
