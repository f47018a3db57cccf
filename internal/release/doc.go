// Command release builds what is published of a version: a static binary for
// each system and processor, archives of them, their checksums, and a bill of
// materials.
//
//	go run ./internal/release --version v0.1.0 --out dist
//	go run ./internal/release --check
//
// Who builds the same commit by the same Go version gets the same bytes,
// wherever the tree lies and whenever it is done; --check finds out. It
// publishes nothing, and signs nothing.
package main
