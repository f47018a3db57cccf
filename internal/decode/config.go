package decode

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/weir-cep/weir/cep"
)

// Format is how records stand in the bytes.
type Format uint8

// The formats.
const (
	JSON Format = iota // NDJSON: one object a line
	CSV                // RFC 4180 with a header
)

// FormatOf guesses a file's format by its name: CSV for .csv and .tsv, also
// with .gz or .zst behind, else JSON.
func FormatOf(path string) Format {
	name := strings.ToLower(filepath.Base(path))
	for _, z := range []string{".gz", ".gzip", ".zst", ".zstd"} {
		name = strings.TrimSuffix(name, z)
	}
	if strings.HasSuffix(name, ".csv") || strings.HasSuffix(name, ".tsv") {
		return CSV
	}
	return JSON
}

// Limits on what comes from outside.
const (
	DefaultMaxEvent = 1 << 20  // bytes of one record
	limitMaxEvent   = 64 << 20 // the most that MaxEvent may be set to
	MaxDepth        = 128      // nesting of objects and arrays
)

// Config says what is decoded and how.
type Config struct {
	Format  Format
	Schemas []*cep.Schema // the tables of a batch are parallel to these
	// Single says that every record is of this type, one of Schemas (which may
	// be left empty then); no type field is looked at.
	Single    *cep.Schema
	TypeField string // where a record's type stands: dotted path or CSV column; default "type"
	// Need tells per schema and field whether its column is stored; nil is all,
	// also for one schema.
	// Fields that are not stored are checked all the same: what is rejected
	// does not depend on the rules.
	Need      [][]bool
	Zone      *time.Location // of time text without a zone; default UTC
	Delimiter byte           // of CSV; default ','
	Header    []string       // of CSV: the names of the columns, from Chunks.Header
	MaxEvent  int            // bytes of one record; default DefaultMaxEvent
	Chunk     int            // bytes of a chunk, about; default ChunkSize
}

// fill checks the configuration and sets its defaults.
func (c *Config) fill() error {
	if len(c.Schemas) == 0 && c.Single != nil {
		c.Schemas = []*cep.Schema{c.Single}
	}
	if len(c.Schemas) == 0 {
		return errors.New("decode: no event type")
	}
	if c.TypeField == "" {
		c.TypeField = "type"
	}
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	if c.Delimiter == 0 {
		c.Delimiter = ','
	}
	if c.MaxEvent == 0 {
		c.MaxEvent = DefaultMaxEvent
	}
	if c.MaxEvent < 1 || c.MaxEvent > limitMaxEvent {
		return fmt.Errorf("decode: the limit of a record is %d bytes, it can be 1 to %d", c.MaxEvent, limitMaxEvent)
	}
	if !validDelimiter(c.Delimiter) {
		return fmt.Errorf("decode: %q cannot delimit columns", c.Delimiter)
	}
	if c.Format == CSV && len(c.Header) == 0 {
		return errors.New("decode: CSV without a header")
	}
	if c.Need != nil && len(c.Need) != len(c.Schemas) {
		return fmt.Errorf("decode: needs for %d types, there are %d", len(c.Need), len(c.Schemas))
	}
	for i, need := range c.Need {
		if need != nil && len(need) != len(c.Schemas[i].Fields) {
			return fmt.Errorf("decode: needs for %d fields of %s, there are %d", len(need), c.Schemas[i].Name, len(c.Schemas[i].Fields))
		}
	}
	return nil
}

func validDelimiter(d byte) bool { return d < 0x80 && d != '"' && d != '\n' && d != '\r' }

// path returns where a field stands in the input.
func path(f *cep.Field) string {
	if f.Path == "" {
		return f.Name
	}
	return f.Path
}

// tag returns the value of the type field that selects a schema.
func tag(s *cep.Schema) string {
	if s.Tag == "" {
		return s.Name
	}
	return s.Tag
}
