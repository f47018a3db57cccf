// Package bench holds the workloads behind every figure of docs/benchmarks.md:
//
//	go test ./bench -run '^$' -bench . -benchtime 1x
//
// prints them beside the machine's description. Figures are never asserted in
// tests. bench/gen makes event streams with planted incidents, bench/handbook
// and bench/otrf hold rules over public data that is not shipped.
package bench
