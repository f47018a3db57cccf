// Package sourcetest holds an intake for tests of sources: it takes chunks as
// the runtime does and keeps them in memory.
//
// What it keeps of the contract: a chunk is durable some time after Put has
// returned, the cursor is that of the last durable one, a chunk that is refused
// takes those behind it with it until the partition is asked for anew, and Put
// blocks while too much is on its way. A Crash forgets what was on its
// way.
package sourcetest
