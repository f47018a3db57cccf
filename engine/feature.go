package engine

import (
	"fmt"
	"slices"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/expr"
	"github.com/weir-cep/weir/internal/window"
)

// feature is a feature as one world keeps it.
//
// Where every reader in the world reads it for its own key, each shard keeps the
// keys that are its own, which are also the readers'.
// Otherwise every shard keeps all of it (everywhere): a read for any key, also
// one that a bound event or a constant names, and also at a deadline, then is
// exact and local. That costs the update of such a feature once per shard;
// pinning values by a stage of their own would save it, but could not serve
// keys that are known only while matching.
type feature struct {
	ir         *dsl.FeatureIR
	owner      uint32
	sid        uint32
	from       uint32 // the feature whose states it begins with copies of, 0: none
	space      int
	everywhere bool
	shadow     bool   // sees what shadow rules raise; read by shadow rules only
	layout     uint64 // see StateHash
	where      expr.Cond
	specs      []window.Spec
	inputs     []input
	items      []featureItem
	fixed      map[fixedKey]cep.Value
}

// input is an argument of a window set.
type input struct {
	word   func(*expr.Frame) (cep.Word, bool)
	symbol bool // the word is a symbol that has to be released
}

// featureItem is a named value of a feature: one aggregate as it is, or an
// expression over several.
type featureItem struct {
	agg    int // -1: word
	word   func(*expr.Frame) (cep.Word, bool)
	symbol bool
}

type fixedKey struct {
	item int
	key  string
}

// read is one place where a rule reads a feature.
type read struct {
	feature *feature
	item    int
	same    bool        // for the rule's own key, so its state is on the rule's shard
	own     bool        // and in the rule's own space
	keyer   *expr.Keyer // of any other key
}

// addFeatures makes the features that the world's rules read.
func (w *world) addFeatures(p *plan) error {
	for _, r := range w.rules {
		r.reads = make([]read, len(r.ir.Reads))
		for i := range r.ir.Reads {
			rd := &r.ir.Reads[i]
			f, err := w.feature(p, rd.Feature, r.shadow && p.shadowRaised(rd.Feature.On))
			if err != nil {
				return err
			}
			same := rd.OwnKey && f.keyTypes() == r.keyTypes()
			f.everywhere = f.everywhere || !same && p.shards > 1
			r.reads[i] = read{feature: f, item: rd.Item, same: same}
		}
	}
	return w.compileReads(p)
}

// compileReads compiles the keys of the reads that are not for the rule's own.
func (w *world) compileReads(p *plan) error {
	for _, r := range w.rules {
		for i := range r.reads {
			rd := &r.reads[i]
			if rd.own = rd.same && rd.feature.spaceID() == r.spaceID(); rd.same {
				continue
			}
			c := &expr.Compiler{Zone: p.prog.Zone}
			if r.prog != nil {
				c.Layout = r.prog.Layout
			} else {
				c.Layout = r.on.layout
			}
			keys := r.ir.Reads[i].Keys
			r.needsKey = r.needsKey || slices.ContainsFunc(keys, expr.ReadsKey)
			k, err := c.Keyer(keys)
			if err != nil {
				return fmt.Errorf("rule %s: key of %s: %w", r.ir.Name, rd.feature.ir.Name, err)
			}
			rd.keyer = k
		}
	}
	return nil
}

func (w *world) feature(p *plan, ir *dsl.FeatureIR, shadow bool) (*feature, error) {
	for _, f := range w.features {
		if f.ir == ir && f.shadow == shadow {
			return f, nil
		}
	}
	f, err := newFeature(p, ir)
	if err != nil {
		return nil, fmt.Errorf("feature %s: %w", ir.Name, err)
	}
	f.shadow = shadow
	w.features = append(w.features, f)
	return f, nil
}

func newFeature(p *plan, ir *dsl.FeatureIR) (f *feature, err error) {
	f = &feature{ir: ir, fixed: map[fixedKey]cep.Value{}}
	c := &expr.Compiler{Schema: ir.On, Zone: p.prog.Zone}
	if ir.Where != nil {
		if f.where, err = c.Cond(ir.Where); err != nil {
			return nil, err
		}
	}
	var roots []*dsl.Expr
	for _, it := range ir.Items {
		roots = append(roots, it.Expr)
	}
	if f.specs, f.inputs, err = compileAggs(c, ir.Aggs, roots); err != nil {
		return nil, err
	}
	f.layout = hashText(f.stateText(p.prog.Zone))
	for _, it := range ir.Items {
		if it.Expr.Op == dsl.OpAgg {
			f.items = append(f.items, featureItem{agg: it.Expr.Index})
			continue
		}
		word, err := (&expr.Compiler{Zone: p.prog.Zone}).Word(it.Expr)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", it.Name, err)
		}
		f.items = append(f.items, featureItem{agg: -1, word: word, symbol: expr.Interned(it.Expr.Type)})
	}
	for _, fx := range p.fixed {
		if fx.Feature == ir {
			var key []byte
			for _, v := range fx.Key {
				key = expr.AppendKeyValue(key, v)
			}
			f.fixed[fixedKey{fx.Item, string(key)}] = fx.Value
		}
	}
	return f, nil
}

// compileAggs compiles aggregates that share stream and key. roots are all
// expressions that read them.
func compileAggs(c *expr.Compiler, aggs []*dsl.Aggregate, roots []*dsl.Expr) ([]window.Spec, []input, error) {
	specs, exprs := window.Specs(aggs)
	window.MarkSeen(specs, roots...)
	inputs := make([]input, len(exprs))
	for i, e := range exprs {
		word, err := c.Word(e)
		if err != nil {
			return nil, nil, err
		}
		inputs[i] = input{word: word, symbol: expr.Interned(e.Type)}
	}
	return specs, inputs, nil
}

func (f *feature) keyTypes() (types string) {
	for _, i := range f.ir.Key {
		types += f.ir.On.Fields[i].Type.Required().String() + ","
	}
	return types
}

// keyID names the parts of the feature's key as a rule's spaceID does.
func (f *feature) keyID() (id string) {
	for _, i := range f.ir.Key {
		fd := &f.ir.On.Fields[i]
		id += fd.Name + " " + fd.Type.Required().String() + ","
	}
	return id
}

// spaceID names the key space that a feature shares with the rules that are
// keyed by fields of its names; one that is kept everywhere has its own.
func (f *feature) spaceID() string {
	if f.everywhere {
		return "everywhere " + f.ir.Name + " " + f.keyID()
	}
	return f.keyID()
}
