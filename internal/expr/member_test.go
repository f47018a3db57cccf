package expr

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// Membership in the same values, however the list comes about.
func TestIn(t *testing.T) {
	for _, tt := range []struct {
		field, list string // a field that holds the element, a list field of its type
		in, out     string // values in and not in the list
		elements    string
	}{
		{"s", "tags", "cnp", "cn", "a|b|cnp"}, {"n", "counts", "3", "4", "1|2|3"}, {"x", "weights", "1.5", "2", "0.5|1.5"},
		{"ip", "ips", "10.0.0.2", "10.0.0.3", "10.0.0.1|10.0.0.2"}, {"geo", "places", "1,-0", "2,0", "3,4|1,0"},
		{"decision", "", "declined", "approved", "declined|referred"}, {"amount", "", "1.50", "1.51", "1.00|1.50"}, {"dur", "", "60s", "61s", "1m|2m"},
	} {
		elem := fld(tt.field).Type.Required()
		lists := map[string]*dsl.Expr{
			"const": lit(listT(elem), tt.elements),
			"list":  {Op: dsl.OpList, List: &dsl.ListIR{}, Type: listT(elem), Name: "names"},
			"param": {Op: dsl.OpParam, Param: &dsl.ParamIR{}, Type: listT(elem), Name: "p"},
			"bound": boundList(tt.field),
			"cell":  {Op: dsl.OpTableCell, Table: &dsl.TableIR{Cols: []cep.Field{{Name: "c", Type: listT(elem)}}}, Args: []*dsl.Expr{num(1)}, Type: listT(elem)},
		}
		written := op(dsl.OpListLit, listT(elem))
		for _, el := range strings.Split(tt.elements, "|") {
			written.Args = append(written.Args, lit(elem, el))
		}
		lists["written"] = written
		lists["written late"] = hide(written)
		lists["chosen"] = op(dsl.OpCall, listT(elem), fld("flag"), lists["cell"], lists["bound"])
		lists["chosen"].Func = dsl.Function("if")
		if tt.list != "" {
			lists["field"] = fld(tt.list)
			lists["captured"] = boundField(dsl.Only, tt.list)
			lists["else"] = op(dsl.OpElse, listT(elem), fld(tt.list), lists["const"])
		}
		values := val(listT(elem), tt.elements)
		var rows []string
		for _, el := range strings.Split(tt.elements, "|") {
			row := tt.field + "=" + el
			if tt.list != "" {
				row += " " + tt.list + "=" + tt.elements
			}
			rows = append(rows, row)
		}
		rows = append(rows, "") // a bound event without the field
		f := frameOf(batchOf(rows...))
		r := capture(f, append([]string{tt.field}, strings.Fields(tt.list)...)...)
		if tt.list != "" {
			r.records = r.records[:len(r.records)-1]
		}
		table := NewTable(cep.Field{Type: intT}, []cep.Field{{Type: listT(elem)}})
		if err := table.Set(cep.Int(1), []cep.Value{values}); err != nil {
			t.Fatal(err)
		}
		lookups := &Lookups{Lists: []*List{NewList(elem, values.List)}, Params: []*Param{NewParam(values)}, Tables: []*Table{table}}
		c := &Compiler{Layout: r.layout()}
		for name, list := range lists {
			for text, want := range map[string]bool{tt.in: true, tt.out: false, "": false} {
				row := "flag=true"
				if text != "" {
					row += " " + tt.field + "=" + text
				}
				if tt.list != "" {
					row += " " + tt.list + "=" + tt.elements
				}
				g := frameOf(batchOf(row))
				g.Syms, g.Bound, g.Lookups = f.Syms, r, lookups
				if got := holds(t, c, g, cond(dsl.OpIn, fld(tt.field), list)); got != want {
					t.Errorf("%s in %s list of %s: %v", row, name, elem, got)
				}
				if got := holds(t, c, g, cond(dsl.OpNot, cond(dsl.OpIn, fld(tt.field), list))); got == want {
					t.Errorf("%s not in %s list of %s: %v", row, name, elem, got)
				}
			}
		}
	}
}

func TestInMissingList(t *testing.T) {
	f := frameOf(batchOf("s=a n=1"))
	for _, e := range []*dsl.Expr{cond(dsl.OpIn, fld("s"), fld("tags")), cond(dsl.OpIn, fld("s"), boundList("s")), cond(dsl.OpIn, fld("n"), boundList("n"))} {
		c := &Compiler{Layout: Layout{Captures: []*Capture{NewCapture(schema, []int{schema.Field("n"), schema.Field("s")})}}}
		if holds(t, c, f, e) {
			t.Errorf("%s holds", e)
		}
	}
}

func TestNetworks(t *testing.T) {
	nets := lit(listT(stringT), "10.0.0.0/8|192.168.1.0/24|2001:db8::/32|203.0.113.9")
	list := &dsl.Expr{Op: dsl.OpList, List: &dsl.ListIR{}, Type: listT(stringT), Name: "nets"}
	param := &dsl.Expr{Op: dsl.OpParam, Param: &dsl.ParamIR{}, Type: stringT, Name: "net"}
	hashed, err := NewNetList(stringT, nets.Const.List)
	if err != nil {
		t.Fatal(err)
	}
	lookups := &Lookups{Lists: []*List{hashed}, Params: []*Param{NewParam(cep.Str("10.0.0.0/8")), NewParam(nets.Const)}}
	params := &dsl.Expr{Op: dsl.OpParam, Param: &dsl.ParamIR{Index: 1}, Type: listT(stringT), Name: "nets"}
	for ip, want := range map[string]bool{"10.255.0.1": true, "11.0.0.0": false, "192.168.1.255": true, "192.168.2.0": false,
		"2001:db8:ffff::1": true, "2001:db9::": false, "203.0.113.9": true, "203.0.113.8": false, "::ffff:10.0.0.1": true, "0.0.0.0": false, "ffff::": false} {
		f := frameOf(batchOf("ip=" + ip + " s=10.0.0.0/8 tags=192.168.1.0/24|2001:db8::/32|203.0.113.9|10.0.0.0/8"))
		f.Lookups = lookups
		for name, in := range map[string]*dsl.Expr{"const": nets, "list": list, "param": params, "field": fld("tags")} {
			if got := holds(t, &Compiler{}, f, cond(dsl.OpInNet, fld("ip"), in)); got != want {
				t.Errorf("%s in the networks of a %s: %v", ip, name, got)
			}
		}
		a, _ := netip.ParseAddr(ip)
		one := netip.MustParsePrefix("10.0.0.0/8").Contains(a.Unmap())
		for name, in := range map[string]*dsl.Expr{"const": str("10.0.0.0/8"), "param": param, "field": fld("s")} {
			if got := holds(t, &Compiler{}, f, cond(dsl.OpInNet, fld("ip"), in)); got != one {
				t.Errorf("%s in one network, of a %s: %v", ip, name, got)
			}
		}
	}
	f := frameOf(batchOf("s=10.0.0.0/8 t=home ip=10.0.0.1"))
	if holds(t, &Compiler{}, frameOf(batchOf("s=10.0.0.0/8")), cond(dsl.OpInNet, fld("ip"), fld("s"))) {
		t.Error("a missing ip is in a network")
	}
	if holds(t, &Compiler{}, f, cond(dsl.OpNot, cond(dsl.OpInNet, fld("ip"), fld("t")))) || f.Failures != 2 {
		t.Errorf("text that is no network does not fail, %d failures", f.Failures)
	}
	f.Lookups = &Lookups{Lists: []*List{NewList(stringT, []cep.Value{cep.Str("10.0.0.0/8"), cep.Str("home")})}}
	if holds(t, &Compiler{}, f, cond(dsl.OpNot, cond(dsl.OpInNet, fld("ip"), list))) || f.Failures != 4 {
		t.Errorf("a list that holds no networks does not fail, %d failures", f.Failures)
	}
}

// The ranges against the library's prefixes, on random networks.
func TestNetsAgreeWithPrefixes(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for range 200 {
		var prefixes []netip.Prefix
		var values []cep.Value
		addr := func() netip.Addr {
			if r.IntN(2) == 0 {
				return netip.AddrFrom4([4]byte{10, byte(r.IntN(3)), byte(r.IntN(3)), byte(r.IntN(256))})
			}
			return netip.AddrFrom16([16]byte{0x20, 1, 13: byte(r.IntN(2)), 14: byte(r.IntN(3)), 15: byte(r.IntN(256))})
		}
		for range 1 + r.IntN(8) {
			a := addr()
			p := netip.PrefixFrom(a, a.BitLen()-r.IntN(min(40, a.BitLen()+1)))
			prefixes = append(prefixes, p.Masked())
			values = append(values, cep.Str(p.String()))
		}
		nets, err := NewNets(values)
		if err != nil {
			t.Fatal(err)
		}
		for range 100 {
			a, want := addr(), false
			for _, p := range prefixes {
				want = want || p.Contains(a)
			}
			if got := nets.Has(cep.WideIP(a)); got != want {
				t.Fatalf("%s in %v: %v", a, prefixes, got)
			}
		}
	}
}

func TestTableCells(t *testing.T) {
	ir := &dsl.TableIR{Name: "people", Cols: []cep.Field{{Name: "level", Type: stringT}, {Name: "limit", Type: usdT.OrMissing()}, {Name: "home", Type: ipT}, {Name: "rate", Type: numberT}}}
	for keyField, keys := range map[string][3]string{"s": {"ann", "bob", "eve"}, "n": {"1", "-2", "3"}, "ip": {"10.0.0.1", "::1", "10.0.0.3"}, "decision": {"approved", "declined", "referred"}, "geo": {"0,1", "-0,2", "3,3"}} {
		keyT := fld(keyField).Type.Required()
		tab := NewTable(cep.Field{Type: keyT}, ir.Cols)
		for i, row := range [][4]string{{"high", "5.00", "10.1.1.1", "0.5"}, {"low", "-", "10.1.1.2", "1.5"}} {
			cells := make([]cep.Value, 4)
			for k := range cells {
				cells[k] = val(ir.Cols[k].Type, row[k])
			}
			if err := tab.Set(val(keyT, keys[i]), cells); err != nil {
				t.Fatal(err)
			}
		}
		if tab.Rows() != 2 {
			t.Errorf("%d rows", tab.Rows())
		}
		want := [3]string{"true high 5.00 USD 10.1.1.1 0.5", "true low – 10.1.1.2 1.5", "false – – – –"}
		for i, key := range keys {
			f := frameOf(batchOf(keyField + "=" + strings.Replace(key, "-0,", "0,", 1)))
			f.Lookups = &Lookups{Tables: []*Table{tab}}
			got := fmt.Sprint(holds(t, &Compiler{}, f, &dsl.Expr{Op: dsl.OpTableHas, Type: boolT, Table: ir, Args: []*dsl.Expr{fld(keyField)}}))
			for k := range ir.Cols {
				got += " " + text(t, &Compiler{}, f, &dsl.Expr{Op: dsl.OpTableCell, Type: ir.Cols[k].Type.OrMissing(), Table: ir, Index: k, Args: []*dsl.Expr{fld(keyField)}})
			}
			if got != want[i] {
				t.Errorf("row of %s: %s, want %s", key, got, want[i])
			}
		}
		f := frameOf(batchOf(""))
		f.Lookups = &Lookups{Tables: []*Table{tab}}
		if holds(t, &Compiler{}, f, &dsl.Expr{Op: dsl.OpTableHas, Type: boolT, Table: ir, Args: []*dsl.Expr{fld(keyField)}}) {
			t.Error("a missing key is in the table")
		}
	}
	if NewTable(cep.Field{Type: intT}, ir.Cols).Set(cep.Int(1), nil) == nil {
		t.Error("a short row is taken")
	}
}
