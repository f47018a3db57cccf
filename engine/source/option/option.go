package option

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/weir-cep/weir/dsl"
)

// Options are the options of one declaration. The getters note what is wrong
// and return the default; Err tells it all.
type Options struct {
	what string // "source payments"
	file string // the rule file
	list []dsl.Option
	errs []error
}

// New reads the options of a declaration of a rule file; what names it in
// errors: "source payments".
func New(what, file string, list []dsl.Option) *Options {
	return &Options{what: what, file: file, list: list}
}

// Source reads a source's options.
func Source(ir *dsl.SourceIR) *Options { return New("source "+ir.Name, ir.File, ir.Options) }

// Sink reads a sink's options.
func Sink(ir *dsl.SinkIR) *Options { return New("sink "+ir.Name, ir.File, ir.Options) }

// Err joins everything that was wrong, nil if nothing was.
func (o *Options) Err() error { return errors.Join(o.errs...) }

// Bad notes an error about one option.
func (o *Options) Bad(name, format string, args ...any) {
	o.errs = append(o.errs, o.errorf(name, format, args...))
}

func (o *Options) errorf(name, format string, args ...any) error {
	return fmt.Errorf("%s: %s, option %s: %w", o.file, o.what, name, fmt.Errorf(format, args...))
}

func (o *Options) find(name string) (dsl.Option, bool) {
	i := slices.IndexFunc(o.list, func(op dsl.Option) bool { return op.Name == name })
	if i < 0 {
		return dsl.Option{}, false
	}
	return o.list[i], true
}

// Has says whether the option is given.
func (o *Options) Has(name string) bool {
	_, ok := o.find(name)
	return ok
}

// text returns the option's text, from the rule file or the variable it names.
func (o *Options) text(name string) (string, bool) {
	op, ok := o.find(name)
	if !ok {
		return "", false
	}
	if op.EnvName == "" {
		return op.Value.Text, true
	}
	v, err := variable(op.EnvName)
	if err != nil {
		o.Bad(name, "%w", err)
	}
	return v, err == nil
}

func variable(name string) (string, error) {
	v := os.Getenv(name)
	if v == "" {
		return "", fmt.Errorf("the variable %s is not set; start weir with %s=…", name, name)
	}
	return v, nil
}

// Text returns a text, def if it is not given.
func (o *Options) Text(name, def string) string {
	if v, ok := o.text(name); ok {
		return v
	}
	return def
}

// Required returns a text that must not be empty.
func (o *Options) Required(name string) string {
	n := len(o.errs)
	v := o.Text(name, "")
	if v == "" && len(o.errs) == n {
		o.Bad(name, "is empty")
	}
	return v
}

// Word returns one of words, def if it is not given.
func (o *Options) Word(name, def string, words ...string) string {
	v, ok := o.text(name)
	if !ok {
		return def
	}
	if !slices.Contains(words, v) {
		o.Bad(name, "%q is not one of %s", v, strings.Join(words, ", "))
		return def
	}
	return v
}

// Bool returns whether the option is true, def if it is not given.
func (o *Options) Bool(name string, def bool) bool {
	if op, ok := o.find(name); ok {
		return op.Value.Word != 0
	}
	return def
}

// Duration returns a duration, def if it is not given.
func (o *Options) Duration(name string, def time.Duration) time.Duration {
	if op, ok := o.find(name); ok {
		return time.Duration(op.Value.Word)
	}
	return def
}

// Count returns a whole number, def if it is not given.
func (o *Options) Count(name string, def int64) int64 {
	if op, ok := o.find(name); ok {
		return int64(op.Value.Word)
	}
	return def
}

// Texts returns a list of texts, def if it is not given. A variable holds them
// with commas between.
func (o *Options) Texts(name string, def ...string) []string {
	op, ok := o.find(name)
	if !ok {
		return def
	}
	var list []string
	if op.EnvName != "" {
		v, ok := o.text(name)
		if !ok {
			return def
		}
		list = strings.Split(v, ",")
	} else {
		for _, v := range op.Value.List {
			list = append(list, v.Text)
		}
	}
	var out []string
	for _, v := range list {
		if v = strings.TrimSpace(v); v != "" {
			out = append(out, v)
		}
	}
	if len(out) == 0 {
		o.Bad(name, "is empty")
		return def
	}
	return out
}

// Path returns a path, "" if it is not given. A relative one is meant from the
// rule file's folder; "-" stays as it is.
func (o *Options) Path(name string) string {
	v := o.Text(name, "")
	if v == "" || v == "-" || filepath.IsAbs(v) {
		return v
	}
	return filepath.Join(filepath.Dir(o.file), filepath.FromSlash(v))
}

// Delimiter returns the byte between CSV cells, def if it is not given.
func (o *Options) Delimiter(name string, def byte) byte {
	v, ok := o.text(name)
	if !ok {
		return def
	}
	if len(v) != 1 || v[0] >= 0x80 || strings.ContainsAny(v, "\"\r\n") {
		o.Bad(name, "a delimiter is one ASCII character and no quote or line end, not %q", v)
		return def
	}
	return v[0]
}
