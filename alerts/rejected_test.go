package alerts

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/weir-cep/weir/cep"
)

func deadRecord(partition uint32, position uint64) cep.DeadRecord {
	return cep.DeadRecord{Source: "cards", Partition: partition, Position: position, Arrived: 5, Reason: "number", Detail: "not a number", Field: "amount",
		Raw: []byte(fmt.Sprintf(`{"n":%d}`, position))}
}

func TestDeadLettersAreKeptOnce(t *testing.T) {
	fs := vfs.NewMem()
	l := open(t, Options{FS: fs, KeepDead: 16})
	put := func(from, to uint64) {
		t.Helper()
		for p := from; p <= to; p++ {
			must(t, l.Dead(deadRecord(uint32(p%2), p)))
		}
	}
	check := func(count, first, last uint64) {
		t.Helper()
		if got := l.DeadTotals(); !reflect.DeepEqual(got, []Total{{"cards", "number", count}}) {
			t.Fatalf("totals %v, want %d", got, count)
		}
		var list []DeadLetter
		for n := uint64(0); ; {
			page, next, err := l.DeadAfter(n, 3)
			must(t, err)
			if len(page) == 0 {
				break
			}
			list, n = append(list, page...), next
		}
		if len(list) == 0 || list[0].Position != first || list[len(list)-1].Position != last || uint64(len(list)) != last-first+1 {
			t.Fatalf("%d letters: %+v", len(list), list)
		}
		if !reflect.DeepEqual(list[0].DeadRecord, deadRecord(uint32(first%2), first)) {
			t.Fatalf("letter %+v", list[0])
		}
	}
	put(0, 9)
	put(5, 12)
	check(13, 0, 12)
	put(0, 20) // 16 of 21: the oldest go, an eighth at once
	check(21, 6, 20)
	put(0, 20)
	check(21, 6, 20)
	must(t, l.Close())
	l = open(t, Options{FS: fs, KeepDead: 16})
	put(0, 22)
	check(23, 9, 22)
}

func TestLateEventsAreKeptOnce(t *testing.T) {
	l := open(t, Options{})
	r := cep.LateRecord{Source: "logins", Partition: 3, Position: 9, Arrived: 4, Type: "Login", At: 1, Watermark: 2, Raw: []byte("{}")}
	for range 2 {
		must(t, l.Late(r))
	}
	list, next, err := l.LateAfter(0, 10)
	must(t, err)
	if next != 1 || len(list) != 1 || !reflect.DeepEqual(list[0], LateEvent{1, r}) {
		t.Fatalf("%v %+v", next, list)
	}
	if got := l.LateTotals(); !reflect.DeepEqual(got, []Total{{"logins", "Login", 1}}) {
		t.Fatalf("totals %v", got)
	}
}
