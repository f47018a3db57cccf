package lookup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/engine/source/option"
)

// Fetcher brings the content of one list or table from where it lives.
type Fetcher interface {
	// Fetch returns the whole content as it is now, or ErrUnchanged. What it
	// returns is complete: a fetcher that cannot be sure of that fails. It
	// serves one goroutine.
	Fetch(ctx context.Context) (Text, error)
	// Origin says where it looks, as in Text.
	Origin() string
	Close() error
}

// ErrUnchanged says that the content is the one that was fetched before.
var ErrUnchanged = errors.New("unchanged")

// Looker is a fetcher that can tell at little cost that the content may be
// another one than at the last Fetch. It is asked about every second.
type Looker interface {
	Look() bool
}

// Rememberer is a fetcher that may return ErrUnchanged. Forget makes the next
// Fetch bring the content in any case: the last one was not taken.
type Rememberer interface {
	Forget()
}

// FetcherOpener makes the fetcher of one kind. It checks the options; it
// connects to nothing yet.
type FetcherOpener func(FetcherConfig) (Fetcher, error)

// FetcherConfig is the declaration that a fetcher serves.
type FetcherConfig struct {
	Name    string
	Rules   string // the rule file, for relative paths
	Table   bool   // else a list
	From    string // the kind
	Options []dsl.Option
	Elem    cep.Type // of a list
	Key     cep.Field
	Cols    []cep.Field // of a table
}

// Text is the text without what a fetch fills in: Origin, Format, Delimiter and
// Data.
func (c *FetcherConfig) Text() Text {
	return Text{Name: c.Name, Rules: c.Rules, Table: c.Table, From: c.From}
}

// Read returns the options. Their Err has to be asked for.
func (c *FetcherConfig) Read() *option.Options {
	return option.New(c.Text().What(), c.Rules, c.Options)
}

func listConfig(ir *dsl.ListIR) FetcherConfig {
	return FetcherConfig{Name: ir.Name, Rules: ir.File, From: ir.From, Options: ir.Options, Elem: ir.Elem}
}

func tableConfig(ir *dsl.TableIR) FetcherConfig {
	return FetcherConfig{Name: ir.Name, Rules: ir.File, Table: true, From: ir.From, Options: ir.Options, Key: ir.Key, Cols: ir.Cols}
}

// ReadText reads a content to its end and fails if it is larger than MaxText.
func ReadText(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxText+1))
	if err != nil {
		return nil, err
	}
	if len(data) > MaxText {
		return nil, ErrTooLarge
	}
	return data, nil
}

// ErrTooLarge says that a content is larger than MaxText.
var ErrTooLarge = fmt.Errorf("it is larger than %d MB, the most that a list or table may be", MaxText>>20)

// FormatOf tells the format of a file or URL path by its ending, "" for one
// that says nothing.
func FormatOf(path string) string {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".json", ".ndjson", ".jsonl":
		return "json"
	case ".csv", ".tsv":
		return "csv"
	case ".txt":
		return "text"
	}
	return ""
}
