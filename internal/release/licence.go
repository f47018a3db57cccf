package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// licence is a file of a module that says under what it may be used.
type licence struct {
	file string
	id   string // of SPDX; "": its text is none that we know for sure
	text []byte
}

var licenceFiles = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)([-._].*)?$`)

// licencesIn finds the licences at the top of a module.
func licencesIn(dir string) (list []licence, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if e.IsDir() || !licenceFiles.MatchString(e.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		list = append(list, licence{e.Name(), identify(text), text})
	}
	return list, nil
}

// mark are phrases that a licence has, and those that it has not.
type mark struct {
	id   string
	has  []string
	hasn []string
}

var marks = []mark{
	{"Apache-2.0", []string{"apache license version 2.0, january 2004", "grant of patent license", "limitation of liability"}, nil},
	{"MPL-2.0", []string{"mozilla public license version 2.0", "covered software"}, nil},
	{"MIT", []string{"permission is hereby granted, free of charge, to any person obtaining a copy", "the above copyright notice and this permission notice shall be included in all copies or substantial portions of the software"}, nil},
	{"ISC", []string{"permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted"}, nil},
	{"BSD-3-Clause", []string{"redistribution and use in source and binary forms, with or without modification, are permitted", "redistributions in binary form must reproduce the above copyright notice", "may be used to endorse or promote products derived from this software without specific prior written permission"}, []string{"all advertising materials"}},
	{"BSD-2-Clause", []string{"redistribution and use in source and binary forms, with or without modification, are permitted", "redistributions in binary form must reproduce the above copyright notice"}, []string{"endorse or promote", "all advertising materials"}},
}

// identify names a licence whose text is that of exactly one that we know.
// Files that hold several are left to the reader: their text goes along.
func identify(text []byte) string {
	flat := strings.ToLower(strings.Join(strings.Fields(string(text)), " "))
	found := ""
	for _, m := range marks {
		if !containsAll(flat, m.has) || containsAny(flat, m.hasn) {
			continue
		}
		if found != "" {
			return ""
		}
		found = m.id
	}
	return found
}

func containsAll(text string, phrases []string) bool {
	for _, p := range phrases {
		if !strings.Contains(text, p) {
			return false
		}
	}
	return true
}

func containsAny(text string, phrases []string) bool {
	for _, p := range phrases {
		if strings.Contains(text, p) {
			return true
		}
	}
	return false
}

// notices are the texts of all licences, which have to go along with a binary.
func notices(modules []module) []byte {
	var b bytes.Buffer
	b.WriteString("Weir contains these modules. Their licences:\n")
	for i := range modules {
		m := &modules[i]
		for _, l := range m.licences {
			fmt.Fprintf(&b, "\n%s\n%s %s: %s\n\n%s\n", strings.Repeat("=", 80), m.Path, m.Version, l.file, bytes.TrimSpace(l.text))
		}
	}
	return b.Bytes()
}
