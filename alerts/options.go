package alerts

import (
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Options say where a log is kept and what stays in it. FS and Dir are needed.
type Options struct {
	FS  vfs.FS
	Dir string

	// Keep is how many alerts stay at most; the oldest go first. 0 is
	// DefaultKeep, negative: no limit of that kind.
	Keep int64
	// KeepAge is how long an alert stays after it was logged; 0: no limit of
	// that kind.
	KeepAge time.Duration
	// KeepBehind is how many alerts stay at most where a reader has not seen
	// the oldest yet (Hold), whatever the two limits above say. 0 is four times
	// Keep.
	KeepBehind int64
	// CleanEvery is how often the limits are applied; 0 is DefaultCleanEvery,
	// negative: only when Clean is called.
	CleanEvery time.Duration

	// KeepDead and KeepLate are how many dead letters and late events stay;
	// the oldest go first. 0 is DefaultKeepDead.
	KeepDead, KeepLate int

	// KeepActions is how many entries of the audit trail stay; the oldest go
	// first. 0 is DefaultKeepActions.
	KeepActions int64

	Now    func() time.Time // the clock that KeepAge goes by; nil: the machine's
	Logger *slog.Logger     // nil: nothing is logged

	pause time.Duration // between tries of a write that fails, see patient.New
	grace time.Duration // how long a write is waited for before it is ErrStalled; 0: defaultGrace
}

// What is kept where nothing is said.
const (
	DefaultKeep     = 10_000_000
	DefaultKeepDead = 100_000

	DefaultKeepActions = 1_000_000

	DefaultCleanEvery = time.Minute
)

// defaultGrace lets pass what a disk has at times.
const defaultGrace = 2 * time.Second

func (o *Options) defaults() {
	if o.grace == 0 {
		o.grace = defaultGrace
	}
	if o.Keep == 0 {
		o.Keep = DefaultKeep
	}
	if o.KeepBehind == 0 {
		o.KeepBehind = 4 * o.Keep
	}
	if o.CleanEvery == 0 {
		o.CleanEvery = DefaultCleanEvery
	}
	if o.KeepDead == 0 {
		o.KeepDead = DefaultKeepDead
	}
	if o.KeepLate == 0 {
		o.KeepLate = DefaultKeepDead
	}
	if o.KeepActions == 0 {
		o.KeepActions = DefaultKeepActions
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
}
