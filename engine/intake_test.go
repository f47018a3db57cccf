package engine

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/weir-cep/weir/cep"
)

// tape is a source of numbered events. It goes on behind its cursor, keeps
// several chunks on their way and knows where each record stands, as a topic
// does.
type tape struct {
	records int
	opened  atomic.Int64
	runs    atomic.Int64
	refused atomic.Int64
}

func (s *tape) Run(ctx context.Context, in Intake) error {
	s.runs.Add(1)
	p, err := in.Partition("tape", 0)
	if err != nil {
		return err
	}
	at := 0
	if c := p.Cursor(); c != nil {
		if at, err = strconv.Atoi(string(c)); err != nil {
			return err
		}
	}
	const chunk = 5
	failed := make(chan error, s.records)
	for ; at < s.records; at += chunk {
		var b strings.Builder
		for i := range chunk {
			fmt.Fprintf(&b, `{"type":"Auth","card":"c%d","at":"2026-01-01T00:00:00Z"}`+"\n", at+i)
		}
		c := Chunk{Data: []byte(b.String()), First: int64(at), Cursor: fmt.Append(nil, at+chunk), Durable: func(err error) {
			if err != nil {
				s.refused.Add(1)
				failed <- err
			}
		}}
		if err := p.Put(ctx, c); err != nil {
			return err
		}
		select {
		case err := <-failed:
			return err
		default:
		}
	}
	// What is on its way may still be refused.
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return nil
	}
}

// breakable is a file system whose journal can be made to refuse writes.
func breakable() (vfs.FS, *atomic.Bool) {
	broken := new(atomic.Bool)
	return errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		switch op.Kind {
		case errorfs.OpFileWrite, errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpCreate:
			if broken.Load() && strings.Contains(op.Path, "journal") {
				return errors.New("no space left on device")
			}
		}
		return nil
	})), broken
}

const eachRules = `
event Auth { time at  at: timestamp  card: string }
source tape of Auth from kafka { topic: "tape", order: arrival }
rule each "each" { by card  on Auth when newly card != ""  alert { severity low  message "{card}" } }
`

// While the journal refuses writes, sources are told and nothing enters; then
// they go on where they were: every record once, without a hole.
func TestSourcesOutlastAStall(t *testing.T) {
	fs, broken := breakable()
	var mu sync.Mutex
	got := map[string]int{}
	src := &tape{records: 3000}
	ctx := t.Context()
	r, err := Open(ctx, RuntimeConfig{Dir: "state", FS: fs, Queue: 16 << 10,
		Sink: SinkFunc(func(a *cep.Alert) {
			mu.Lock()
			defer mu.Unlock()
			got[a.Message]++
			if len(got)%1300 == 0 {
				broken.Store(true) // in the middle of it
			}
		}),
		Open: map[string]Opener{"kafka": func(SourceConfig) (Source, error) {
			src.opened.Add(1)
			return src, nil
		}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Deploy(ctx, RuleText("each.cep", eachRules), 0); err != nil {
		t.Fatal(err)
	}
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- r.Run(running) }()
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(got)
	}
	stalls, opened := 0, int64(0)
	for deadline := time.Now().Add(time.Minute); count() < src.records; time.Sleep(5 * time.Millisecond) {
		if runs := src.runs.Load(); broken.Load() {
			if stalls == 0 {
				opened = src.opened.Load()
			}
			for src.runs.Load() == runs && time.Now().Before(deadline) { // the source is told
				time.Sleep(5 * time.Millisecond)
			}
			stalls++
			broken.Store(false)
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d alerts, %d runs, %d chunks refused", count(), src.records, src.runs.Load(), src.refused.Load())
		}
	}
	st, err := r.Stats(ctx)
	if err != nil || len(st.Sources) != 1 || st.Sources[0].Error != "" {
		t.Errorf("it works again, and the statistics say %+v, %v", st.Sources, err)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	for i := range src.records {
		if n := got[fmt.Sprintf("c%d", i)]; n != 1 {
			t.Errorf("event %d gave %d alerts", i, n)
		}
	}
	t.Logf("%d stalls, %d chunks refused, opened %d times, %d runs", stalls, src.refused.Load(), src.opened.Load(), src.runs.Load())
	if stalls == 0 || src.refused.Load() == 0 || src.opened.Load() != opened {
		t.Errorf("%d stalls, %d chunks refused, the source was opened %d times more", stalls, src.refused.Load(), src.opened.Load()-opened)
	}
}

// What is posted is answered for by itself: after a stall it is taken in again.
func TestIngestOutlastsAStall(t *testing.T) {
	fs, broken := breakable()
	ctx := t.Context()
	r, err := Open(ctx, RuntimeConfig{Dir: "state", FS: fs, Sink: SinkFunc(func(*cep.Alert) {})})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Deploy(ctx, RuleText("probe.cep", probeRules), 0); err != nil {
		t.Fatal(err)
	}
	event := []byte(`{"type":"Auth","card":"c1","amount":"3 USD","at":"2026-01-01T00:00:00Z"}` + "\n")
	if _, err := r.Ingest(ctx, "", event); err != nil {
		t.Fatal(err)
	}
	broken.Store(true)
	if _, err := r.Ingest(ctx, "", event); !errors.Is(err, ErrStalled) {
		t.Fatalf("%v", err)
	}
	broken.Store(false)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		_, err := r.Ingest(ctx, "", event)
		if err == nil {
			break
		}
		if !errors.Is(err, ErrStalled) || time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// Many post at once: every event is taken in once. The race detector looks on.
func TestIngestAtOnce(t *testing.T) {
	r, err := Open(context.Background(), RuntimeConfig{Sink: SinkFunc(func(*cep.Alert) {})})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Deploy(context.Background(), RuleText("chain.cep", chainRules), Keep); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for j := range 20 {
				line := fmt.Sprintf(`{"type":"Login","user":"u","ip":"i","ok":true,"at":"2026-01-01T00:00:00Z","id":"e%d-%d"}`, i, j)
				if _, err := r.Ingest(context.Background(), "", []byte(line)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	st, err := r.Stats(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if n := st.Sources[0].Partitions[0].Rows; n != 80 {
		t.Errorf("%d events", n)
	}
}
