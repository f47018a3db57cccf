package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"text/template"

	"github.com/weir-cep/weir/engine/source/option"
)

// shape makes the body that is posted of a message.
type shape interface {
	// body returns the bytes and their content type. An error says that this
	// message can't be sent.
	body(m *message) ([]byte, string, error)
}

const jsonType = "application/json"

// plain is the body as the specification has it.
type plain struct{}

func (plain) body(m *message) ([]byte, string, error) { return m.body(), jsonType, nil }

// maxTemplate bounds a template file and what it makes, bytes.
const maxTemplate = 1 << 20

// shapeOf reads the option template: a name of a bundled one, or a file. chat
// says that people read what it makes, so a storm of alerts is gathered.
func shapeOf(o *option.Options) (s shape, chat bool, err error) {
	switch name := o.Text("template", ""); name {
	case "":
		return plain{}, false, nil
	case "slack":
		return slack{}, true, nil
	case "email":
		return email{}, true, nil
	case "pagerduty":
		key := o.Secret("routing_key_file")
		if !key.Given() {
			return nil, false, errors.New("PagerDuty needs a routing key: add routing_key_file: \"FILE\", or env(\"NAME\")")
		}
		return pagerduty{key.Read}, true, nil
	default:
		s, err := fileShape(o.Path("template"))
		return s, false, err
	}
}

// custom is a template of the user's own: Go's text/template over the message,
// which must make JSON.
type custom struct{ t *template.Template }

func fileShape(path string) (shape, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("%w; the bundled templates are slack, pagerduty and email", err)
	}
	if info.Size() > maxTemplate {
		return nil, fmt.Errorf("%s is longer than %d bytes", path, maxTemplate)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseShape(filepath.Base(path), string(text))
}

func parseShape(name, text string) (shape, error) {
	t, err := template.New(name).Option("missingkey=zero").Funcs(template.FuncMap{
		// json writes a value as JSON, texts with their quotes.
		"json": func(v any) (string, error) {
			b, err := json.Marshal(v)
			return string(b), err
		},
	}).Parse(text)
	if err != nil {
		return nil, err
	}
	s := custom{t}
	// What a template makes of no alert in particular shows most mistakes.
	if _, _, err := s.body(sample("test")); err != nil {
		return nil, err
	}
	return s, nil
}

func (c custom) body(m *message) ([]byte, string, error) {
	v, err := m.fields()
	if err != nil {
		return nil, "", err
	}
	var out bounded
	if err := c.t.Execute(&out, v); err != nil {
		return nil, "", err
	}
	if !json.Valid(out.Bytes()) {
		return nil, "", fmt.Errorf("template %s makes no JSON: %.200s", c.t.Name(), out.String())
	}
	return out.Bytes(), jsonType, nil
}

// fields are the message as a template sees it.
func (m *message) fields() (map[string]any, error) {
	var data map[string]any
	d := json.NewDecoder(bytes.NewReader(m.Data))
	d.UseNumber()
	if err := d.Decode(&data); err != nil {
		return nil, fmt.Errorf("read the message: %w", err)
	}
	return map[string]any{"type": m.Type, "id": m.ID, "timestamp": stamp(m.At), "data": data}, nil
}

// bounded is a buffer that refuses more than a body may have.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxTemplate {
		return 0, fmt.Errorf("the template makes more than %d bytes", maxTemplate)
	}
	return b.Buffer.Write(p)
}
