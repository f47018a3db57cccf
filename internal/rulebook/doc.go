// Package rulebook keeps what people have said through the API of the rules
// that run: files that they applied, other statuses for rules, edits of lists;
// and of every rule the versions that were in force, with their texts.
//
// It is one file of the state directory, which is replaced whole: a crash leaves
// the book before a change or the one behind it. What is in it is the truth at
// the next start; a change is in force first and in the book then, so one that
// was not acknowledged may be gone, and one that was is not.
//
// It compiles and deploys nothing.
package rulebook
