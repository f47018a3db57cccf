package app

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/weir-cep/weir/dsl"
)

// load compiles rule files. Errors in them are printed and end the command
// with exit code 2; warnings are left to lint.
func load(s Streams, paths []string) (*dsl.Program, error) {
	prog, ds, err := dsl.Load(dsl.Files, paths...)
	if err != nil {
		return nil, err
	}
	if ds.HasErrors() {
		fmt.Fprint(s.Err, only(ds, dsl.LevelError).Text())
		fmt.Fprintf(s.Err, "\n%s\n", summary(ds))
		return nil, exitError(exitRules)
	}
	return prog, nil
}

// only keeps the diagnostics of one level.
func only(ds dsl.Diagnostics, level dsl.Level) (out dsl.Diagnostics) {
	for _, d := range ds {
		if d.Level == level {
			out = append(out, d)
		}
	}
	return out
}

// summary counts: "2 errors, 1 warning".
func summary(ds dsl.Diagnostics) string {
	var parts []string
	if n := len(only(ds, dsl.LevelError)); n > 0 {
		parts = append(parts, plural(n, "error"))
	}
	if n := len(only(ds, dsl.LevelWarning)); n > 0 {
		parts = append(parts, plural(n, "warning"))
	}
	return strings.Join(parts, ", ")
}

// plural writes "1 rule", "2 rules".
func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return grouped(uint64(n)) + " " + what + "s"
}

// writeJSON prints v as indented JSON.
func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
