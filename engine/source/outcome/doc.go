// Package outcome turns what analysts say of alerts into events: whenever an
// alert is closed with an outcome, or a closed one gets another, rules that
// read the built-in type Outcome get an event.
//
// Invariant: the number of the action is the cursor that the journal keeps with
// the event, so an action becomes one event, whatever is killed in between.
// Actions that the audit trail no longer keeps, and alerts that the log no
// longer keeps, become none.
//
// It is not a source that rule files can name: a program that reads Outcome
// and has no source that carries it is given this one.
package outcome
