package server

import (
	"os"
	"strings"
	"testing"
)

// The page on the API has every route, with its role and parameters.
func TestPageOfTheAPI(t *testing.T) {
	page, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]string{}
	for _, part := range strings.Split(string(page), "\n### `")[1:] {
		name, rest, _ := strings.Cut(part, "`")
		sections[name] = rest
	}
	for _, r := range api {
		name := r.method + " " + r.path
		text, ok := sections[name]
		if !ok {
			t.Errorf("docs/api.md lacks a section %s", name)
			continue
		}
		delete(sections, name)
		if !strings.Contains(text, "Role: `"+r.role.String()+"`") {
			t.Errorf("%s: docs/api.md does not name the role %s", name, r.role)
		}
		if !strings.Contains(text, "    $ curl ") {
			t.Errorf("%s has no example", name)
		}
		for _, p := range operations[name].query {
			if !strings.Contains(text, "`"+p.name+"`") {
				t.Errorf("%s: docs/api.md does not name the parameter %s", name, p.name)
			}
		}
	}
	for name := range sections {
		t.Errorf("docs/api.md has %s, which is no route", name)
	}
}
