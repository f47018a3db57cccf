// Package option reads the options of a connector: what stands in the braces
// of a source, sink, list or table of a rule file.
//
// The rule file was checked when it was compiled: names are known, values have
// the right kind. What is left to go wrong is what the surroundings hold: a
// variable that is not set, a file that is not there. Every error names the
// declaration and the option, and all of a declaration are reported at once.
//
// A secret never stands in a rule file. It comes from a file, or from the
// variable that env("NAME") names, and is read anew whenever it is asked for,
// so that a changed one is taken up by the next connection.
package option
