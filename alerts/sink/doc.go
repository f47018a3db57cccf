// Package sink brings alerts from the log to where the rule files send them: a
// lane for each sink, which reads the log behind its cursor, sends what is
// addressed to it in the order of the log, and keeps its cursor in the log.
//
// Invariant: a lane's cursor passes an alert only when its sender has it for
// good. So an alert is sent at least once whatever crashes; senders that keep
// something beside the cursor (Resumer) make that exactly once.
//
// The package knows how to write to files and standard output. Senders that
// need a client library have packages of their own, and a program links those
// that it names in its Kinds.
package sink
