package server

import (
	"time"

	"github.com/weir-cep/weir/alerts"
	"github.com/weir-cep/weir/alerts/feed"
	"github.com/weir-cep/weir/alerts/sink/webhook"
	"github.com/weir-cep/weir/internal/access"
)

// limitsTable is every limit that is published: of requests, of the feed, of
// webhooks and of what people make of alerts.
func (s *Server) limitsTable() []Limit {
	f := feed.DefaultLimits
	if s.feed != nil {
		f = s.feed.Limits()
	}
	return append(s.limits.Table(), partsTable(f)...)
}

// partsTable is the limits that are not of requests.
func partsTable(f feed.Limits) []Limit {
	seconds := func(d time.Duration) int64 { return int64(d / time.Second) }
	return []Limit{
		{"tokens", access.MaxTokens, "tokens", "tokens of a file", "the file is refused; the tokens from before are in force"},
		{"stream_clients", int64(f.Clients), "clients", "clients that watch the feed", "429 with Retry-After"},
		{"stream_subscriptions", int64(f.Subs), "subscriptions", "subscriptions of a client of the feed", "an error message; the others go on"},
		{"stream_message", maxClientMessage, "bytes", "a message from a client of the feed", "the connection is closed, code 1009"},
		{"stream_page", int64(f.Page), "alerts", "alerts in a message of the feed", "the next message has the rest"},
		{"stream_snapshot", int64(f.Snapshot), "alerts", "alerts in a snapshot", "the newest are in it"},
		{"stream_behind", int64(f.Behind), "alerts", "alerts that a client of the feed may fall behind once it was up to date", "it is told of the gap, and goes on with the newest"},
		{"stream_auth", seconds(streamAuth), "seconds", "time until a client of the feed has said who it is", "the connection is closed, code 1008"},
		{"stream_write", seconds(streamWrite), "seconds", "time in which a client of the feed takes a message", "the connection is closed"},
		{"stream_pong", seconds(streamPong), "seconds", "time without a word from a client of the feed; answers to pings count", "the connection is closed"},
		{"silences", alerts.MaxSilences, "silences", "silences, those that have ended included", "the oldest that has ended makes room; 400 if none has"},
		{"triage", alerts.MaxActed, "alerts", "alerts of one request for triage", "400"},
		{"comment", alerts.MaxComment, "bytes", "a comment, or the reason of a silence", "400"},
		{"webhook_tries", webhook.MaxWidth, "tries", "tries at once of a webhook", "further messages wait"},
		{"webhook_pending", webhook.MaxPending, "messages", "messages of a webhook that wait", "further alerts wait in the log"},
		{"webhook_kept", webhook.KeepSettled, "messages", "messages of a webhook that are kept when they were delivered or given up", "the oldest goes, counted if it was never delivered"},
		{"webhook_body", webhook.MaxBody, "bytes", "body of a message to a webhook", "evidence is left out from the middle, counted in events_omitted"},
		{"webhook_attempts", alerts.MaxAttempts, "tries", "tries of a message that are kept", "the oldest goes; all are counted"},
		{"webhook_answer", alerts.MaxResponse, "bytes", "an answer of a receiver that is kept", "the rest is not"},
	}
}
