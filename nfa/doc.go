// Package nfa matches patterns: it compiles a checked rule into a program and
// runs the program over the events of one key at a time.
//
// A Prog is data: flat tables of predicates, tests, steps and edges that refer
// to each other by index. Prog.String prints them; golden files hold the dumps.
// Two families of machines execute it.
//
//   - The deterministic machine (det.go) runs match first and match latest,
//     where a run never forks: one run per start, moved along by each event.
//   - The forking machine (fork.go) runs match each: an automaton of waiting
//     states, in which a run forks wherever a loop may stop, an optional step
//     may be left out, or an arrow is "then any".
//
// Both are exact for every step form that the language allows under their
// policies. A faster machine may take over where Prog can prove that it gives
// the same answers; see Prog.New.
//
// Invariants: a machine has no clock, no goroutine and does no I/O; whoever
// drives it owns time. All state of a key hangs on one slab handle and holds no
// pointer. Every slot and symbol that a run holds is freed with the run. Per
// event the machines allocate nothing on the Go heap once their scratch space
// has grown.
//
// It is not the place where events are ordered, windows are kept, alerts are
// suppressed or built.
package nfa
