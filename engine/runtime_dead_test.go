package engine

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/weir-cep/weir/alerts"
)

const deadRules = `
event Auth { card: string  amount: int  at: timestamp  time at }
event Seen { card: string  amount: int  at: timestamp  time at }
event Row { card: string  amount: int  at: timestamp  time at }
source tail of Seen from file { path: "rows.csv", format: csv }
source bus of Row from kafka { brokers: "localhost:9092", topic: "rows" }
rule big { by card  on a: Auth when amount > 100  alert { message "{card}" } }
rule seen { by card  on a: Seen when amount > 100  alert { message "{card}" } }
rule row { by card  on a: Row when amount > 100  alert { message "{card}" } }
`

// scripted is a source that brings chunks, rejects a record, and ends.
type scripted struct {
	chunks []Chunk
	reject func(Partition)
}

func (s scripted) Run(ctx context.Context, in Intake) error {
	p, err := in.Partition("0", 0)
	if err != nil || p.Cursor() != nil {
		return err
	}
	for _, c := range s.chunks {
		if err := p.Put(ctx, c); err != nil {
			return err
		}
	}
	if s.reject != nil {
		s.reject(p)
	}
	p.End()
	return nil
}

func (s scripted) open(SourceConfig) (Source, error) { return s, nil }

// TestDeadLetters: what is no event lies among the dead letters with its place,
// the reason and its text, once, whatever source it is of, and is counted; what
// no rule names is counted and passed over.
func TestDeadLetters(t *testing.T) {
	const good = `,"amount":500,"at":"2026-01-01T00:00:00Z"}` + "\n"
	ctx := context.Background()
	mem := vfs.NewCrashableMem()
	h := &host{t: t, fs: mem, cfg: RuntimeConfig{Open: map[string]Opener{
		"file": scripted{chunks: []Chunk{{Header: []string{"card", "amount", "at"}, First: -1, Cursor: []byte("1"),
			Data: []byte("f1,500,2026-01-01T00:00:00Z\nf2,many,2026-01-01T00:00:00Z\nf3\n")}}}.open,
		"kafka": scripted{chunks: []Chunk{{First: 100, Gaps: []Gap{{Record: 1, Skip: 7}}, Cursor: []byte("1"),
			Data: []byte(`{"card":"k1"` + good + "{nonsense\n" + `{"card":"k2"}` + "\n")}},
			reject: func(p Partition) { p.Reject("120", "the record has no value (it deletes its key)", []byte("key")) }}.open,
	}}}
	h.open()
	if _, err := h.r.Deploy(ctx, RuleText("dead.cep", deadRules), Keep); err != nil {
		t.Fatal(err)
	}
	running, stop := context.WithCancel(ctx)
	ran := make(chan error, 1)
	go func() { ran <- h.r.Run(running) }()
	h.ingest([]byte(`{"type":"Auth","card":"h1"` + good + `{"type":"Auth","card":"h4","amount":1,"at":"never"}` + "\n" +
		`{"type":"Other","card":"h2"}` + "\n" + `{"type":"Auth","card":"h3","amount":1}` + "\n"))
	want := map[string]bool{
		`http/0/1 bad_time {"type":"Auth","card":"h4","amount":1,"at":"never"}`: true,
		`http/0/3 missing_field {"type":"Auth","card":"h3","amount":1}`:         true,
		`tail/0/1 bad_number f2,many,2026-01-01T00:00:00Z`:                      true,
		`tail/0/2 short_row f3`:                                      true,
		`bus/0/108 bad_json {nonsense`:                               true,
		`bus/0/109 missing_field {"card":"k2"}`:                      true,
		`bus/0/120 the record has no value (it deletes its key) key`: true,
	}
	deadline := time.Now().Add(30 * time.Second)
	for list := letters(t, h.log); len(list) < len(want); list = letters(t, h.log) {
		if time.Now().After(deadline) {
			t.Fatalf("%q", list)
		}
		time.Sleep(time.Millisecond)
	}
	for h.log.Head() < 3 {
		if err := h.r.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d alerts", h.log.Head())
		}
	}
	st, err := h.r.Stats(ctx)
	if err != nil {
		t.Fatal(err)
	}
	counts := ""
	for _, s := range st.Sources {
		n := uint64(0)
		for _, c := range s.Rejected {
			n += c
		}
		counts += fmt.Sprintf("%s rejected %d, skipped %d; ", s.Name, n, s.Skipped)
	}
	if counts != "bus rejected 3, skipped 0; http rejected 2, skipped 1; tail rejected 2, skipped 0; " {
		t.Error(counts)
	}
	if err := h.log.Sync(); err != nil {
		t.Fatal(err)
	}
	left := mem.CrashClone(vfs.CrashCloneCfg{})
	stop()
	if err := <-ran; err != nil {
		t.Fatal(err)
	}
	if err := h.log.Close(); err != nil {
		t.Fatal(err)
	}
	// A crash: all of it is found again, and is there once.
	h.fs = left
	h.open()
	if m := h.r.recovery.Missing; m != 0 || h.r.recovery.Records == 0 {
		t.Errorf("%+v", h.r.recovery)
	}
	for _, l := range letters(t, h.log) {
		if !want[l] {
			t.Errorf("not expected, or twice: %s", l)
		}
		delete(want, l)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
	h.close()
}

func letters(t *testing.T, log *alerts.Log) (list []string) {
	t.Helper()
	dead, _, err := log.DeadAfter(0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dead {
		list = append(list, fmt.Sprintf("%s/%d/%d %s %s", d.Source, d.Partition, d.Position, d.Reason, d.Raw))
	}
	return list
}
