// Package lookup loads the lists and tables that rules read, from the program
// itself and from files, into one immutable snapshot (expr.Lookups).
//
// Invariants: a snapshot is loaded whole or not at all, so a rule never sees
// half a list; every value has the declared type, and what does not fit is an
// error with the file and line.
//
// It does not watch files, and it does not talk to Redis or HTTP servers: in a
// run over files, lists and tables from there are empty, and Load says so.
package lookup
