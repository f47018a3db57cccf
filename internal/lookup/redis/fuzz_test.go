package redis

import (
	"encoding/json"
	"testing"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/internal/lookup"
)

// FuzzHashText: whatever a hash holds, its rows are JSON objects under its
// fields; no value writes another row or key.
func FuzzHashText(f *testing.F) {
	for _, seed := range []string{"", "high", `{"level":"high"}`, `{"name":"eve"}`, `{}`, `{"a":1},{"b":2}`, `[1,2]`, `"x`, "{\"level\":\"\xff\"}", " { } "} {
		for kind := range byte(4) {
			f.Add("ann", seed, kind)
		}
	}
	cols := [][]cep.Field{nil, {{Name: "level", Type: stringT}}, {{Name: "place", Type: pointT.OrMissing()}}, {{Name: "tags", Type: listT}, {Name: "age", Type: intT}}}
	f.Fuzz(func(t *testing.T, field, value string, kind byte) {
		fields := map[string]string{field: value, field + "x": value}
		text, err := hashText(lookup.Text{}, cep.Field{Name: "name", Type: stringT}, cols[int(kind)%len(cols)], fields)
		if err != nil {
			return
		}
		var rows []map[string]any
		if err := json.Unmarshal(text.Data, &rows); err != nil {
			t.Fatalf("%q: %v", text.Data, err)
		}
		if len(rows) != 2 || rows[0]["name"] != field || rows[1]["name"] != field+"x" {
			t.Fatalf("%q for the field %q", text.Data, field)
		}
	})
}
