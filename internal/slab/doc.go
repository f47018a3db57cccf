// Package slab keeps matching state in pointer-free memory: slots of words in
// pages, addressed by 32-bit handles, so that the garbage collector sees none
// of it and a checkpoint can copy pages.
//
// Arena hands out the slots, Keys finds a slot by the bytes of a key, Symbols
// numbers strings. None of them is safe for concurrent use: a shard owns its
// own.
//
// Invariant: nothing in a slot is a Go pointer. Strings live in Symbols and
// are referred to by their number. The package does not know what a slot means.
package slab
