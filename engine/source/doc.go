// Package source is the folder of the kinds of sources: file, kafka and redis,
// each of them a package with an Open that makes an engine.Source. A source of
// kind http needs none: what is posted goes to Runtime.Ingest.
//
// Beside them lie what they share (option, flight) and what their tests need
// (sourcetest, servertest). This package itself holds only the test that runs
// all kinds in the runtime.
package source
