package engine

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/weir-cep/weir/cep"
)

// Whatever comes in, and however it is cut, comes out once, in total order, and
// never before the watermark has passed it.
func TestOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		held := &holdings{}
		o := &order{held: held}
		var all, got []item
		floor := int64(0)
		var position uint64
		for range rapid.IntRange(1, 12).Draw(t, "rounds") {
			b := held.hold(&prepared{batch: &cep.Batch{}}, nil)
			for range rapid.IntRange(0, 9).Draw(t, "rows") {
				at := floor + rapid.Int64Range(0, 15).Draw(t, "at")
				it := item{at: at, ref: cep.MakeRef(0, rapid.Uint32Range(0, 2).Draw(t, "partition"), position), batch: b}
				position++
				o.add(it)
				all = append(all, it)
			}
			held.settle(b)
			o.seal()
			w := floor + rapid.Int64Range(0, 6).Draw(t, "w")
			limit := rapid.IntRange(1, 5).Draw(t, "limit")
			for more := true; more; {
				var out []item
				out, more = o.release(nil, w, limit)
				for i := range out {
					if out[i].at >= w || out[i].at < floor {
						t.Fatalf("released %d under watermark %d after %d", out[i].at, w, floor)
					}
				}
				if n := len(got); n > 0 && len(out) > 0 && out[0].at == got[n-1].at {
					t.Fatalf("rows of %d torn apart", out[0].at)
				}
				o.done(out)
				got = append(got, out...)
			}
			floor = w
		}
		out, _ := o.release(nil, maxTime, len(all)+1)
		o.done(out)
		got = append(got, out...)
		slices.SortFunc(all, compareItems)
		if !slices.Equal(got, all) {
			t.Fatalf("got %v, want %v", got, all)
		}
		if o.waiting != 0 || held.waiting != 0 || held.bytes != 0 || len(held.unused) != len(held.list) {
			t.Fatalf("%d rows and %d batches are left", o.waiting, len(held.list)-len(held.unused))
		}
	})
}
