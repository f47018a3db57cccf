// Package emit builds alerts: it compiles the alert block of a rule and, for a
// match, evaluates severity, score, message, labels and fields into a
// cep.Alert with its stable id.
//
// Invariant: an alert is a function of the rule, the match and what can be
// read as of its time; building it twice gives the same bytes. It decides
// neither whether an alert is raised nor what becomes of it.
package emit
