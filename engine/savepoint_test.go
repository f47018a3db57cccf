package engine

import (
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestSavepoint: a state directory made of a savepoint goes on as the original
// does, also where events came in and alerts were found between the parts of
// the savepoint.
func TestSavepoint(t *testing.T) {
	ctx := context.Background()
	for seed := range uint64(5) {
		rng := rand.New(rand.NewPCG(seed, 7))
		var batches [][]byte
		for i := range 30 {
			batches = append(batches, someEvents(rng, 100*i, 100))
		}
		h := &host{t: t, fs: vfs.NewMem(), cfg: RuntimeConfig{Shards: 2}}
		h.open()
		if _, err := h.r.Deploy(ctx, RuleText("chain.cep", chainRules), Keep); err != nil {
			t.Fatal(err)
		}
		at := 3 + rng.IntN(20)
		for _, b := range batches[:at] {
			h.ingest(b)
		}
		c, err := h.r.Savepoint(ctx, "save", func(dir string) error {
			h.ingest(batches[at])
			if err := h.r.Flush(ctx); err != nil {
				return err
			}
			return h.log.Copy(h.fs.PathJoin(dir, "alerts"))
		})
		if err != nil || c.Position == 0 {
			t.Fatal(c, err)
		}
		if _, err := h.r.Savepoint(ctx, "save", func(string) error { return nil }); !errors.Is(err, fs.ErrExist) {
			t.Fatalf("a savepoint over another: %v", err)
		}
		broken := errors.New("broken")
		if _, err := h.r.Savepoint(ctx, "other", func(string) error { return broken }); !errors.Is(err, broken) {
			t.Fatal(err)
		}
		for _, left := range []string{"save.tmp", "other", "other.tmp"} {
			if _, err := h.fs.Stat(left); !errors.Is(err, fs.ErrNotExist) {
				t.Fatalf("%s is left behind: %v", left, err)
			}
		}
		for _, b := range batches[at+1:] {
			h.ingest(b)
		}
		if err := h.r.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		want := h.all()
		h.close()

		if err := h.fs.RemoveAll("data"); err != nil {
			t.Fatal(err)
		}
		if err := VerifyState(h.fs, "save", func(file, why string) { t.Errorf("%s: %s", file, why) }); err != nil {
			t.Fatal(err)
		}
		if err := RestoreSavepoint(h.fs, "save", "data"); err != nil {
			t.Fatal(err)
		}
		if ok, err := vfs.Clone(h.fs, h.fs, "save/alerts", "data/alerts"); !ok || err != nil {
			t.Fatal(ok, err)
		}
		h.open()
		st, err := h.r.Stats(ctx)
		if err != nil || st.Recovery.Missing != 0 || st.Recovery.Checkpoint != c.Position || st.Recovery.Records == 0 {
			t.Fatalf("%+v, %v", st.Recovery, err)
		}
		for _, b := range batches[at+1:] {
			h.ingest(b)
		}
		if err := h.r.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		if got := h.all(); got != want || want == "" {
			t.Errorf("seed %d: other alerts than the original's (%d and %d bytes)", seed, len(got), len(want))
		}
		h.close()
		if err := RestoreSavepoint(h.fs, "save", "data"); err == nil {
			t.Error("a state was restored over another")
		}
	}
}
