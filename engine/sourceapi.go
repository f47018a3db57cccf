package engine

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/weir-cep/weir/dsl"
)

// Opener makes a source of one kind. It checks the options; it connects to
// nothing yet.
type Opener func(SourceConfig) (Source, error)

// SourceConfig is what a source is made of.
type SourceConfig struct {
	Name   string
	IR     *dsl.SourceIR
	Zone   *time.Location // of time text without a zone
	Logger *slog.Logger
}

// Source reads one source of the rule files.
type Source interface {
	// Run reads into in until ctx ends or the input does (nil). Another error
	// is shown in the health sentence, and Run is called again after a while.
	// A source that is run again goes on behind its partitions' cursors.
	Run(ctx context.Context, in Intake) error
}

// Intake takes what a source reads.
type Intake interface {
	// Partition makes a partition of the source, or takes it up again. id is
	// its number, below cep.MaxPartitions; negative: the number that the name
	// has, or the next free one. Partitions of one source ascend separately.
	Partition(name string, id int) (Partition, error)
}

// Partition takes one ordered part of a source. It serves one goroutine.
type Partition interface {
	// Cursor is what came with the last chunk that is in the journal, nil if
	// none is. The source goes on behind it.
	Cursor() []byte
	// Put hands a chunk over. It blocks while too much waits to be worked off,
	// and returns when the chunk is on its way into the journal. An error says
	// that this chunk will not be there: ctx has ended, or ErrStalled. Behind a
	// chunk that was refused nothing of the partition enters, or there would be
	// a hole, until Intake.Partition is asked for it anew.
	Put(ctx context.Context, c Chunk) error
	// Lag says how many records still wait at the source; negative: unknown.
	Lag(records int64)
	// Reject counts something that cannot even be a record, as a dead letter.
	Reject(position, reason string, raw []byte)
	// End says that nothing more will come.
	End()
}

// Chunk is a run of complete records of one partition.
type Chunk struct {
	Data   []byte   // JSON lines or CSV rows without the header, each with its line end; not to be changed afterwards
	Header []string // of CSV
	// First is the position of the first record; negative: they are counted on
	// from those before. Every line counts, blank ones do not.
	First int64
	// Gaps say where positions were left out inside the chunk.
	Gaps []Gap
	// Cursor stands behind the chunk. It means nothing to the runtime.
	Cursor []byte
	// Durable is called when the chunk is in the journal, or with the reason
	// why it never will be; nil: nobody wants to know. It must not block.
	Durable func(error)
}

// Gap says that positions are missing before a record of a chunk.
type Gap struct {
	Record int    // number of the record in the chunk, from 0
	Skip   uint64 // positions left out before it
}

// ErrStalled says that the journal cannot be written: nothing is taken in until
// there is room on its disk again.
var ErrStalled = errors.New("the journal cannot be written")
