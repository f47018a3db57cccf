package emit

import (
	"encoding/binary"

	"github.com/zeebo/xxh3"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/nfa"
)

// idVersion is the version of the encoding that is hashed.
const idVersion = 1

// ID is the alert's id: the hash of (rule, lineage, kind, key, first event's
// reference), under match each of all bound (step, reference) pairs in place
// of the last. The same events give the same id whenever they are read. buf is
// scratch that is returned grown.
func ID(r *dsl.RuleIR, lineage string, kind cep.MatchKind, key []byte, events []nfa.BoundEvent, buf []byte) ([16]byte, []byte) {
	buf = append(buf[:0], idVersion)
	buf = appendText(buf, r.Name)
	buf = appendText(buf, lineage)
	buf = append(buf, byte(kind))
	buf = binary.AppendUvarint(buf, uint64(len(key)))
	buf = append(buf, key...)
	if r.Policy != dsl.MatchEach {
		buf = binary.LittleEndian.AppendUint64(buf, events[0].ID)
	} else {
		for _, e := range events {
			buf = binary.AppendUvarint(buf, uint64(e.Binding))
			buf = binary.LittleEndian.AppendUint64(buf, e.ID)
		}
	}
	return xxh3.Hash128(buf).Bytes(), buf
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}
