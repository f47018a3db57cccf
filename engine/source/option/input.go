package option

import (
	"strings"
	"time"

	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/decode"
)

// Input are the options that every kind of source takes.
type Input struct {
	Format    decode.Format
	Delimiter byte          // of CSV
	TypeField string        // where an event's type stands
	Arrival   bool          // its rules may see rows as they come
	Idle      time.Duration // after which it is not waited for
	Dedupe    time.Duration // how long an id is remembered; 0: not at all
	MaxAhead  time.Duration // how far ahead of its arrival a row may be; 0: as far as it likes
}

// Defaults of Input.
const (
	DefaultIdle     = time.Minute
	DefaultDedupe   = time.Hour
	DefaultMaxAhead = time.Hour
)

// InputOf reads the options that every kind of source takes.
func InputOf(ir *dsl.SourceIR) (Input, error) {
	o := Source(ir)
	in := o.Input()
	return in, o.Err()
}

// Input reads the options that every kind of source takes. A format that is
// not given is guessed by the name of the file, of a file source.
func (o *Options) Input() Input {
	in := Input{
		Delimiter: o.Delimiter("delimiter", o.usualDelimiter()),
		TypeField: o.Text("type", "type"),
		Arrival:   o.Word("order", "time", "time", "arrival") == "arrival",
		Idle:      o.Duration("idle", DefaultIdle),
		Dedupe:    o.Duration("dedupe", DefaultDedupe),
		MaxAhead:  o.Duration("max_ahead", DefaultMaxAhead),
	}
	switch o.Word("format", "", "json", "csv") {
	case "csv":
		in.Format = decode.CSV
	case "":
		if o.Has("path") {
			in.Format = decode.FormatOf(o.Text("path", ""))
		}
	}
	return in
}

// usualDelimiter is a tab in the files that are named for it.
func (o *Options) usualDelimiter() byte {
	path := strings.ToLower(o.Text("path", ""))
	for _, packed := range []string{".gz", ".zst"} {
		path = strings.TrimSuffix(path, packed)
	}
	if strings.HasSuffix(path, ".tsv") {
		return '\t'
	}
	return ','
}
