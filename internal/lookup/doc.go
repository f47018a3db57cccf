// Package lookup holds the lists and tables that rules read: where they are
// fetched from, how their text is parsed, and how a text becomes the next
// version of the immutable snapshot (expr.Lookups) that rules see.
//
// What is outside reaches rules in three steps. A Fetcher brings the content of
// one list or table as a Text. The Text becomes a record of the journal. Apply
// makes the next snapshot of the texts of a record. A replay skips the first
// step and sees the same values at the same place: Parse and Apply depend on
// the program and the texts alone, on no file, server or clock.
//
// Invariants: a text is taken whole or not at all, so a rule never sees half a
// list; every value has the declared type, and what does not fit is an error
// with its place in the text; a snapshot never changes, and a later one has a
// higher version.
//
// It does not write the journal, and it decides nothing about when a snapshot
// takes effect. Fetchers that need a client library live in packages of their
// own (redis, web), so that a program links only what it uses. Load is the
// short way for runs over files: it reads once, straight from disk, and lists
// and tables on servers are empty.
package lookup
