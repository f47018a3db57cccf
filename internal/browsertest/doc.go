// Package browsertest has the tests of the page in a real browser: a Chromium
// opens what weir serve serves, and does what people do.
//
// Invariant: whatever a browser says on its console that no test expects fails
// the test. The package holds tests alone; what they need is found by
// WEIR_TEST_CHROMIUM (else chromium in PATH) and WEIR_TEST_AXE (the file
// axe.min.js). Without them a test is skipped, or fails where
// WEIR_REQUIRE_SERVERS is 1. Pictures are kept in WEIR_TEST_ARTIFACTS.
package browsertest
