// Package client talks to a running server over its HTTP API.
//
// It sends a token in the Authorization header and nowhere else, and over plain
// HTTP to this machine alone. What a server refuses is an *Error, with what is
// wrong and what to do. It retries nothing but the feed, which it goes on with
// where it was.
package client
