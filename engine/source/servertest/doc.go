// Package servertest gives tests real servers: those that .ci/servers has
// started, and servers of a test's own, to stop, kill and start again. A Proxy
// stands for a network that can be cut.
//
// A test that needs a server which is not there is skipped, or fails if
// WEIR_REQUIRE_SERVERS is 1. Servers of its own die with the test's process,
// whatever becomes of it.
package servertest
