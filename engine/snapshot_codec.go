package engine

import (
	"encoding/binary"
	"fmt"

	"github.com/weir-cep/weir/internal/checkpoint"
	"github.com/weir-cep/weir/internal/slab"
	"github.com/weir-cep/weir/internal/window"
	"github.com/weir-cep/weir/nfa"
)

// metaVersion is the version of a snapshot's Meta.
const metaVersion = 1

// Layout names how the states of this build are laid out. A snapshot of
// another layout is refused.
func Layout() string {
	return fmt.Sprintf("meta %d, states %d, pages %d, windows %d, patterns %d", metaVersion, stateLayout, slab.LayoutVersion, window.LayoutVersion, nfa.LayoutVersion)
}

// metaWriter writes a snapshot's Meta: numbers as varints, texts with their
// length before them.
type metaWriter struct{ idsWriter }

func (w *metaWriter) signed(ns ...int64) {
	for _, n := range ns {
		w.b = binary.AppendVarint(w.b, n)
	}
}

func (w *metaWriter) flag(on bool) { w.number(bit(on)) }

func (w *metaWriter) bytes(b []byte) {
	w.number(uint64(len(b)))
	w.b = append(w.b, b...)
}

// words writes words of any content, 8 bytes each.
func (w *metaWriter) words(list []uint64) {
	w.number(uint64(len(list)))
	for _, x := range list {
		w.b = binary.LittleEndian.AppendUint64(w.b, x)
	}
}

// metaReader reads what metaWriter wrote.
type metaReader struct{ idsReader }

func (r *metaReader) signed() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *metaReader) flag() bool { return r.number() != 0 }

func (r *metaReader) bytes() []byte { return []byte(r.text()) }

// count is a number of things that take at least so many bytes each.
func (r *metaReader) count(least int) int {
	n := r.number()
	if n > uint64(len(r.b)/least) {
		r.bad, r.b = true, nil
		return 0
	}
	return int(n)
}

func (r *metaReader) words() []uint64 {
	n := r.count(8)
	list := make([]uint64, n)
	for i := range list {
		list[i] = binary.LittleEndian.Uint64(r.b[8*i:])
	}
	r.b = r.b[8*n:]
	return list
}

// damaged is the error for a snapshot that no engine writes.
func damaged(format string, args ...any) error {
	return &checkpoint.CorruptError{Why: fmt.Sprintf(format, args...)}
}
