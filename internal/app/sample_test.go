package app

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/decode"
)

// The example event of every type of the library is one that the decoder takes.
func TestExampleEvents(t *testing.T) {
	const all = `enum Colour { red, green }
event E as "e.v1" { time at  at: timestamp(unix_ms)  id: string  n: int from "a.b.n"  m: money(USD) from "a.b.m"  x: number?  c: Colour  ip: ip  p: point  d: duration  l: list of string  ok: bool }
source web of E from http { type: "kind" }
rule r { by id on E when n > 0 alert { message "{id}" } }
`
	dir := t.TempDir()
	file := filepath.Join(dir, "all.cep")
	write(t, file, all)
	seen := 0
	for _, path := range []string{file, "../../rules/library"} {
		prog, ds, err := dsl.Load(dsl.Files, path)
		if err != nil || ds.HasErrors() {
			t.Fatal(err, ds.Text())
		}
		now := time.Date(2026, 1, 31, 10, 0, 0, 0, time.UTC)
		for _, p := range postedTypes(prog) {
			seen++
			d, err := decode.New(decode.Config{Schemas: []*cep.Schema{p.schema}, TypeField: p.typeField, Zone: prog.Zone})
			if err != nil {
				t.Fatal(err)
			}
			var batch cep.Batch
			var res decode.Result
			line := p.example(now)
			d.Decode([]byte(line+"\n"), &batch, &res)
			if len(res.Dead) > 0 || res.Skipped > 0 || len(batch.Rows) != 1 {
				t.Errorf("%s: %+v", line, res)
				continue
			}
			if at := batch.Rows[0].At; at != now.UnixNano() {
				t.Errorf("%s happens at %d", line, at)
			}
			if path == file && (p.source != "web" || line != `{"kind":"e.v1","at":1769853600000,"id":"id1","a":{"b":{"n":1,"m":"10.00 USD"}},"c":"red","ip":"203.0.113.7","p":{"lat":52.5,"lon":13.4},"d":"1m","l":["l1"],"ok":true}`) {
				t.Errorf("%s of %s", line, p.source)
			}
		}
	}
	if seen < 10 {
		t.Errorf("only %d types", seen)
	}
}
