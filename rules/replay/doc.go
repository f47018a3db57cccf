// Package replay runs rules over given events with the production machines:
// the tests in rule files. It never matches by itself; what it reports is what
// the engine would have sent.
package replay
