package expr

import (
	"encoding/binary"
	"strings"
	"unsafe"

	"github.com/weir-cep/weir/cep"
)

// A list that outlives its batch is one string, so that it can be a symbol:
// its count in four bytes, then its elements. Words take eight bytes each,
// wide values sixteen; strings are a table of four-byte ends and their bytes,
// so that any element is found at once. Integers are little-endian.

// view sees bytes as a string without copying them.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

func appendBatchList(dst []byte, b *cep.Batch, w cep.Word, elem cep.Kind) []byte {
	words := b.List(w)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(words)))
	switch elem {
	case cep.KindString:
		end := uint32(0)
		for _, w := range words {
			end += uint32(w)
			dst = binary.LittleEndian.AppendUint32(dst, end)
		}
		for _, w := range words {
			dst = append(dst, b.Str(w)...)
		}
	case cep.KindIP, cep.KindPoint:
		for _, w := range words {
			wide := b.Wide[w]
			dst = binary.LittleEndian.AppendUint64(dst, wide[0])
			dst = binary.LittleEndian.AppendUint64(dst, wide[1])
		}
	default:
		for _, w := range words {
			dst = binary.LittleEndian.AppendUint64(dst, w)
		}
	}
	return dst
}

// le32 and le64 read an integer of an encoded list.
func le32(s string, at int) uint32 {
	return binary.LittleEndian.Uint32(unsafe.Slice(unsafe.StringData(s[at:]), 4))
}

func le64(s string, at int) uint64 {
	return binary.LittleEndian.Uint64(unsafe.Slice(unsafe.StringData(s[at:]), 8))
}

func encodedLen(s string) int { return int(le32(s, 0)) }

func encodedWord(s string, i int) uint64 { return le64(s, 4+8*i) }

func encodedWide(s string, i int) cep.Wide { return cep.Wide{le64(s, 4+16*i), le64(s, 12+16*i)} }

func encodedText(s string, i int) string {
	base := 4 + 4*encodedLen(s)
	start := 0
	if i > 0 {
		start = int(le32(s, 4*i))
	}
	return s[base+start : base+int(le32(s, 4+4*i))]
}

// decodeList copies an encoded list.
func decodeList(s string, elem cep.Type) []cep.Value {
	vs := make([]cep.Value, encodedLen(s))
	for i := range vs {
		vs[i].Type = elem
		switch {
		case elem.Kind == cep.KindString:
			vs[i].Text = strings.Clone(encodedText(s, i))
		case elem.Wide():
			vs[i].Wide = encodedWide(s, i)
		default:
			vs[i].Word = encodedWord(s, i)
		}
	}
	return vs
}

// WideBytes is the 16-byte form in which an ip or a point becomes a symbol or
// part of a key: its two words, big-endian, a point's zeros without a sign.
func WideBytes(w cep.Wide, kind cep.Kind) (b [16]byte) {
	if kind == cep.KindPoint {
		w = plusZero(w)
	}
	binary.BigEndian.PutUint64(b[:8], w[0])
	binary.BigEndian.PutUint64(b[8:], w[1])
	return b
}

// WideFromBytes reads what WideBytes wrote.
func WideFromBytes(s string) cep.Wide {
	b := unsafe.Slice(unsafe.StringData(s), 16)
	return cep.Wide{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
}

// plusZero gives the halves of a point that are -0 no sign, so that equal
// points have equal words.
func plusZero(w cep.Wide) cep.Wide {
	for i := range w {
		if w[i] == 1<<63 {
			w[i] = 0
		}
	}
	return w
}
