// Package remote is the commands that talk to a running server: alerts,
// deliveries, silences, rules, doctor, top. Results go to the standard output,
// everything else to the other one; what the server refuses is printed with
// what to do.
//
// It knows the server by internal/client alone, and holds no logic of the
// engine's.
package remote
