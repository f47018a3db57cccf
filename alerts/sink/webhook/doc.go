// Package webhook posts alerts to the endpoints that sinks of kind webhook name,
// as the Standard Webhooks specification lays it down
// (https://www.standardwebhooks.com): signed, tried again on a published
// schedule, each message under one id over all its tries.
//
// Invariant: an alert for an endpoint is either behind the endpoint's cursor in
// the log, or has a delivery in its outbox; the cursor moves and the delivery
// begins in one step. So an alert arrives at least once, through crashes of
// both sides, or is dead with its reason and can be sent again.
//
// What the package is not: it never holds up the log or what matches. An
// endpoint that is slow or down makes its own outbox wait, up to a bound, and
// then its own cursor.
package webhook
