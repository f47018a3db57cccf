package alerts

import (
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// DeliveryQuery says which deliveries are wanted.
type DeliveryQuery struct {
	Sink   string          // of this sink; "": of all
	States []DeliveryState // in one of these states; none: in any
	Seq    uint64          // about this alert; 0: about any
	Since  int64           // ns; created then or later; 0: ever
	Below  uint64          // of one sink: of a lower number than this; 0: any
	Limit  int             // at most so many; at most MaxPage
}

func (q *DeliveryQuery) passes(d *Delivery) bool {
	return (q.Sink == "" || q.Sink == d.Sink) && (len(q.States) == 0 || slices.Contains(q.States, d.State)) && d.Created >= q.Since
}

// Deliveries returns deliveries: of one sink the newest first, about one alert
// in their order, of all sinks by sink. It looks at MaxScan of a sink's.
func (l *Log) Deliveries(q DeliveryQuery) (list []Delivery, err error) {
	if err := l.use(); err != nil {
		return nil, err
	}
	defer l.done()
	if q.Limit <= 0 || q.Limit > MaxPage {
		q.Limit = MaxPage
	}
	if q.Seq != 0 {
		return l.deliveriesOf(&q)
	}
	sinks := []string{q.Sink}
	if q.Sink == "" {
		if sinks, err = l.outboxes(); err != nil {
			return nil, err
		}
	}
	for _, sink := range sinks {
		if list, err = l.newestDeliveries(list, sink, &q); err != nil || len(list) == q.Limit {
			return list, err
		}
	}
	return list, nil
}

// newestDeliveries appends a sink's deliveries from the newest on.
func (l *Log) newestDeliveries(list []Delivery, sink string, q *DeliveryQuery) ([]Delivery, error) {
	upper := q.Below
	if upper == 0 {
		upper = 1 << 63
	}
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: deliveryKey(sink, 0), UpperBound: deliveryKey(sink, upper)})
	if err != nil {
		return list, l.readError(err)
	}
	defer it.Close()
	scanned := 0
	for ok := it.Last(); ok && len(list) < q.Limit && scanned < MaxScan; ok = it.Prev() {
		v, err := it.ValueAndErr()
		if err != nil {
			return list, l.readError(err)
		}
		d, err := l.parseDelivery(v)
		if err != nil {
			return list, err
		}
		if q.passes(&d) {
			list = append(list, d)
		}
		scanned++
	}
	return list, l.readError(it.Error())
}

// deliveriesOf are those about one alert.
func (l *Log) deliveriesOf(q *DeliveryQuery) (list []Delivery, err error) {
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: deliveryOfPrefix(q.Seq), UpperBound: deliveryOfPrefix(q.Seq + 1)})
	if err != nil {
		return nil, l.readError(err)
	}
	defer it.Close()
	for ok := it.First(); ok && len(list) < q.Limit; ok = it.Next() {
		key := it.Key()
		v, done, err := l.db.Get(deliveryKey(string(key[9:len(key)-9]), number(key)))
		if err != nil {
			return list, l.readError(err)
		}
		d, err := l.parseDelivery(v)
		done.Close()
		if err != nil {
			return list, err
		}
		if q.passes(&d) {
			list = append(list, d)
		}
	}
	return list, l.readError(it.Error())
}

// outboxes are the sinks that have deliveries.
func (l *Log) outboxes() (sinks []string, err error) {
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: []byte{keyDelivery}, UpperBound: []byte{keyDelivery + 1}})
	if err != nil {
		return nil, l.readError(err)
	}
	defer it.Close()
	for ok := it.First(); ok; {
		key := it.Key()
		sink := string(key[1 : len(key)-9])
		sinks = append(sinks, sink)
		ok = it.SeekGE(deliveryKey(sink, 1<<63))
	}
	return sinks, l.readError(it.Error())
}

// eachFrom goes over values from a key on, while f says so, within a prefix.
func (l *Log) eachFrom(from, prefix []byte, f func(v []byte) (more bool, err error)) error {
	upper := slices.Clone(prefix)
	upper[len(upper)-1]++
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: upper})
	if err != nil {
		return l.readError(err)
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		v, err := it.ValueAndErr()
		if err != nil {
			return l.readError(err)
		}
		if more, err := f(v); err != nil || !more {
			return err
		}
	}
	return l.readError(it.Error())
}

// reader runs f while the log stays open.
func (l *Log) reader(f func() error) error {
	if err := l.use(); err != nil {
		return err
	}
	defer l.done()
	return f()
}
