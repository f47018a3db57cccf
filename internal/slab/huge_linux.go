package slab

import (
	"syscall"
	"unsafe"
)

const (
	hugePage     = 2 << 20
	madvDontNeed = 4
	madvHugePage = 14
)

// hugeWords returns zeroed words, a multiple of a huge page, that lie in huge
// pages if the system grants them. What is cut off to align them is address
// space that nothing touches.
func hugeWords(n int) []uint64 {
	w := make([]uint64, n+hugePage/8)
	skip := -int(uintptr(unsafe.Pointer(&w[0]))) & (hugePage - 1) / 8
	w = w[skip : skip+n : skip+n]
	_ = syscall.Madvise(bytesOf(w), madvHugePage) // refused: slower, nothing else
	return w
}

// release gives the memory of a page back to the system while its addresses
// stay valid. It reports whether the page reads as zeros now.
func release(w []uint64) bool {
	return syscall.Madvise(bytesOf(w), madvDontNeed) == nil
}
