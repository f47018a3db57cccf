// Package simulator plays cards, logins and sensors as they would come in, with
// incidents and near misses planted every few seconds: endless, and the same for
// the same seed and start.
//
// It interleaves several streams of bench/gen, whose incidents lie minutes
// apart, each with people and cards of its own, so that time runs as fast as
// the clock and there is still something to see. It knows no clock itself.
package simulator
