package engine

import (
	"encoding/json"
	"strings"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/internal/decode"
	"github.com/weir-cep/weir/internal/evidence"
)

// recall finds events of files that are not in memory any more: their text,
// and out of it their id.
type recall struct {
	store *evidence.Store
	ids   map[*cep.Schema]*idReader
	tiers map[uint32]*evidence.Log // of alerts that are events
	kept  bool                     // these outlive the process
}

// idReader reads the id field alone out of an event's text.
type idReader struct {
	path    string
	decoder *decode.Decoder // nil: the path is a column whose name has a dot
	batch   cep.Batch
	res     decode.Result
}

func newRecall(store *evidence.Store) *recall {
	return &recall{store: store, ids: map[*cep.Schema]*idReader{}, tiers: map[uint32]*evidence.Log{}}
}

// derived makes alerts that are events recallable too: as inputs of their own,
// one per tier.
func (r *recall) derived(e *Engine, warn func(error)) {
	for tier := range r.tiers {
		r.declare(e, tier)
	}
	e.steps.derived.spool = func(b *cep.Batch, lines int) {
		tier := b.Rows[0].Ref.Partition()
		log := r.tiers[tier]
		if log == nil {
			log = r.tier(tier)
			r.declare(e, tier)
		}
		if err := log.Add(b, decode.Chunk{Data: b.Bytes[:lines]}); err != nil {
			warn(err)
		}
	}
}

// tier opens the log of a tier.
func (r *recall) tier(tier uint32) *evidence.Log {
	cfg := decode.NewChunks(nil, decode.Config{MaxEvent: maxAlert}).Config()
	log := r.store.Open(derivedSource, tier, evidence.Input{Config: cfg, Kept: r.kept})
	r.tiers[tier] = log
	return log
}

func (r *recall) declare(e *Engine, tier uint32) {
	e.steps.book.inputs[inputKey(derivedSource, tier)] = Input{Find: r.find}
}

// maxAlert bounds the text of an alert that is an event, bytes.
const maxAlert = 1 << 20

// find implements Input.Find.
func (r *recall) find(s *cep.Schema, ref cep.Ref) (id string, data []byte) {
	data, err := r.store.Raw(ref)
	if err != nil {
		return "", nil
	}
	if s.ID < 0 {
		return "", data
	}
	return r.reader(s).read(data), data
}

func (r *recall) reader(s *cep.Schema) *idReader {
	if ir := r.ids[s]; ir != nil {
		return ir
	}
	f := s.Fields[s.ID]
	if f.Path == "" {
		f.Path = f.Name
	}
	ir := &idReader{path: f.Path}
	only := &cep.Schema{Name: s.Name, Fields: []cep.Field{f}, Time: -1, ID: 0}
	if d, err := decode.New(decode.Config{Single: only}); err == nil {
		ir.decoder = d
	}
	r.ids[s] = ir
	return ir
}

func (ir *idReader) read(data []byte) string {
	if ir.decoder != nil {
		ir.decoder.Decode(data, &ir.batch, &ir.res)
		if t := ir.batch.Tables; len(ir.batch.Rows) == 1 {
			return ir.batch.Value(t[0].Schema.Fields[0].Type, t[0].Cols[0].Words[0]).String()
		}
	}
	if strings.Contains(ir.path, ".") {
		var cells map[string]any
		if json.Unmarshal(data, &cells) == nil {
			if s, ok := cells[ir.path].(string); ok {
				return s
			}
		}
	}
	return ""
}
