//go:build unix

package nfa

import (
	"syscall"
	"testing"
)

// cpuTime is the processor time that the process has used, in nanoseconds: what
// a benchmark costs on a machine that others use too.
func cpuTime() int64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// reportEvents reports wall and processor time per event of a benchmark that
// feeds so many events in each iteration.
func reportEvents(b *testing.B, events int, start int64) {
	n := float64(b.N) * float64(events)
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/n, "ns/event")
	b.ReportMetric(float64(cpuTime()-start)/n, "cpu-ns/event")
	b.ReportMetric(0, "ns/op")
}
