package dsl

import (
	"strings"
	"testing"
)

// What is larger than the limits gets an error that names the limit.
func TestSyntaxLimits(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"bytes", strings.Repeat(" ", MaxFileBytes+1), "a rule file may have at most 4 MiB"},
		{"tokens", strings.Repeat("a ", MaxTokens/2+1), "a rule file may have at most 1000000 tokens"},
		{"parentheses", "const A = " + strings.Repeat("(", MaxNesting+1), "more than 100 levels of nesting"},
		{"lists", "const A = " + strings.Repeat("[", MaxNesting+1), "more than 100 levels of nesting"},
		{"not", "predicate p on A = " + strings.Repeat("not ", MaxNesting+1) + "x", "more than 100 levels of nesting"},
		{"minus", "const A = " + strings.Repeat("-", MaxNesting+1) + "x", "more than 100 levels of nesting"},
		{"groups", "rule r { by k  pattern { " + strings.Repeat("( ", MaxNesting+1) + "A" + strings.Repeat(" )", MaxNesting+1) + " }  alert {} }", "more than 100 levels of nesting"},
		{"operators", "const A = 1" + strings.Repeat(" + 1", MaxOperators+1), "more than 10000 operators in one declaration"},
		{"dots", "const A = a" + strings.Repeat(".b", MaxOperators+1), "more than 10000 operators in one declaration"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, ds := Parse("large.cep", []byte(c.text))
			if len(ds) != 1 || ds[0].Code != "E100" || !strings.HasPrefix(ds[0].Message, c.want) || len(f.Decls) != 0 {
				t.Errorf("want one error %q, got %d:\n%.2000s", c.want, len(ds), ds.Text())
			}
		})
	}
}

// What is just within the limits is read.
func TestSyntaxWithinLimits(t *testing.T) {
	for _, text := range []string{
		"const A = " + strings.Repeat("(", MaxNesting-1) + "x" + strings.Repeat(")", MaxNesting-1),
		"const A = 1" + strings.Repeat(" + 1", MaxOperators),
		"const A = [1" + strings.Repeat(", 1", 100_000) + "]",
	} {
		f, ds := Parse("large.cep", []byte(text))
		if len(ds) > 0 || len(f.Decls) != 1 {
			t.Errorf("%s", ds.Text())
		}
		checkFormat(t, text)
	}
}
