//go:build !amd64 && !arm64

package slab

// Prefetch does nothing on this processor.
func Prefetch(*uint64) {}
