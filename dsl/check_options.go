package dsl

import (
	"slices"
	"strings"

	"github.com/weir-cep/weir/cep"
)

// options checks the braces of a source, sink, list or table against what its
// kind takes.
func (u *unit) options(what string, kinds map[string]optionTable, kind Ident, c Config) []Option {
	table, ok := kinds[kind.Name]
	if !ok {
		u.report("E122", kind.Span, "there is no %s of kind %q", what, kind.Name).didYouMean(kind.Name, kindNames(kinds))
		return nil
	}
	var opts []Option
	for _, it := range c.Items {
		spec, ok := table[it.Name.Name]
		if !ok {
			f := u.report("E122", it.Name.Span, "%s has no option %q", kind.Name, it.Name.Name).didYouMean(it.Name.Name, table.names())
			if _, takes := table["secret_file"]; takes && isSecret(it.Name.Name) {
				f.here("secrets are never written in a rule file").fix(`secret_file: "…"`)
			}
			continue
		}
		if slices.ContainsFunc(opts, func(o Option) bool { return o.Name == it.Name.Name }) {
			u.report("E114", it.Name.Span, "%q is given twice", it.Name.Name).here("the second time")
			continue
		}
		if o, ok := u.option(it, spec); ok {
			opts = append(opts, o)
		}
	}
	for _, name := range table.names() {
		if table[name].required && !slices.ContainsFunc(c.Items, func(it ConfigItem) bool { return it.Name.Name == name }) {
			u.report("E114", kind.Span, "%s %s without %q", withArticle(kind.Name), what, name).here("which?").note("%s: %s", name, table[name].doc)
		}
	}
	return opts
}

func isSecret(name string) bool {
	return strings.Contains(name, "password") || strings.Contains(name, "secret") || strings.Contains(name, "token")
}

// option checks one value.
func (u *unit) option(it ConfigItem, spec optionSpec) (Option, bool) {
	o := Option{Name: it.Name.Name, Span: it.Span}
	if call, ok := it.Value.(*CallNode); ok && call.Func.Name == "env" && spec.kind != optBool && spec.kind != optDuration && spec.kind != optCount {
		if len(call.Args) == 1 {
			if name, ok := call.Args[0].(*Lit); ok && name.Kind == LitString && name.Str != "" {
				o.EnvName = name.Str
				return o, true
			}
		}
		u.report("E122", call.Span, "env takes the name of a variable").here("like env(\"NAME\")")
		return o, false
	}
	var ok bool
	var want string
	switch spec.kind {
	case optText:
		o.Value, ok = textValue(it.Value)
		want = "a text"
	case optBool:
		n, isName := it.Value.(*Name)
		ok = isName && (n.Name == "true" || n.Name == "false")
		o.Value = cep.Value{Type: boolType}
		if ok && n.Name == "true" {
			o.Value.Word = 1
		}
		want = "true or false"
	case optDuration:
		l, isLit := it.Value.(*Lit)
		if ok = isLit && l.Kind == LitDuration; ok {
			o.Value = cep.Value{Type: durationType, Word: cep.Word(l.Int)}
		}
		want = "a duration such as 1m"
	case optCount:
		l, isLit := it.Value.(*Lit)
		if ok = isLit && l.Kind == LitInt && l.Int > 0; ok {
			o.Value = cep.Int(l.Int)
		}
		want = "a whole number above 0"
	case optTexts:
		o.Value, ok = textsValue(it.Value)
		want = "a text or a list of texts"
	case optWord:
		o.Value, ok = wordValue(it.Value)
		if ok && !slices.Contains(spec.words, o.Value.Text) {
			u.report("E122", it.Value.NodeSpan(), "%q is not one of %s", o.Value.Text, orList(spec.words)).didYouMean(o.Value.Text, spec.words)
			return o, false
		}
		want = orList(spec.words)
	}
	if !ok {
		u.report("E103", it.Value.NodeSpan(), "%s: %s is wanted", it.Name.Name, want).here("%s", spec.doc)
	}
	return o, ok
}

func textValue(n Node) (cep.Value, bool) {
	l, ok := n.(*Lit)
	if !ok || l.Kind != LitString {
		return cep.Value{}, false
	}
	return cep.Value{Type: stringType, Text: l.Str}, true
}

func wordValue(n Node) (cep.Value, bool) {
	if name, ok := n.(*Name); ok {
		return cep.Value{Type: stringType, Text: name.Name}, true
	}
	return textValue(n)
}

func textsValue(n Node) (cep.Value, bool) {
	l, ok := n.(*ListNode)
	if !ok {
		v, ok := textValue(n)
		return texts(v.Text), ok
	}
	var all []string
	for _, it := range l.Items {
		v, ok := textValue(it)
		if !ok {
			return cep.Value{}, false
		}
		all = append(all, v.Text)
	}
	return texts(all...), true
}
