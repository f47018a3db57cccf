package engine

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// ParseKey reads a key of a rule as people write it, and as alerts show it: its
// parts with commas between. The key of a global rule has no parts.
func ParseKey(rule *dsl.RuleIR, text string) ([]cep.Value, error) {
	if rule.Global {
		return nil, nil
	}
	parts := []string{text}
	if len(rule.Key) > 1 {
		parts = strings.Split(text, ",")
	}
	if len(parts) != len(rule.Key) {
		var names []string
		for _, k := range rule.Key {
			names = append(names, k.Name)
		}
		return nil, fmt.Errorf("the key of %s has %d parts, written with commas: %s", rule.Name, len(names), strings.Join(names, ","))
	}
	var key []cep.Value
	for i, p := range rule.Key {
		part := parts[i]
		if i > 0 {
			part = strings.TrimPrefix(part, " ")
		}
		v, err := parseKeyPart(p.Type.Required(), part)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.Name, err)
		}
		key = append(key, v)
	}
	return key, nil
}

func parseKeyPart(t cep.Type, text string) (cep.Value, error) {
	v := cep.Value{Type: t, Text: text}
	switch t.Kind {
	case cep.KindInt:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return v, fmt.Errorf("%q is no int", text)
		}
		v.Word = cep.Word(n)
	case cep.KindEnum:
		i := t.Enum.Index(text)
		if i < 0 {
			return v, fmt.Errorf("%q is not a %s: %s", text, t.Enum.Name, strings.Join(t.Enum.Words, ", "))
		}
		v.Word = cep.Word(i)
	case cep.KindIP:
		ip, err := cep.ParseIP(text)
		if err != nil {
			return v, err
		}
		v.Wide = ip
	}
	return v, nil
}
