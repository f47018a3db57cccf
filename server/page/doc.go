// Package page is the page that people look at: the alerts as they happen, one
// alert with its events and deliveries, how the pipeline does. It is files, put
// into the binary as they stand in assets; a browser runs them without a build.
//
// Invariant: the page loads nothing but what this package serves and asks only
// the server that it came from, under a policy that allows no more. Everything
// that is shown is told by the HTTP API and the feed: the page knows nothing
// that a script could not know.
//
// What it takes from others is one bundle, assets/vendor/core.js, made from
// pinned packages by check/vendor.sh. Neither building nor running Weir needs
// Node; the checks in the folder check do.
package page
