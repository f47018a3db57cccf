package server

import (
	"bytes"
	"mime"
	"net/http"
)

// form is how the records of a body are written.
type form uint8

const (
	formLines  form = iota // NDJSON: an object a line
	formValues             // JSON: an array of objects, or objects one after the other
	formGuess              // lines, or an array if the first byte says so
)

// formOf reads a request's Content-Type.
func formOf(r *http.Request) (form, *Error) {
	given := r.Header.Get("Content-Type")
	if given == "" {
		return formGuess, nil
	}
	kind, _, err := mime.ParseMediaType(given)
	if err != nil {
		kind = given
	}
	switch kind {
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines", "application/jsonlines":
		return formLines, nil
	case "application/json":
		return formValues, nil
	case "application/octet-stream", "text/plain", "application/x-www-form-urlencoded": // the last is what curl says if nobody tells it
		return formGuess, nil
	}
	return 0, fail(codeType, "events of type %q can't be read", given).hint("send NDJSON (application/x-ndjson) or a JSON array (application/json)")
}

// records makes lines of a body: a record each, every one with its line end.
// Line n of an array is its element n, and else line n of the body.
func records(body []byte, f form) (lines []byte, e *Error) {
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	first := blanks(body, 0)
	if first == len(body) {
		return nil, fail(codeEmpty, "there is no event in the body").hint("send NDJSON or a JSON array, like %s", `{"type":"Login","at":"2026-01-31T10:00:00Z","user":"u1"}`)
	}
	if f == formGuess && body[first] == '[' || f == formValues && !isLines(body[first:]) {
		return split(body, first)
	}
	if body[len(body)-1] != '\n' {
		body = append(body, '\n')
	}
	return body, nil
}

// blanks returns the first index at or behind i without white space of JSON.
func blanks(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r') {
		i++
	}
	return i
}

// isLines says that a body that is called JSON is an object a line: its first
// value ends in its first line.
func isLines(b []byte) bool {
	if b[0] == '[' {
		return false
	}
	end := bytes.IndexByte(b, '\n')
	if end < 0 {
		end = len(b)
	}
	v := value{b: b[:end]}
	stop, ok := v.skip(0)
	return ok && blanks(b[:end], stop) == end
}

// split writes every element of an array, or every value of several, on a line
// of its own. It looks at brackets and texts only: what is wrong inside an
// element is that record's, and only a body whose elements can't be told apart
// is refused.
func split(b []byte, i int) ([]byte, *Error) {
	out := make([]byte, 0, len(b)-i+1)
	array := b[i] == '['
	if array {
		i = blanks(b, i+1)
		if i < len(b) && b[i] == ']' {
			return nil, fail(codeEmpty, "there is no event in the array").hint("send at least one")
		}
	}
	v := value{b: b}
	for {
		end, ok := v.skip(i)
		if !ok {
			return nil, misshapen(len(b), "the body ends inside a value")
		}
		if end == i {
			return nil, misshapen(i, "a value is missing")
		}
		out = append(v.flat(out, i, end), '\n')
		i = blanks(b, end)
		switch {
		case !array && i == len(b):
			return out, nil
		case !array:
			continue
		case i < len(b) && b[i] == ',':
			i = blanks(b, i+1)
			continue
		case i < len(b) && b[i] == ']':
			if rest := blanks(b, i+1); rest < len(b) {
				return nil, misshapen(rest, "something stands behind the array")
			}
			return out, nil
		case i == len(b):
			return nil, misshapen(i, "the array does not end")
		}
		return nil, misshapen(i, "a comma is missing")
	}
}

func misshapen(at int, what string) *Error {
	return fail(codeBody, "the body is no JSON array of events: at byte %d, %s", at, what).hint("nothing of it was taken; NDJSON, an object a line, loses only the lines that are wrong")
}

// value tells where a value of JSON ends.
type value struct{ b []byte }

// skip returns where the value at i ends, by its brackets and quotes. It
// returns i where none begins, and false where the text ends inside it.
func (v value) skip(i int) (end int, ok bool) {
	depth := 0
	for i < len(v.b) {
		switch v.b[i] {
		case '"':
			if i, ok = v.text(i); !ok {
				return i, false
			}
			if depth == 0 {
				return i, true
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i, true
			}
			if depth--; depth == 0 {
				return i + 1, true
			}
		case ',', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return i, true
			}
		}
		i++
	}
	return i, depth == 0
}

// text returns where the text at i ends.
func (v value) text(i int) (end int, ok bool) {
	for i++; i < len(v.b); i++ {
		switch v.b[i] {
		case '"':
			return i + 1, true
		case '\\':
			i++
		}
	}
	return len(v.b), false
}

// flat appends a value with blanks for its line ends. One inside a text is an
// error of that record and becomes a tab, which is one too.
func (v value) flat(out []byte, i, end int) []byte {
	from := len(out)
	out = append(out, v.b[i:end]...)
	if bytes.IndexByte(out[from:], '\n') < 0 {
		return out
	}
	quoted := false
	for j := from; j < len(out); j++ {
		switch c := out[j]; {
		case c == '\\' && quoted:
			j++
		case c == '"':
			quoted = !quoted
		case c == '\n' && quoted:
			out[j] = '\t'
		case c == '\n':
			out[j] = ' '
		}
	}
	return out
}
