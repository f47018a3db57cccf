package kafka

import (
	"fmt"
	"strings"
	"testing"
	"time"

	kgo "github.com/segmentio/kafka-go"

	"github.com/weir-cep/weir/engine/source/servertest"
	"github.com/weir-cep/weir/engine/source/sourcetest"
	"github.com/weir-cep/weir/internal/decode"
)

var packings = []kgo.Compression{0, kgo.Gzip, kgo.Snappy, kgo.Lz4, kgo.Zstd}

// Every packing is read, a crash loses nothing and repeats nothing, and the
// group knows how far the journal is.
func TestReadAndResume(t *testing.T) {
	b := newTopic(t, servertest.KafkaReady(t), len(packings))
	const batch, batches = 500, 12
	for i, packing := range packings {
		for k := range batches {
			b.produce(i, packing, values(k*batch, (k+1)*batch)...)
		}
	}
	in := sourcetest.New()
	in.Waiting = 1
	crashes := 0
	for ; in.Count() < len(packings)*batch*batches && crashes < 100; crashes++ {
		before := in.Count()
		r := sourcetest.Start(t, b.open(""), in)
		in.Wait(t, "a chunk more", func() bool { return in.Count() > before })
		in.Crash()
		r.Stop(t)
		in.Restart()
	}
	if crashes < 2 {
		t.Errorf("%d crashes", crashes)
	}
	r := sourcetest.Start(t, b.open(""), in)
	for i := range packings {
		p := b.expect(in, i, values(0, batch*batches))
		if p.ID != i || p.Records[0].Position != 0 || p.Records[batch*batches-1].Position != batch*batches-1 {
			t.Errorf("partition %d: number %d, positions %d to %d", i, p.ID, p.Records[0].Position, p.Records[batch*batches-1].Position)
		}
		in.Wait(t, "the offset is committed", func() bool { return b.committed(i) == batch*batches })
		in.Wait(t, "there is no lag", func() bool { return in.Part(b.name(i)).Lag == 0 })
	}
	// Live.
	b.produce(2, 0, values(batch*batches, batch*batches+1)...)
	b.expect(in, 2, values(0, batch*batches+1))
	if r.Err() != nil {
		t.Error(r.Err())
	}
}

// A member that leaves commits first what is in its journal.
func TestCommitAtTheEnd(t *testing.T) {
	b := newTopic(t, servertest.KafkaReady(t), 1)
	b.produce(0, 0, values(0, 10)...)
	in := sourcetest.New()
	s := b.open("")
	s.times.commit = time.Hour
	r := sourcetest.Start(t, s, in)
	b.expect(in, 0, values(0, 10))
	r.Stop(t)
	if got := b.committed(0); got != 10 {
		t.Errorf("offset %d is committed", got)
	}
}

func TestValues(t *testing.T) {
	b := newTopic(t, servertest.KafkaReady(t), 1, kgo.ConfigEntry{ConfigName: "max.message.bytes", ConfigValue: "3000000"})
	long := strings.Repeat("z", decode.DefaultMaxEvent+1000)
	b.produce(0, kgo.Gzip, "{\n \"k\":\n1}", "tombstone", "", " \n\t", value(1), long, value(2))
	in := sourcetest.New()
	sourcetest.Start(t, b.open(""), in)
	p := b.expect(in, 0, []string{`{  "k": 1}`, value(1), long[:decode.DefaultMaxEvent+1], value(2)})
	for i, want := range []int64{0, 4, 5, 6} {
		if got := p.Records[i].Position; got != want {
			t.Errorf("record %d is at %d, not %d", i, got, want)
		}
	}
	if len(p.Rejected) != 3 || p.Rejected[0] != (sourcetest.Rejected{Position: "1", Reason: "the record has no value (it deletes its key)", Raw: "k"}) {
		t.Errorf("rejected %q", p.Rejected)
	}
	// Such records are passed in the group too when they are the last.
	b.produce(0, 0, "tombstone")
	in.Wait(t, "the offset is committed", func() bool { return b.committed(0) == 8 })
}

// Where a source begins that the journal knows nothing of.
func TestWhereItBegins(t *testing.T) {
	b := newTopic(t, servertest.KafkaReady(t), 1)
	b.produce(0, 0, values(0, 10)...)
	in := sourcetest.New()
	r := sourcetest.Start(t, b.open(", from: latest"), in)
	in.Wait(t, "it begins", func() bool { return len(in.Parts()) == 1 && in.Part(b.name(0)).Lag == 0 })
	n := 10
	in.Wait(t, "a record that came later", func() bool {
		b.produce(0, 0, value(n)) // the beginning is found when it begins
		n++
		return in.Count() > 0
	})
	first := in.Part(b.name(0)).Records[0].Position
	if first < 10 {
		t.Errorf("begins at %d", first)
	}
	b.expect(in, 0, values(int(first), n))
	in.Wait(t, "the offset is committed", func() bool { return b.committed(0) == int64(n) })
	r.Stop(t)

	// Another journal goes on where the group is.
	b.produce(0, 0, values(n, n+5)...)
	in = sourcetest.New()
	r = sourcetest.Start(t, b.open(""), in)
	b.expect(in, 0, values(n, n+5))
	r.Stop(t)

	// Another group begins at the beginning.
	in = sourcetest.New()
	s := b.open("")
	s.group += "-other"
	sourcetest.Start(t, s, in)
	b.expect(in, 0, values(0, n+5))
}

func TestNoTopic(t *testing.T) {
	b := newTopic(t, servertest.KafkaReady(t), 1)
	b.topic += "-absent"
	in := sourcetest.New()
	r := sourcetest.Start(t, b.open(""), in)
	in.Wait(t, "an error", func() bool { return r.Err() != nil })
	if want := fmt.Sprintf("there is no topic %s on %s: create it", b.topic, b.addr); !strings.Contains(r.Err().Error(), want) {
		t.Errorf("%v\nlacks %s", r.Err(), want)
	}
	b.create(1)
	b.produce(0, 0, value(0))
	b.expect(in, 0, values(0, 1))
}

func TestStalledJournal(t *testing.T) {
	b := newTopic(t, servertest.KafkaReady(t), 1)
	for k := range 10 {
		b.produce(0, 0, values(k*1000, (k+1)*1000)...)
	}
	in := sourcetest.New()
	in.Hold()
	r := sourcetest.Start(t, b.open(""), in)
	in.Wait(t, "chunks on their way", func() bool { return in.Part(b.name(0)).Waiting == 4 })
	in.Stall()
	in.Wait(t, "an error", func() bool { return r.Err() != nil })
	if got := b.committed(0); got > 0 {
		t.Errorf("offset %d is committed and nothing is in the journal", got)
	}
	in.Release()
	in.Resume()
	b.expect(in, 0, values(0, 10_000))
	in.Wait(t, "the offset is committed", func() bool { return b.committed(0) == 10_000 })
}

func TestOtherTopicUnderTheName(t *testing.T) {
	b := newTopic(t, servertest.KafkaReady(t), 1)
	b.produce(0, 0, value(0))
	in := sourcetest.New()
	r := sourcetest.Start(t, b.open(""), in)
	b.expect(in, 0, values(0, 1))
	r.Stop(t)
	c := newTopic(t, b.addr, 1)
	r = sourcetest.Start(t, c.open(""), in)
	in.Wait(t, "an error", func() bool { return r.Err() != nil })
	if want := "the journal holds offsets of topic " + b.topic; !strings.Contains(r.Err().Error(), want) {
		t.Error(r.Err())
	}
}

func TestOptions(t *testing.T) {
	for options, want := range map[string]string{
		`kafka { topic: "t", format: csv }`:                                        "option format: csv has a header",
		`kafka { topic: "t", user: "u" }`:                                          "option sasl: is missing",
		`kafka { topic: "t", sasl: plain, user: "u" }`:                             "option sasl: needs user and secret_file",
		`kafka { topic: "t", ca_file: "absent.pem" }`:                              "option ca_file: open absent.pem",
		`kafka { topic: "" }`:                                                      "option topic: is empty",
		`kafka { topic: "t", cert_file: "c.pem" }`:                                 "cert_file and key_file go together",
		`kafka { topic: "t", sasl: plain, user: "u", secret_file: env("UNSET_X")}`: "the variable UNSET_X is not set",
	} {
		_, err := Open(sourceConfig(t, options))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", options, err, want)
		}
	}
}
