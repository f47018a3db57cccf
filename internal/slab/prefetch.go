//go:build amd64 || arm64

package slab

// Prefetch asks the processor to bring a cache line near, and does not wait.
//
//go:noescape
func Prefetch(p *uint64)
