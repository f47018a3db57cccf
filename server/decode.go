package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"
)

// readJSON reads a body that is one JSON object into v, a pointer to a struct
// whose fields are all that the object may have.
func (s *Server) readJSON(w http.ResponseWriter, r *http.Request, v any) error {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, s.limits.JSON))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return fail(codeLarge, "the body is larger than %d bytes", s.limits.JSON).hint("it is to be one JSON object")
	case err != nil:
		return s.broken(err)
	}
	if e := decodeJSON(text, s.limits.Depth, v); e != nil {
		return e
	}
	return nil
}

// decodeJSON reads a JSON object strictly: a name that v does not have, a name
// twice, a null, or something behind the object is an error, not a thing to
// guess about.
func decodeJSON(text []byte, depth int, v any) *Error {
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return fail(codeEmpty, "there is no body").hint("send a JSON object%s", fieldsOf(v))
	}
	if !utf8.Valid(text) {
		return badJSON(v, "it is not UTF-8")
	}
	if text[0] != '{' {
		return badJSON(v, "it is no object")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if err := walk(d, reflect.TypeOf(v).Elem(), depth, ""); err != nil {
		var e *Error
		if errors.As(err, &e) {
			return e
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return badJSON(v, "it ends in the middle")
		}
		return badJSON(v, err.Error())
	}
	if _, err := d.Token(); err != io.EOF {
		return badJSON(v, "something stands behind the object")
	}
	if err := json.Unmarshal(text, v); err != nil {
		return misfit(v, err)
	}
	return nil
}

// walk goes over a value and refuses names that t does not have.
func walk(d *json.Decoder, t reflect.Type, depth int, at string) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	open, ok := token.(json.Delim)
	if !ok {
		if token == nil {
			return fail(codeBody, "%s is null", orBody(at)).hint("leave out what is not to be said")
		}
		return nil
	}
	if depth == 0 {
		return fail(codeBody, "the body nests deeper than is taken").hint("GET /api/v1/limits says how deep: json_depth")
	}
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if open == '[' {
		return walkList(d, t, depth, at)
	}
	return walkObject(d, t, depth, at)
}

func walkList(d *json.Decoder, t reflect.Type, depth int, at string) error {
	var item reflect.Type
	if t != nil && t.Kind() == reflect.Slice {
		item = t.Elem()
	}
	for i := 0; d.More(); i++ {
		if err := walk(d, item, depth-1, fmt.Sprintf("%s[%d]", at, i)); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

func walkObject(d *json.Decoder, t reflect.Type, depth int, at string) error {
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return err
		}
		name := token.(string) // the decoder lets nothing else stand there
		path := strings.TrimPrefix(at+"."+name, ".")
		if seen[name] {
			return fail(codeBody, "%s is given twice", clip(path)).hint("give it once")
		}
		seen[name] = true
		var of reflect.Type
		switch {
		case t == nil:
		case t.Kind() == reflect.Map:
			of = t.Elem()
		case t.Kind() == reflect.Struct:
			if of = fieldNamed(t, name); of == nil {
				return unknownField(t, path, name)
			}
		}
		if err := walk(d, of, depth-1, path); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

// fieldNamed is the type of the field of an exact name; nil: there is none.
func fieldNamed(t reflect.Type, name string) reflect.Type {
	for i := range t.NumField() {
		if f := t.Field(i); jsonName(&f) == name {
			return f.Type
		}
	}
	return nil
}

// jsonName is the name that a field goes by in JSON, "" if it does not.
func jsonName(f *reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	switch {
	case !f.IsExported(), name == "-":
		return ""
	case name == "":
		return f.Name
	}
	return name
}

func unknownField(t reflect.Type, path, name string) error {
	var names []string
	for i := range t.NumField() {
		f := t.Field(i)
		if n := jsonName(&f); n != "" {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	e := fail(codeBody, "there is no field %q here", clip(path))
	if near := nearest(name, names); near != "" {
		return e.hint("did you mean %q?", near)
	}
	return e.hint("there are: %s", strings.Join(names, ", "))
}

// nearest is the name that a misspelt one is closest to, "" if it is to none.
func nearest(name string, names []string) string {
	best, far := "", 3
	if len(name) > 64 {
		return ""
	}
	for _, n := range names {
		if d := edits(strings.ToLower(name), n); d < far && d < len(n) {
			best, far = n, d
		}
	}
	return best
}

// edits counts the letters to add, drop, change or swap from a to b.
func edits(a, b string) int {
	rows := [3][]int{make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)}
	for j := range rows[1] {
		rows[1][j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, now := rows[0], rows[1], rows[2]
		now[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			now[j] = min(last[j]+1, now[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				now[j] = min(now[j], before[j-2]+1)
			}
		}
		rows[0], rows[1], rows[2] = last, now, before
	}
	return rows[1][len(b)]
}

// misfit says which field has a value of another kind.
func misfit(v any, err error) *Error {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return fail(codeBody, "%s can't be %s", orBody(wrong.Field), wrong.Value).hint("it is to be %s", kindOf(wrong.Type))
	}
	return badJSON(v, err.Error())
}

// kindOf names the kind of a value in words.
func kindOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a text"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Map, reflect.Struct:
		return "an object"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number, not below 0"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "a whole number"
	}
	return "a number"
}

func badJSON(v any, why string) *Error {
	return fail(codeBody, "the body is not the JSON object that is asked for: %s", clip(why)).hint("it is to be an object%s", fieldsOf(v))
}

// fieldsOf lists the fields that an object may have.
func fieldsOf(v any) string {
	t := reflect.TypeOf(v).Elem()
	if t.Kind() != reflect.Struct || t.NumField() == 0 {
		return ""
	}
	var names []string
	for i := range t.NumField() {
		f := t.Field(i)
		if n := jsonName(&f); n != "" {
			names = append(names, n)
		}
	}
	return " with some of: " + strings.Join(names, ", ")
}

func orBody(path string) string {
	if path == "" {
		return "the body"
	}
	return clip(path)
}

// clip shortens what a client sent, for an answer that repeats it.
func clip(text string) string {
	const most = 100
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
