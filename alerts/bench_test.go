package alerts

import (
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/weir-cep/weir/cep"
)

// benchAlert is an alert of the size that the handbook's rules raise: four
// events with their evidence, about 1.3 kB.
func benchAlert(n uint64) *cep.Alert {
	a := testAlert(n)
	a.Labels = []cep.Label{{Name: "team", Text: "card-fraud"}, {Name: "channel", Text: "cnp"}}
	a.Fields = []cep.NamedValue{{Name: "probed", Value: cep.Str("3.49 USD")}, {Name: "country", Value: cep.Str("RO")}}
	a.Message = fmt.Sprintf("Card c%d: 3 declines under 5.00 USD, then 450.00 USD in RO", n)
	a.Events = nil
	for i := range 4 {
		a.Events = append(a.Events, cep.AlertEvent{Step: "small", Type: "Auth", ID: fmt.Sprintf("a%d", n+uint64(i)), At: a.At, Data: []byte(fmt.Sprintf(
			`{"type":"Auth","auth_id":"a%d","card_id":"c%d","amount":"3.49","currency":"USD","country":"RO","merchant_id":"m1234","approved":false,"at":"2026-01-31T10:00:00Z"}`, n, n))})
	}
	return a
}

func benchLog(b *testing.B) *Log {
	b.Helper()
	l, err := Open(Options{FS: vfs.Default, Dir: b.TempDir() + "/alerts", CleanEvery: -1})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	return l
}

// BenchmarkCommit appends alerts, some at a time, on a disk.
func BenchmarkCommit(b *testing.B) {
	for _, n := range []int{1, 16, 256} {
		b.Run(fmt.Sprintf("alerts=%d", n), func(b *testing.B) {
			l := benchLog(b)
			list := make([]*cep.Alert, n)
			for i := range list {
				list[i] = benchAlert(uint64(i))
			}
			next, bytes := uint64(0), 0
			b.ReportAllocs()
			for b.Loop() {
				for _, a := range list {
					next++
					a.ID[7], a.ID[6], a.ID[5], a.ID[0] = byte(next), byte(next>>8), byte(next>>16), byte(next*131)
				}
				if err := l.Commit(next, list); err != nil {
					b.Fatal(err)
				}
			}
			for _, a := range list {
				bytes += len(a.AppendJSON(nil))
			}
			b.StopTimer()
			b.ReportMetric(float64(next)/b.Elapsed().Seconds(), "alerts/s")
			b.ReportMetric(float64(bytes)/float64(len(list)), "B/alert")
		})
	}
}

// BenchmarkAfter reads a log of 200,000 alerts: all of it page by page, and
// with a filter that few pass.
func BenchmarkAfter(b *testing.B) {
	l := benchLog(b)
	const all = 200_000
	for n := uint64(1); n <= all; {
		var list []*cep.Alert
		for range 500 {
			list = append(list, benchAlert(n))
			n++
		}
		if err := l.Commit(n, list); err != nil {
			b.Fatal(err)
		}
	}
	for name, f := range map[string]Filter{"all": {}, "few": {Key: "none"}} {
		b.Run(name, func(b *testing.B) {
			read := uint64(0)
			b.ReportAllocs()
			for b.Loop() {
				for seq := uint64(0); seq < all; {
					p, err := l.After(seq, 1000, f)
					if err != nil {
						b.Fatal(err)
					}
					seq = p.Next
				}
				read += all
			}
			b.ReportMetric(float64(read)/b.Elapsed().Seconds(), "alerts/s")
		})
	}
}

// BenchmarkDead keeps dead letters, more than there is room for.
func BenchmarkDead(b *testing.B) {
	l := benchLog(b)
	n := uint64(0)
	b.ReportAllocs()
	for b.Loop() {
		if err := l.Dead(deadRecord(uint32(n%4), n)); err != nil {
			b.Fatal(err)
		}
		n++
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "letters/s")
}

// BenchmarkReplay compares alerts that come again.
func BenchmarkReplay(b *testing.B) {
	l := benchLog(b)
	list := make([]*cep.Alert, 1000)
	for i := range list {
		list[i] = benchAlert(uint64(i + 1))
	}
	if err := l.Commit(1, list); err != nil {
		b.Fatal(err)
	}
	n := 0
	for b.Loop() {
		if err := l.Replay(0); err != nil {
			b.Fatal(err)
		}
		if err := l.Commit(1, list); err != nil {
			b.Fatal(err)
		}
		if _, missing := l.Replayed(); missing != 0 {
			b.Fatal(missing)
		}
		n += len(list)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "alerts/s")
}

// BenchmarkSync makes a thousand alerts durable.
func BenchmarkSync(b *testing.B) {
	l := benchLog(b)
	list := make([]*cep.Alert, 1000)
	for i := range list {
		list[i] = benchAlert(uint64(i + 1))
	}
	for b.Loop() {
		b.StopTimer()
		if err := l.Commit(1, list); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if err := l.Sync(); err != nil {
			b.Fatal(err)
		}
	}
}
