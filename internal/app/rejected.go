package app

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/weir-cep/weir/engine"
	"github.com/weir-cep/weir/internal/decode"
)

// firstRejected tells of a record that became no event: where it stands, what
// is wrong with it, and, where the cause is likely to be a flag, which one.
func firstRejected(f *engine.File, base uint64, l *decode.DeadLetter) string {
	text := fmt.Sprintf("%s, record %d: %s", f.Path, base+l.Position, l.Detail)
	if l.Detail == "" {
		text = fmt.Sprintf("%s, record %d: %s", f.Path, base+l.Position, l.Reason)
	}
	if flag := missingFlag(f, l); flag != "" {
		text += "\n  = " + flag
	}
	return text
}

func missingFlag(f *engine.File, l *decode.DeadLetter) string {
	raw := bytes.TrimSpace(l.Raw)
	if f.Format == decode.JSON {
		if l.Reason == decode.BadJSON && !bytes.ContainsAny(raw, "{}") && bytes.ContainsAny(raw, ",;\t") {
			return "if the file is CSV, add --format csv"
		}
	} else if !bytes.Contains(raw, []byte{f.Delimiter}) {
		for _, d := range []string{";", "\t", "|", ","} {
			if bytes.Contains(raw, []byte(d)) {
				return fmt.Sprintf("its columns seem to be separated by %q, not %q: add --delimiter '%s'", d, string(f.Delimiter), strings.ReplaceAll(d, "\t", `\t`))
			}
		}
	}
	if field := f.TypeField; f.Type == nil && l.Reason == decode.MissingField && strings.HasPrefix(l.Detail, field+":") {
		return fmt.Sprintf("if all its events are of one type, write --events TYPE=%s; if another field holds the type, add --type-field NAME", f.Path)
	}
	return ""
}
