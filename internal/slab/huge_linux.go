package slab

import (
	"syscall"
	"unsafe"
)

const (
	hugePage       = 2 << 20
	madvDontNeed   = 4
	madvHugePage   = 14
)

// wantHuge asks for huge pages where they fit into w. That it is refused
// changes nothing but speed.
func wantHuge(w []uint64) {
	b := unsafe.Slice((*byte)(unsafe.Pointer(&w[0])), len(w)*8)
	skip := -int(uintptr(unsafe.Pointer(&b[0]))) & (hugePage - 1)
	if n := (len(b) - skip) &^ (hugePage - 1); n > 0 {
		_ = syscall.Madvise(b[skip:skip+n], madvHugePage)
	}
}

// release gives the memory of a page back to the system while its addresses
// stay valid. It reports whether the page reads as zeros now.
func release(w []uint64) bool {
	b := unsafe.Slice((*byte)(unsafe.Pointer(&w[0])), len(w)*8)
	return syscall.Madvise(b, madvDontNeed) == nil
}
