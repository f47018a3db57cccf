package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/weir-cep/weir/alerts"
	"github.com/weir-cep/weir/internal/journal"
)

// eraseRules have rules whose alerts do not say the card in their own words: it
// stands in the evidence alone, directly and one level further down.
const eraseRules = `
event Auth as "auth" { card: string from "card.number"  shop: string  amount: int  at: timestamp  id: string  time at late 2s  id id }
event Note { card: string  shop: string  at: timestamp  time at late 2s }

rule big "A big payment" {
    by shop
    on a: Auth when amount > 100
    alert as Big { severity low  message "{shop}: {a.amount}"  amount = a.amount }
}

rule again "Big ones again" {
    by shop
    on b: Big when count() over last 1h >= 2
    alert { severity high  message "{shop} again" }
}
rule noted "A note" { by shop  on n: Note  when true  alert { severity low  message "{shop} is noted" } }
`

func authLine(i int, card string, at int) string {
	return fmt.Sprintf(`{"type":"auth","card":{"number":%q},"shop":"s%d","amount":%d,"at":%q,"id":"e%d"}`+"\n",
		card, i%4, 50+i%100, time.Date(2026, 1, 1, 0, 0, at, 0, time.UTC).Format(time.RFC3339), i)
}

// filesWith are the files below a folder that hold a text.
func filesWith(t *testing.T, files vfs.FS, dir, text string) (list []string) {
	t.Helper()
	names, err := files.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		path := files.PathJoin(dir, name)
		info, err := files.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed just now
		}
		if err != nil {
			t.Fatal(err)
		}
		if info.IsDir() {
			list = append(list, filesWith(t, files, path, text)...)
			continue
		}
		f, err := files.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte(text)) {
			list = append(list, path)
		}
	}
	return list
}

// TestErase: what was erased is in no file but those of the rules' state, others
// and all places stay, and what recovers finds every alert again.
func TestErase(t *testing.T) {
	ctx := context.Background()
	const gone, stays = "QWZXGONEJKVB", "plmstayedfghj" // with no piece in common, so that packing leaves them
	h := &host{t: t, fs: vfs.NewMem(), cfg: RuntimeConfig{Keep: 2, Limits: Limits{Evidence: 8 << 10}}}
	h.open()
	if _, err := h.r.Deploy(ctx, RuleText("erase.cep", eraseRules), Keep); err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	for i := range 400 {
		card := stays
		if i%3 == 0 {
			card = gone
		}
		lines.WriteString(authLine(i, card, i))
		if i%40 == 39 {
			h.ingest([]byte(lines.String()))
			lines.Reset()
		}
	}
	h.ingest([]byte(`{"type":"auth","card":{"number":"` + gone + `"},"shop":"s1"}` + "\n" + // dead
		`{"type":"auth","card":{"number":"` + gone + "\n" + // dead, and broken
		authLine(1000, gone, 3) + // late
		`{"type":"Note","card":"` + gone + `","shop":"s3","at":"2026-01-01T00:06:40Z"}` + "\n" + // another type
		`{"type":"Other","card":{"number":"` + gone + `"}}` + "\n"))
	if err := h.r.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	h.close() // puts the alerts into tables, which do not forget by themselves
	h.open()
	before := h.all()
	if n := strings.Count(before, gone); n < 20 {
		t.Fatalf("only %d alerts with evidence to erase", n)
	}
	for _, dir := range []string{"data/journal", "data/alerts"} {
		if len(filesWith(t, h.fs, dir, gone)) == 0 {
			t.Fatalf("%s is packed so that nothing can be found in it", dir)
		}
	}

	got, err := h.r.Erase(ctx, Erase{Field: "card", Value: gone, Type: "Auth"})
	if err != nil {
		t.Fatal(err)
	}
	if got.Rows < 130 || got.Alerts == 0 || got.Dead != 2 || got.Late != 1 || got.Left != 0 {
		t.Errorf("%+v", got)
	}
	if n := strings.Count(h.all(), gone); n != 1 {
		t.Errorf("%d alerts still have it, not just that of the other type", n)
	}
	rest, err := h.r.Erase(ctx, Erase{Field: "card", Value: gone}) // of all types
	if err != nil {
		t.Fatal(err)
	}
	if rest.Rows < 1 || rest.Alerts != 1 || rest.Dead+rest.Late != 0 {
		t.Errorf("%+v", rest)
	}
	// No restart is needed for what was in tables; the database removes files a
	// moment later.
	for end := time.Now().Add(30 * time.Second); len(filesWith(t, h.fs, "data", gone)) > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%q still have what was erased", filesWith(t, h.fs, "data", gone))
		}
	}
	for r := h.r.node.Load().j.Read(1); ; { // the files are packed
		var rec journal.Record
		if err := r.Next(&rec); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if rec.Kind == recRows && bytes.Contains(rec.Data, []byte(`"card":{"number":"`+gone+`"},"shop"`)) {
			t.Errorf("record %d still has what was erased", rec.Pos)
		}
	}
	third, err := h.r.Erase(ctx, Erase{Field: "card", Value: gone})
	if err != nil || third.Rows+third.Alerts+third.Dead+third.Late != 0 {
		t.Errorf("again: %+v, %v", third, err)
	}

	// The same cards come again, and alerts are made of what is left.
	h.ingest([]byte(authLine(2099, stays, 500)))
	if err := h.r.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	after := h.all()
	if strings.Contains(after, gone) || !strings.Contains(after, stays) {
		t.Error("an alert found later has what was erased, or not what was not")
	}
	if a, b := strings.Count(before, "\n"), strings.Count(after, "\n"); a >= b {
		t.Errorf("%d alerts became %d", a, b)
	}
	h.close()
	h.open()
	if m := h.r.recovery.Missing; m != 0 {
		t.Errorf("%d alerts are missing after a restart", m)
	}
	if _, err := h.r.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	if h.all() != after {
		t.Error("a restart changed alerts")
	}
	h.close()
	for _, path := range filesWith(t, h.fs, "data", gone) {
		t.Errorf("%s still has what was erased", path)
	}
	for _, path := range []string{"data/journal", "data/alerts"} {
		if len(filesWith(t, h.fs, path, stays)) == 0 {
			t.Errorf("nothing in %s has what was not erased", path)
		}
	}
}

// TestEraseBeforeACrash: alerts whose evidence was erased behind the checkpoint
// that a recovery begins with count as found again, and so do those whose
// evidence is not there any more for the replay.
func TestEraseBeforeACrash(t *testing.T) {
	ctx := context.Background()
	const gone = "4000-GONE-0001"
	mem := vfs.NewCrashableMem()
	h := &host{t: t, fs: mem, cfg: RuntimeConfig{Keep: 1, Limits: Limits{Evidence: 1}}}
	h.open()
	if _, err := h.r.Deploy(ctx, RuleText("erase.cep", eraseRules), Keep); err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		h.ingest([]byte(authLine(i, gone, i)))
	}
	if _, err := h.r.Erase(ctx, Erase{Field: "card", Value: gone}); err != nil {
		t.Fatal(err)
	}
	for i := 200; i < 300; i++ {
		h.ingest([]byte(authLine(i, gone, i)))
	}
	if err := h.r.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	// The alert log loses the texts though the journal needs all of it still.
	n := h.r.node.Load()
	m := newErasing(Erase{Field: "card", Value: gone}, n.wire.Load())
	if _, err := h.log.Erase(ctx, gone, m.event); err != nil {
		t.Fatal(err)
	}
	want := h.all()
	if err := h.log.Sync(); err != nil {
		t.Fatal(err)
	}
	left := mem.CrashClone(vfs.CrashCloneCfg{})
	h.close()
	h.fs = left
	h.open()
	if rec := h.r.recovery; rec.Missing != 0 || rec.Reproduced == 0 {
		t.Errorf("%+v", rec)
	}
	if h.all() != want {
		t.Error("a recovery brought erased texts back, or lost alerts")
	}
	h.close()
}

// TestEraseFinds: which texts are meant.
func TestEraseFinds(t *testing.T) {
	set := RuleText("erase.cep", eraseRules)
	prog, err := set.Compile()
	if err != nil {
		t.Fatal(err)
	}
	w := &wiring{prog: prog}
	for _, c := range []struct {
		erase Erase
		text  string
		want  bool
	}{
		{Erase{"card", "c1", ""}, `{"type":"auth","card":{"number":"c1"}}`, true},
		{Erase{"card", "c1", ""}, `{"type":"auth","card.number":"c1"}`, true},
		{Erase{"card", "c1", ""}, `{"type":"auth","card":{"number":"\u0063\u0031"}}`, true},
		{Erase{"card", "c1", ""}, `{"type":"auth","card":{"number":"c12"},"shop":"c1"}`, false},
		{Erase{"card", "c1", "Auth"}, `{"type":"auth","card":{"number":"c1"}}`, true},
		{Erase{"card", "c1", "Auth"}, `{"type":"Note","card":"c1"}`, false},
		{Erase{"card", "c1", "Note"}, `{"type":"Note","card":"c1"}`, true},
		{Erase{"card", "c1", "Note"}, `{"type":"Note","card":"c2","card":"c1"}`, true},
		{Erase{"card", "17", ""}, `{"type":"Note","card":17}`, true},
		{Erase{"card", "17", ""}, `{"type":"Note","card":[3,17]}`, true},
		{Erase{"card", "17", ""}, `{"type":"Note","card":170}`, false},
		{Erase{"card", "c1", "Auth"}, `{"type":"auth","card":{"number":"c1"`, true},
		{Erase{"card", "c1", "Auth"}, `{"type":"auth","card":{"number":"xc1"`, false},
		{Erase{"card", "c1", ""}, `7;c1;x`, true},
		{Erase{"card", "c1", ""}, ``, false},
	} {
		if got := newErasing(c.erase, w).text(nil, "", []byte(c.text)); got != c.want {
			t.Errorf("%+v in %s: %v", c.erase, c.text, got)
		}
	}
}

var _ ErasingSink = (*alerts.Log)(nil)
