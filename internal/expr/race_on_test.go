//go:build race

package expr

// underRace: the race detector makes sync.Pool drop what is put back now and
// then, so that package regexp allocates its machines anew.
const underRace = true
