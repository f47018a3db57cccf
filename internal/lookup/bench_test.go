package lookup

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/weir-cep/weir/dsl"
)

// BenchmarkParse parses lists and tables of 100,000 rows.
func BenchmarkParse(b *testing.B) {
	const n = 100_000
	var lines, array, csv, rows bytes.Buffer
	csv.WriteString("name,level,limits.daily\n")
	for i := range n {
		name := fmt.Sprintf("merchant-%07d", i)
		fmt.Fprintln(&lines, name)
		fmt.Fprintf(&array, "%c%q\n", "[,"[min(i, 1)], name)
		fmt.Fprintf(&csv, "%s,high,250.00\n", name)
		fmt.Fprintf(&rows, "{\"name\":%q,\"level\":\"high\",\"limits\":{\"daily\":\"250.00\"}}\n", name)
	}
	array.WriteByte(']')
	list, table := listOf("rules.cep", stringT, dsl.OpIn, "file"), tableOf("rules.cep", "file")
	for _, bb := range []struct {
		name  string
		table bool
		data  []byte
	}{{"text", false, lines.Bytes()}, {"json", false, array.Bytes()}, {"csv", true, csv.Bytes()}, {"json", true, rows.Bytes()}} {
		t := Text{Name: "names", Rules: "rules.cep", From: "file", Format: bb.name, Data: bb.data}
		prog, what := list, "list"
		if bb.table {
			prog, what, t.Name, t.Table = table, "table", "people", true
		}
		t = t.Seal()
		b.Run(what+"="+bb.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(t.Data)))
			for b.Loop() {
				if v, err := Parse(prog, t); err != nil || v.Rows() != n {
					b.Fatal(v.Rows(), err)
				}
			}
		})
	}
}
