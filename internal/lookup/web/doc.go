// Package web fetches lists and tables over HTTP.
//
// Invariant: a fetch returns a whole answer with status 200 or fails. An answer
// that ends early is no content.
//
// It knows nothing of what the content means beyond its format: by the answer's
// Content-Type, else by the ending of the URL's path, else JSON for a table and
// text for a list.
package web
