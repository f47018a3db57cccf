package expr

import (
	"sync/atomic"

	"github.com/weir-cep/weir/cep"
)

// Lookups are the params, lists and tables of a program in one version. A
// snapshot never changes; a new version is a new snapshot.
type Lookups struct {
	Version uint64
	Params  []*Param // by ParamIR.Index
	Lists   []*List  // by ListIR.Index
	Tables  []*Table // by TableIR.Index
}

// Param is the value of a tuning knob.
type Param struct {
	Value    cep.Value
	List     *List // of a param that is a list
	patterns patternCache
}

// NewParam makes a param.
func NewParam(v cep.Value) *Param {
	p := &Param{Value: v}
	if v.Type.Kind == cep.KindList && !v.Missing {
		p.List = NewList(*v.Type.Elem, v.List)
	}
	return p
}

// List is a set of values of one type, for membership and as the patterns of a
// string operator.
type List struct {
	Elem     cep.Type
	values   []cep.Value
	texts    map[string]struct{}
	words    map[cep.Word]struct{}
	wide     map[cep.Wide]struct{}
	nets     Nets
	noNets   bool // strings that are not all networks
	patterns patternCache
}

// Texts are the first of the list's values, as messages print them, up to limit.
func (l *List) Texts(limit int) []string {
	var texts []string
	for _, v := range l.values[:min(limit, len(l.values))] {
		texts = append(texts, string(v.AppendText(nil)))
	}
	return texts
}

// NewList builds a list. It keeps values.
func NewList(elem cep.Type, values []cep.Value) *List {
	l := &List{Elem: elem.Required(), values: values}
	switch familyOf(elem.Kind) {
	case texts:
		l.texts = make(map[string]struct{}, len(values))
		for _, v := range values {
			l.texts[v.Text] = struct{}{}
		}
		l.findNets()
	case wides:
		l.wide = make(map[cep.Wide]struct{}, len(values))
		for _, v := range values {
			if v.Type.Wide() {
				l.wide[wideKey(v)] = struct{}{}
			}
		}
	default:
		l.words = make(map[cep.Word]struct{}, len(values))
		for _, v := range values {
			l.words[plainZero(v.Word, elem.Kind)] = struct{}{}
		}
	}
	return l
}

// NewNetList builds a list that ips are looked up in: its values are ips, and
// strings that name networks ("10.0.0.0/8") or addresses. It fails with the
// first value that is neither.
func NewNetList(elem cep.Type, values []cep.Value) (*List, error) {
	nets, err := NewNets(values)
	if err != nil {
		return nil, err
	}
	l := NewList(elem, values)
	l.nets, l.noNets = nets, false
	return l, nil
}

// findNets reads a list of strings as networks if it looks like one.
func (l *List) findNets() {
	if len(l.values) == 0 {
		return
	}
	l.noNets = true
	if _, ok := readNet(l.values[0].Text); !ok {
		return
	}
	if nets, err := NewNets(l.values); err == nil {
		l.nets, l.noNets = nets, false
	}
}

// plainZero gives a number that is -0 no sign.
func plainZero(w cep.Word, k cep.Kind) cep.Word {
	if k == cep.KindNumber && w == 1<<63 {
		return 0
	}
	return w
}

// Len is the number of values, repeated ones counted.
func (l *List) Len() int { return len(l.values) }

// Values are the list's values, not to be changed.
func (l *List) Values() []cep.Value { return l.values }

// HasText, HasWord and HasWide test membership, by the family of the list's
// elements.
func (l *List) HasText(s string) bool   { _, ok := l.texts[s]; return ok }
func (l *List) HasWord(w cep.Word) bool { _, ok := l.words[w]; return ok }
func (l *List) HasWide(w cep.Wide) bool { _, ok := l.wide[w]; return ok }

// HasIP says whether an address is an element or lies in a network of the list.
func (l *List) HasIP(w cep.Wide) bool { return l.HasWide(w) || l.nets.Has(w) }

// patternCache holds the compiled patterns of a list or param, by operator. It
// is filled when an operator first meets the snapshot.
type patternCache [textOps]atomic.Pointer[matcher]
