package dsl

import (
	"strconv"
	"strings"
)

// The little English that messages and sentences need.

// plural is "1 argument", "2 arguments".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// orList is "a, b or c".
func orList(words []string) string { return joinLast(words, " or ") }

// andList is "a, b and c".
func andList(words []string) string { return joinLast(words, " and ") }

func joinLast(words []string, last string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + last + words[n-1]
	}
	return strings.Join(words, "")
}

// withArticle puts "a" or "an" before a noun.
func withArticle(noun string) string {
	if noun != "" && strings.ContainsRune("aeiouAEIO", rune(noun[0])) {
		return "an " + noun
	}
	return "a " + noun
}

// quoted puts double quotes around each word.
func quoted(words []string) []string {
	q := make([]string, len(words))
	for i, w := range words {
		q[i] = `"` + w + `"`
	}
	return q
}

func joinComma(words []string) string { return strings.Join(words, ", ") }

// place is file:line.
func place(src *Source, line int) string { return src.Name + ":" + strconv.Itoa(line) }
