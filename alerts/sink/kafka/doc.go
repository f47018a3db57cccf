// Package kafka sends alerts to a Kafka topic: an alert a record, its key the
// alert's key, so that the alerts of one key keep their order. Every in-sync
// replica has a record before the log's cursor passes it; a crash before that
// sends it again, and header alert_id tells.
package kafka
