// Package dsl is the rule language: text in, checked and typed rules out.
//
//	Parse   text → File, the syntax tree, and what is wrong with it
//	Format  File → text in canonical form
//	Check   Files → Program, the typed IR, and what is wrong with it
//
// Parse reads a whole file in one pass. It gives up no more than the item,
// clause, step or declaration in which a mistake is, and a mistake whose meaning
// is plain ("=" for "==", AND for and) is reported and read as meant; so several
// mistakes give several errors, and none is only the consequence of another.
// Declarations with mistakes are left out of the File; their names are kept in
// File.Broken, so that nobody is told that they do not exist. Parse takes any
// bytes, in time that grows linearly with them, within MaxFileBytes, MaxTokens,
// MaxNesting and MaxOperators.
//
// Every node of the syntax tree has the range of bytes that it was read from.
// Lines and columns are worked out when a Diagnostic is printed.
//
// Diagnostics have stable codes (Codes) with a page and examples each: E1xx are
// errors, W2xx warnings that a comment "# allow W203" silences. They say what is
// wrong in the words of the people who write rules, where, why, and what to type.
//
// Format loses nothing: its result has the tokens and comments of the file, but
// for the order of a rule's clauses, and formatting it again changes nothing.
//
// The package ends at the IR. It knows the signatures of functions, not their
// code; how rules are executed is not its business.
package dsl
