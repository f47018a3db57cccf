// Package redis sends alerts to a Redis stream: an alert an entry, with the
// fields alert_id, rule, key and data, which holds the alert as JSON. What is
// sent at once is one transaction, so that no alert comes before one of its key.
// A crash between the server's answer and the log's cursor sends an alert again,
// and alert_id tells.
package redis
