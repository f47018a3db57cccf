package expr

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// The canonical bytes of a key, part after part: a string is its length as an
// unsigned varint and its bytes; an enum its word, like a string, so that a
// key survives an enum that grows; an int eight bytes, big-endian, its sign
// flipped, so that bytes sort as ints do; an ip its sixteen bytes. A key of no
// parts is empty.

// Keyer appends the canonical bytes of a key.
type Keyer struct {
	parts []func(*Frame, []byte) ([]byte, bool)
}

// FieldKeyer builds the keyer of fields of the current event.
func FieldKeyer(schema *cep.Schema, fields []int) (*Keyer, error) {
	es := make([]*dsl.Expr, len(fields))
	for i, at := range fields {
		es[i] = &dsl.Expr{Op: dsl.OpField, Index: at, Type: schema.Fields[at].Type, Name: schema.Fields[at].Name}
	}
	return (&Compiler{Schema: schema}).Keyer(es)
}

// Keyer compiles a key of expressions: strings, ints, enums or ips.
func (c *Compiler) Keyer(es []*dsl.Expr) (k *Keyer, err error) {
	k = &Keyer{}
	for _, e := range es {
		part, err := c.keyPart(e)
		if err != nil {
			return nil, err
		}
		k.parts = append(k.parts, part)
	}
	return k, nil
}

// AppendKey appends the key to dst; ok is false if a part is missing or cannot
// be computed, and dst is as it was.
func (k *Keyer) AppendKey(dst []byte, f *Frame) (key []byte, ok bool) {
	n := len(dst)
	for _, part := range k.parts {
		if dst, ok = part(f, dst); !ok {
			return dst[:n], false
		}
	}
	return dst, true
}

func (c *Compiler) keyPart(e *dsl.Expr) (part func(*Frame, []byte) ([]byte, bool), err error) {
	defer c.door(e, &err)
	e = fold(e, c)
	switch e.Type.Kind {
	case cep.KindString:
		v := c.strs(e)
		part = func(f *Frame, dst []byte) ([]byte, bool) {
			s, ok := v(f)
			if !ok {
				return dst, false
			}
			return appendKeyText(dst, s), true
		}
	case cep.KindEnum:
		v, words := c.ints(e), e.Type.Enum.Words
		part = func(f *Frame, dst []byte) ([]byte, bool) {
			n, ok := v(f)
			if !ok {
				return dst, false
			}
			return appendKeyText(dst, words[n]), true
		}
	case cep.KindInt:
		v := c.ints(e)
		part = func(f *Frame, dst []byte) ([]byte, bool) {
			n, ok := v(f)
			return binary.BigEndian.AppendUint64(dst, uint64(n)^1<<63), ok
		}
	case cep.KindIP:
		v := c.wides(e)
		part = func(f *Frame, dst []byte) ([]byte, bool) {
			w, ok := v(f)
			return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(dst, w[0]), w[1]), ok
		}
	default:
		bad(e, "a key is a string, an int, an enum or an ip, not %s", e.Type)
	}
	if !c.fails && !c.borrows {
		return part, nil
	}
	inner := part
	return func(f *Frame, dst []byte) ([]byte, bool) {
		h := f.begin()
		dst, ok := inner(f, dst)
		return dst, f.end(h) && ok
	}, nil
}

func appendKeyText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// AppendKeyValue appends one part of a key from a value of its type.
func AppendKeyValue(dst []byte, v cep.Value) []byte {
	switch v.Type.Kind {
	case cep.KindString:
		return appendKeyText(dst, v.Text)
	case cep.KindEnum:
		return appendKeyText(dst, v.Type.Enum.Words[v.Word])
	case cep.KindInt:
		return binary.BigEndian.AppendUint64(dst, v.Word^1<<63)
	case cep.KindIP:
		return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(dst, v.Wide[0]), v.Wide[1])
	}
	panic(fmt.Sprintf("expr: %s in a key", v.Type))
}

// DecodeKey reads a key's values; strings are copied. It panics on bytes that
// AppendKey did not write for such parts.
func DecodeKey(key []byte, parts []dsl.KeyPart) []cep.Value {
	return ViewKey(make([]cep.Value, 0, len(parts)), bytes.Clone(key), parts)
}

// ViewKey appends a key's values to dst without copying: strings share the
// key's bytes, and change with them.
func ViewKey(dst []cep.Value, key []byte, parts []dsl.KeyPart) []cep.Value {
	for i := range parts {
		p := &parts[i]
		v := cep.Value{Type: p.Type}
		v.Type.Optional = false
		switch p.Type.Kind {
		case cep.KindString, cep.KindEnum:
			n, w := binary.Uvarint(key)
			text := view(key[w : w+int(n)])
			key = key[w+int(n):]
			if p.Type.Kind == cep.KindString {
				v.Text = text
				break
			}
			word := p.Type.Enum.Index(text)
			if word < 0 {
				panic(fmt.Sprintf("expr: %q is no %s", text, p.Type))
			}
			v.Word = cep.Word(word)
		case cep.KindInt:
			v.Word = binary.BigEndian.Uint64(key) ^ 1<<63
			key = key[8:]
		case cep.KindIP:
			v.Wide = cep.Wide{binary.BigEndian.Uint64(key), binary.BigEndian.Uint64(key[8:])}
			key = key[16:]
		}
		dst = append(dst, v)
	}
	return dst
}
