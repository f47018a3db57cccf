package kafka

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/weir-cep/weir/engine/source/servertest"
	"github.com/weir-cep/weir/engine/source/sourcetest"
)

func TestTransactions(t *testing.T) {
	b := newTopic(t, servertest.KafkaReady(t), 1)
	p, q := b.producer(0, "p"), b.producer(0, "q")
	// Offsets 0–1 of p committed, 2 its marker; 3–4 aborted, 5 its marker.
	p.begin()
	p.send(value(0), value(1))
	p.end(true)
	b.ends(0, 3)
	p.begin()
	p.send("aborted", "aborted")
	p.end(false)
	b.ends(0, 6)
	b.produce(0, 0, value(2)) // 6
	// Two at once: q's records lie between p's.
	p.begin()
	q.begin()
	p.send("aborted") // 7
	q.send(value(3))  // 8
	b.produce(0, 0, value(4))
	p.send("aborted")
	q.send(value(5)) // 11
	p.end(false)     // 12
	b.ends(0, 13)
	p.begin()
	p.send(value(6)) // 13: of the same producer, after it aborted
	q.end(true)
	p.end(true)

	in := sourcetest.New()
	r := sourcetest.Start(t, b.open(""), in)
	s := b.expect(in, 0, values(0, 7))
	for i, want := range []int64{0, 1, 6, 8, 9, 11, 13} {
		if got := s.Records[i].Position; got != want {
			t.Errorf("record %d is at offset %d, not %d", i, got, want)
		}
	}
	in.Wait(t, "the markers at the end are passed", func() bool { return b.committed(0) == 16 && in.Part(b.name(0)).Lag == 0 })

	// What is open is not read, nor what lies behind it.
	p.begin()
	p.send(value(7))
	b.produce(0, 0, value(8))
	in.Wait(t, "it is seen to wait", func() bool { return in.Part(b.name(0)).Lag == 2 })
	b.expect(in, 0, values(0, 7))
	p.end(true)
	b.expect(in, 0, values(0, 9))
	if r.Err() != nil {
		t.Error(r.Err())
	}
}

// Random transactions of several producers, and a reader that crashes: what was
// committed comes once, in the order of the offsets.
func TestRandomTransactions(t *testing.T) {
	b := newTopic(t, servertest.KafkaReady(t), 1)
	rnd := rand.New(rand.NewPCG(1, 2))
	type sent struct {
		text string
		txn  int // -1: none
	}
	var log []sent
	state := map[int]bool{} // of transactions: committed
	producers := []*producer{b.producer(0, "a"), b.producer(0, "b"), b.producer(0, "c")}
	open := map[int]int{} // producer → transaction
	n, txns := 0, 0
	for range 150 {
		i := rnd.IntN(len(producers) + 1)
		if i == len(producers) {
			b.produce(0, packings[rnd.IntN(len(packings))], value(n))
			log = append(log, sent{value(n), -1})
			n++
			continue
		}
		p := producers[i]
		txn, ok := open[i]
		if !ok {
			p.begin()
			open[i] = txns
			txns++
			continue
		}
		if rnd.IntN(3) == 0 {
			state[txn] = rnd.IntN(2) == 0
			p.end(state[txn])
			delete(open, i)
			continue
		}
		text := fmt.Sprintf(`{"txn":%d,"n":%d}`, txn, n)
		p.send(text)
		log = append(log, sent{text, txn})
		n++
	}
	for i, txn := range open {
		state[txn] = true
		producers[i].end(true)
	}
	var want []string
	for _, s := range log {
		if s.txn < 0 || state[s.txn] {
			want = append(want, s.text)
		}
	}
	in := sourcetest.New()
	for range 5 {
		s := b.open("")
		s.fetchBytes = 2000 // transactions are cut anywhere
		before := in.Count()
		r := sourcetest.Start(t, s, in)
		in.Wait(t, "more", func() bool { return in.Count() > before || in.Count() == len(want) })
		in.Crash()
		r.Stop(t)
		in.Restart()
	}
	sourcetest.Start(t, b.open(""), in)
	b.expect(in, 0, want)
	if len(want) == len(log) || txns < 5 {
		t.Errorf("%d of %d records are committed, %d transactions", len(want), len(log), txns)
	}
}
