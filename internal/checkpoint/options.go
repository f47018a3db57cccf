package checkpoint

import (
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/sstable/block"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Options say where a store is and what it keeps.
type Options struct {
	FS  vfs.FS // nil: the system's
	Dir string

	// Keep is how many checkpoints before the newest stay; 0: none.
	Keep int
	// KeepEvery is the least time between two that stay; 0: every one does.
	KeepEvery time.Duration

	Now    func() time.Time // nil: the system's clock
	Logger *slog.Logger     // nil: nobody listens
}

func (o Options) filled() Options {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// Sizes of what is written.
const (
	tableBytes = 64 << 20  // of a table, after which the next one begins
	blockBytes = 64 << 10  // of a block: one page or two
	syncBytes  = 512 << 10 // written before the system is asked to begin writing them out
	cacheBytes = 4 << 20   // a restore reads every block once
	memBytes   = 256 << 10 // nothing is ever written into memory tables
)

// databaseFormat is the format of Pebble's files. It is raised by hand: a store
// that a newer Pebble has raised cannot be read by an older Weir.
const databaseFormat = pebble.FormatTableFormatV6

// database are the options of a Pebble database that only ever takes in tables
// that Commit wrote. Compactions run inside Commit, so every file operation
// happens in a call that can return its error.
func database(fs vfs.FS, n *notes, readOnly bool) *pebble.Options {
	po := &pebble.Options{
		FS:                          databaseFS{fs},
		FormatMajorVersion:          databaseFormat,
		DisableWAL:                  true,
		ReadOnly:                    readOnly,
		CacheSize:                   cacheBytes,
		MemTableSize:                memBytes,
		BytesPerSync:                syncBytes,
		DisableAutomaticCompactions: true,
		DisableTableStats:           true,
		L0CompactionThreshold:       1 << 20,
		L0StopWritesThreshold:       1 << 30,
		LBaseMaxBytes:               1 << 50, // one level below level 0
		MaxManifestFileSize:         1 << 50, // see reopenAfter
		MaxOpenFiles:                256,
		Logger:                      n,
		EventListener: &pebble.EventListener{
			BackgroundError: func(err error) { n.Errorf("background: %v", err) },
			DataCorruption:  func(i pebble.DataCorruptionInfo) { n.Errorf("%s is damaged: %v", i.Path, i.Details) },
		},
	}
	po.Experimental.ReadSamplingMultiplier = -1
	for i := range po.Levels {
		po.Levels[i].BlockSize = blockBytes
		po.Levels[i].Compression = func() *sstable.CompressionProfile { return compression }
	}
	for i := range po.TargetFileSizes {
		po.TargetFileSizes[i] = tableBytes
	}
	return po
}

// compression of pages: none. Snappy makes them a third smaller for twice the
// processor time (BenchmarkCheckpoint of the engine), which the disk does not
// give back.
var compression = block.NoCompression
