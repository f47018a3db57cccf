package engine

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// RunState lets a run over files be taken up after it was broken off, be it by
// a crash. There is no journal: the files are what is read again. At a
// checkpoint the folder holds what the rules remember, how far each file was
// worked off, and how much had been written; the same call of Run then goes on
// from there, and what comes out is what would have come without the break.
type RunState struct {
	// Dir is a folder for this run alone; the caller sees to it that nobody
	// else works in it.
	Dir string
	FS  vfs.FS // that Dir is in; nil: the system's

	// Interval is the time between two checkpoints; 0: DefaultRunInterval.
	Interval time.Duration

	// Job is what has to be the same for the run to be taken up: all that
	// decides what comes out, beside the event files and Drain, which Run looks
	// at itself.
	Job []Term

	// Mark hands everything that Emit, Late and Dead were given to the system.
	// It returns a note of how much that is, in whatever form, and a function
	// that makes it durable, which is called on another goroutine while the
	// run goes on. An error of either ends the run. It must be set.
	Mark func() (note []byte, sync func() error, err error)

	// Begin is called before anything is written; r is where the run is taken
	// up, nil if it begins anew. What was written behind r.Note is to be cut
	// off: it will come again. Not so if the run is finished. It must be set.
	Begin func(r *Resumed) error

	// Warn is told what does not end the run, such as that a checkpoint could
	// not be written. nil: nobody is.
	Warn func(error)

	// step decides in place of Interval, between any two feeds: a checkpoint is
	// due, if need be behind the one that is being written; an error breaks the
	// run off. nil: Interval decides.
	step func(writing bool) (due bool, err error)
}

// DefaultRunInterval is the time between two checkpoints of a run.
const DefaultRunInterval = 5 * time.Second

// Resumed is where a run is taken up.
type Resumed struct {
	Note     []byte    // of Mark
	At       time.Time // of the checkpoint
	Finished bool      // the run came to its end then
	Events   uint64    // worked off
	Alerts   uint64    // emitted
	Shards   int       // that the state is spread over, whatever Config.Shards says; 0 if it is finished
}

// ErrFinished says that there is nothing left to do for a run.
var ErrFinished = errors.New("the run is finished")

// ErrUnrepeatable says that an event file cannot be read a second time.
var ErrUnrepeatable = errors.New("it cannot be read again after a crash")

// Term is something that must be the same for a run to be taken up.
type Term struct {
	What  string `json:"what"`  // such as "the rule file r.cep"
	Value string `json:"value"` // for eyes, unless it is a Hash
	Hash  bool   `json:"hash,omitempty"`
}

// OtherRunError says that a state is of another run.
type OtherRunError struct {
	Differs  []string // what is not the same, as sentences without a stop
	Finished bool     // the other run came to its end
}

func (e *OtherRunError) Error() string { return "the state is of another run: " + e.What() }

// What says what differs, the first few.
func (e *OtherRunError) What() string {
	const most = 3
	text := strings.Join(e.Differs[:min(most, len(e.Differs))], "; ")
	if n := len(e.Differs) - most; n > 0 {
		text += fmt.Sprintf("; and %d more", n)
	}
	return text
}

// differences says what is not the same. Terms of one name have one value.
func differences(was, is []Term) (list []string) {
	before, now := named(was), named(is)
	var gone []string
	for _, t := range was {
		n, ok := now[t.What]
		switch {
		case !ok:
			gone = append(gone, t.What+" is not there any more")
		case n == t:
		case t.Hash:
			list = append(list, t.What+" has changed")
		default:
			list = append(list, fmt.Sprintf("%s was %s and is %s", t.What, t.Value, n.Value))
		}
	}
	for _, n := range is {
		if _, ok := before[n.What]; !ok {
			gone = append(gone, n.What+" is new")
		}
	}
	if len(list) == 0 {
		return gone
	}
	return list // what has come and gone follows from it
}

func named(list []Term) map[string]Term {
	m := map[string]Term{}
	for _, t := range list {
		m[t.What] = t
	}
	return m
}
