package kafka

import (
	"testing"

	"github.com/weir-cep/weir/engine/source/servertest"
	"github.com/weir-cep/weir/engine/source/sourcetest"
)

// Two members share the partitions, and come and go in the orderly way. Each
// record is in one journal at least; a journal has no hole, and nothing twice.
func TestRebalance(t *testing.T) {
	b := newTopic(t, servertest.KafkaReady(t), 4)
	one, two := sourcetest.New(), sourcetest.New()
	n := 0
	more := func() {
		for p := range 4 {
			b.produce(p, 0, values(n, n+50)...)
		}
		n += 50
	}
	// newest is how many records of a partition are in either journal.
	newest := func(p int) (to int64) {
		for _, in := range []*sourcetest.Intake{one, two} {
			if r := in.Part(b.name(p)).Records; len(r) > 0 {
				to = max(to, r[len(r)-1].Position+1)
			}
		}
		return to
	}
	all := func() bool {
		for p := range 4 {
			if newest(p) < int64(n) {
				return false
			}
		}
		return true
	}
	more()
	first := sourcetest.Start(t, b.open(""), one)
	one.Wait(t, "all by the first", all)
	second := sourcetest.Start(t, b.open(""), two)
	servertest.Eventually(t, "both read", func() bool {
		before := one.Count()
		more()
		two.Wait(t, "all by both", all)
		return two.Count() > 0 && one.Count() > before
	})
	second.Stop(t)
	more()
	one.Wait(t, "all by the first alone", all)
	second = sourcetest.Start(t, b.open(""), two)
	first.Stop(t)
	more()
	two.Wait(t, "all by the second alone", all)

	for p := range 4 {
		var covered int64
		for _, in := range []*sourcetest.Intake{one, two} {
			for i, r := range in.Part(b.name(p)).Records {
				if first := in.Part(b.name(p)).Records[0].Position; r.Position != first+int64(i) || r.Text != value(int(r.Position)) {
					t.Fatalf("partition %d: record %d of the journal from %d on is at %d: %.80s", p, i, first, r.Position, r.Text)
				}
			}
			if r := in.Part(b.name(p)).Records; len(r) > 0 && r[0].Position <= covered {
				covered = max(covered, r[len(r)-1].Position+1)
			}
		}
		if covered != int64(n) {
			t.Errorf("partition %d: the journals cover %d of %d records", p, covered, n)
		}
	}
	if first.Err() != nil || second.Err() != nil {
		t.Error(first.Err(), second.Err())
	}
}

// New partitions are found.
func TestMorePartitions(t *testing.T) {
	b := newTopic(t, servertest.KafkaReady(t), 1)
	b.produce(0, 0, value(0))
	in := sourcetest.New()
	sourcetest.Start(t, b.open(""), in)
	b.expect(in, 0, values(0, 1))
	b.grow(2)
	b.produce(1, 0, value(1))
	b.expect(in, 1, values(1, 2))
}
