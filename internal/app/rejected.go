package app

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"

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
	if raw := shown(l.Raw); raw != "" {
		text += "\n  | " + raw
	}
	if fix := likelyFix(f, l); fix != "" {
		text += "\n  = " + fix
	}
	return text
}

// shownRaw is how much of a rejected record is shown, characters.
const shownRaw = 94

// shown is the beginning of a record, safe to print on a terminal.
func shown(record []byte) string {
	text := []rune(strings.ToValidUTF8(string(bytes.TrimSpace(record)), "?"))
	if len(text) > shownRaw {
		text = append(text[:shownRaw:shownRaw], '…')
	}
	for i, r := range text {
		if unicode.IsControl(r) {
			text[i] = ' '
		}
	}
	return string(text)
}

// likelyFix is the flag or text that probably mends it, "" if none is likely.
func likelyFix(f *engine.File, l *decode.DeadLetter) string {
	raw := bytes.TrimSpace(l.Raw)
	if f.Format == decode.JSON {
		switch {
		case l.Reason != decode.BadJSON:
		case bytes.HasPrefix(raw, []byte("[")):
			return "each line must be one object, not an array of them: jq -c '.[]' writes them so"
		case bytes.HasPrefix(raw, []byte("{")) && !bytes.HasSuffix(raw, []byte("}")):
			return "an object must stand on one line: jq -c . writes it so"
		case !bytes.ContainsAny(raw, "{}") && bytes.ContainsAny(raw, ",;\t"):
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
	if field, _, ok := strings.Cut(l.Detail, ":"); ok && f.Format == decode.CSV && l.Reason == decode.MissingField {
		return fmt.Sprintf("a column of another name is read with  %s: TYPE from \"COLUMN\";  a field that may be empty is TYPE?", field)
	}
	return ""
}
