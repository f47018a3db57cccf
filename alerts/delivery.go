package alerts

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// DeliveryState is how far a delivery has come.
type DeliveryState uint8

// The states of a delivery.
const (
	DeliveryPending DeliveryState = iota
	DeliveryDelivered
	DeliveryDead // given up; it can be sent again
)

var deliveryNames = [...]string{"pending", "delivered", "dead"}

func (s DeliveryState) String() string {
	if int(s) < len(deliveryNames) {
		return deliveryNames[s]
	}
	return fmt.Sprintf("state %d", s)
}

// ParseDeliveryState reads a state by its name.
func ParseDeliveryState(text string) (DeliveryState, error) {
	i := slices.Index(deliveryNames[:], text)
	if i < 0 {
		return 0, badChange("there is no state %q of a delivery: pending, delivered, dead", text)
	}
	return DeliveryState(i), nil
}

// MarshalText writes a state by its name.
func (s DeliveryState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a state by its name.
func (s *DeliveryState) UnmarshalText(text []byte) (err error) {
	*s, err = ParseDeliveryState(string(text))
	return err
}

// Delivery is a message on its way to one sink. An alert needs none to be
// safe: its own row names its sinks. A delivery begins when the sink's reader
// has passed the alert, and both become so in one step.
type Delivery struct {
	N        uint64          `json:"n"` // number among those of the sink, from 1
	Sink     string          `json:"sink"`
	ID       string          `json:"id"`                // of the message, the same in all tries
	Type     string          `json:"type"`              // alert.opened, alert.summary …
	Seq      uint64          `json:"seq,omitempty"`     // of the alert, 0: it is not about one
	Action   uint64          `json:"action,omitempty"`  // of the action that it tells of
	Rule     string          `json:"rule,omitempty"`    // of the alert
	Key      string          `json:"key,omitempty"`     // of the alert
	Message  json.RawMessage `json:"message,omitempty"` // what is not read from the log again: the data of a summary, a notice, a test
	State    DeliveryState   `json:"state"`
	Created  int64           `json:"created"` // ns
	Next     int64           `json:"next"`    // ns; of the next try, while it is pending
	Tries    int             `json:"tries"`
	Attempts []Attempt       `json:"attempts,omitempty"` // the last MaxAttempts tries
	Reason   string          `json:"reason,omitempty"`   // why it is dead
}

// Attempt is one try of a delivery.
type Attempt struct {
	At       int64  `json:"at"`                 // ns
	Took     int64  `json:"took"`               // ns
	Status   int    `json:"status,omitempty"`   // of HTTP; 0: no answer came
	Error    string `json:"error,omitempty"`    // why none came
	Response string `json:"response,omitempty"` // the first MaxResponse bytes of the answer
}

// What is kept of tries.
const (
	MaxAttempts = 20
	MaxResponse = 1 << 10
)

// Add notes a try.
func (d *Delivery) Add(a Attempt) {
	d.Tries++
	d.Attempts = append(d.Attempts, a)
	if n := len(d.Attempts) - MaxAttempts; n > 0 {
		d.Attempts = slices.Delete(d.Attempts, 0, n)
	}
}

// Outbox is the deliveries of one sink. It serves one goroutine; the log's
// methods may be called beside it.
type Outbox struct {
	log     *Log
	sink    string
	next    uint64 // number of the next delivery
	settled int    // rows of deliveries that are not pending
	keep    int
	oldest  uint64 // no settled row is below it
	dropped uint64 // dead ones that made room
}

// OpenOutbox opens a sink's outbox. Of deliveries that are delivered or dead the
// last keep stay.
func (l *Log) OpenOutbox(sink string, keep int) (*Outbox, []Delivery, error) {
	o := &Outbox{log: l, sink: sink, next: 1, keep: keep, oldest: 1}
	var pending []Delivery
	if err := l.use(); err != nil {
		return nil, nil, err
	}
	defer l.done()
	err := l.each(deliveryPrefix(sink), func(key, v []byte) error {
		d, err := l.parseDelivery(v)
		if err != nil {
			return err
		}
		o.next = d.N + 1
		if d.State == DeliveryPending {
			pending = append(pending, d)
		} else {
			o.settled++
		}
		return nil
	})
	return o, pending, err
}

// Add gives deliveries their numbers and keeps them, in one step with the
// cursor of the sink's reader, which stands behind what they are about then.
func (o *Outbox) Add(c Cursor, list []Delivery) error {
	return o.write(func(b *pebble.Batch) error {
		for i := range list {
			list[i].N, list[i].Sink = o.next+uint64(i), o.sink
			if err := o.set(b, &list[i]); err != nil {
				return err
			}
			if list[i].Seq == 0 {
				continue
			}
			if err := b.Set(deliveryOfKey(list[i].Seq, o.sink, list[i].N), nil, nil); err != nil {
				return err
			}
		}
		return b.Set(cursorKey(o.sink), append(binary.BigEndian.AppendUint64(nil, c.Seq), c.State...), nil)
	}, func() {
		o.next += uint64(len(list))
		o.log.moveHold(o.sink, c.Seq)
	})
}

// Update keeps what has become of a delivery. was is its state before.
func (o *Outbox) Update(d *Delivery, was DeliveryState) error {
	return o.write(func(b *pebble.Batch) error { return o.set(b, d) }, func() {
		switch {
		case was == DeliveryPending && d.State != DeliveryPending:
			o.settled++
		case was != DeliveryPending && d.State == DeliveryPending:
			o.settled--
			o.oldest = min(o.oldest, d.N)
		}
	})
}

// Remove takes a settled delivery away.
func (o *Outbox) Remove(d *Delivery) error {
	return o.write(func(b *pebble.Batch) error { return o.delete(b, d) }, func() { o.settled-- })
}

// Trim removes the oldest settled deliveries beyond those that are kept.
func (o *Outbox) Trim() error {
	if o.settled <= o.keep {
		return nil
	}
	var gone []Delivery
	err := o.log.reader(func() error {
		return o.log.eachFrom(deliveryKey(o.sink, o.oldest), deliveryPrefix(o.sink), func(v []byte) (bool, error) {
			d, err := o.log.parseDelivery(v)
			if err == nil && d.State != DeliveryPending {
				gone = append(gone, d)
			}
			return len(gone) < min(o.settled-o.keep, cleanBatch), err
		})
	})
	if err != nil || len(gone) == 0 {
		return err
	}
	return o.write(func(b *pebble.Batch) error {
		for i := range gone {
			if err := o.delete(b, &gone[i]); err != nil {
				return err
			}
		}
		return nil
	}, func() {
		o.settled -= len(gone)
		o.oldest = gone[len(gone)-1].N
		for i := range gone {
			if gone[i].State == DeliveryDead {
				o.dropped++
			}
		}
	})
}

// Dropped is how many dead deliveries made room for later ones, since the
// outbox was opened.
func (o *Outbox) Dropped() uint64 { return o.dropped }

// write commits what edit puts into a batch, and then lets it count.
func (o *Outbox) write(edit func(*pebble.Batch) error, counts func()) error {
	if err := o.log.beginWrite(); err != nil {
		return err
	}
	defer o.log.endWrite()
	b := o.log.db.NewBatch()
	defer b.Close()
	if err := edit(b); err != nil {
		return err
	}
	if err := o.log.write(b); err != nil {
		return err
	}
	counts()
	return nil
}

func (o *Outbox) set(b *pebble.Batch, d *Delivery) error {
	return setJSON(b, deliveryKey(o.sink, d.N), d)
}

func (o *Outbox) delete(b *pebble.Batch, d *Delivery) error {
	if d.Seq != 0 {
		if err := b.Delete(deliveryOfKey(d.Seq, o.sink, d.N), nil); err != nil {
			return err
		}
	}
	return b.Delete(deliveryKey(o.sink, d.N), nil)
}

// Get reads one delivery, or ErrNone.
func (o *Outbox) Get(n uint64) (Delivery, error) { return o.log.Delivery(o.sink, n) }

// Delivery reads one delivery of a sink, or ErrNone.
func (l *Log) Delivery(sink string, n uint64) (d Delivery, err error) {
	if err := l.use(); err != nil {
		return d, err
	}
	defer l.done()
	v, done, err := l.db.Get(deliveryKey(sink, n))
	switch {
	case errors.Is(err, pebble.ErrNotFound):
		return d, fmt.Errorf("delivery %s/%d: %w", sink, n, ErrNoDelivery)
	case err != nil:
		return d, l.readError(err)
	}
	defer done.Close()
	return l.parseDelivery(v)
}

// ErrNoDelivery says that a sink has no such delivery.
var ErrNoDelivery = errors.New("no such delivery")

func (l *Log) parseDelivery(v []byte) (d Delivery, err error) {
	if err := json.Unmarshal(v, &d); err != nil || d.N == 0 {
		return d, l.damaged("a delivery is not as it was written")
	}
	return d, nil
}
