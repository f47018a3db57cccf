package engine

import (
	"github.com/weir-cep/weir/cep"
)

// Sink takes the alerts of a runtime: it is the alert log. Its sequence numbers
// count the alerts that Commit brought, from 1.
//
// The runtime makes alerts from durable records of the journal only, and would
// find them again, in the same order, from its last checkpoint on. So Commit
// need not be durable when it returns; Sync is called before a checkpoint is
// declared.
type Sink interface {
	// Commit appends alerts that were found when a record of the journal was
	// worked off. The alerts are the sink's to keep.
	Commit(journal uint64, alerts []*cep.Alert) error
	// Sync makes durable all that was committed.
	Sync() error
	// Head is the sequence number of the last alert, 0 if there is none.
	Head() uint64
	// Replay says that Commit will bring again what comes behind alert seq.
	// What the log has already is compared and not appended.
	Replay(seq uint64) error
	// Replayed ends that. missing are the alerts of the log that did not come
	// again in their place: 0, or the runtime is broken.
	Replayed() (reproduced, missing uint64)
	// PutDerived keeps the text of an alert that is an event of higher levels,
	// by its place among them; what is there already stays. Derived returns it.
	PutDerived(level uint32, position uint64, text []byte) error
	Derived(level uint32, position uint64) (text []byte, ok bool, err error)
	// Dead and Late keep a record that did not become an event, and an event
	// that came too late. They do nothing if its place is known already.
	Dead(d DeadRecord) error
	Late(l LateRecord) error
}

// DeadRecord is a record that did not become an event.
type DeadRecord = cep.DeadRecord

// LateRecord is an event that came behind the watermark.
type LateRecord = cep.LateRecord
