package rulebook

import (
	"encoding/hex"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/weir-cep/weir/dsl"
)

// Apply puts a rule file in.
func (d *Data) Apply(name, text string, n Note) error {
	if err := CheckName(name); err != nil {
		return err
	}
	if err := n.check(); err != nil {
		return err
	}
	_, known := d.Files[name]
	switch {
	case len(text) > MaxText:
		return bad("the rule file is %d bytes long, it can be %d", len(text), MaxText)
	case !known && len(d.Files) >= MaxFiles:
		return bad("there are %d rule files, it can be no more", MaxFiles)
	}
	d.Files[name] = File{text, n}
	return nil
}

// Remove takes a rule file out.
func (d *Data) Remove(name string, n Note) error {
	if err := n.check(); err != nil {
		return err
	}
	if _, ok := d.Files[name]; !ok {
		return bad("no rule file %q was applied here", name)
	}
	delete(d.Files, name)
	return nil
}

// SetStatus gives a rule another status.
func (d *Data) SetStatus(rule string, s dsl.Status, n Note) error {
	if err := n.check(); err != nil {
		return err
	}
	if s != dsl.Live && s != dsl.Shadow && s != dsl.Off {
		return bad("there is no status %q: live, shadow, off", s)
	}
	d.Status[rule] = Status{s, n}
	return nil
}

// Statuses are the statuses by rule.
func (d *Data) Statuses() map[string]dsl.Status {
	if len(d.Status) == 0 {
		return nil
	}
	m := map[string]dsl.Status{}
	for rule, s := range d.Status {
		m[rule] = s.Status
	}
	return m
}

// EditList puts edits of a list in, each in the place of what was said of its
// value before.
func (d *Data) EditList(list string, edits []Edit) error {
	for _, e := range edits {
		switch {
		case strings.TrimSpace(e.Value) == "":
			return bad("a value is empty")
		case len(e.Value) > MaxValue:
			return bad("a value is %d bytes long, it can be %d", len(e.Value), MaxValue)
		case e.Until != 0 && e.Until <= e.At:
			return bad("the edit of %q would end before it begins", e.Value)
		}
		if err := e.check(); err != nil {
			return err
		}
		d.Lists[list] = append(slices.DeleteFunc(d.Lists[list], func(o Edit) bool { return o.Value == e.Value }), e)
	}
	if n := len(d.Lists[list]); n > MaxEdits {
		return bad("list %s would have %d edits, it can have %d: put them into what the list is loaded from", list, n, MaxEdits)
	}
	return nil
}

// Expire takes out the edits that have ended at now, and says of which lists.
// next is when the next one ends, 0: none will.
func (d *Data) Expire(now int64) (changed []string, next int64) {
	for list, edits := range d.Lists {
		rest := slices.DeleteFunc(slices.Clone(edits), func(e Edit) bool { return e.Until != 0 && e.Until <= now })
		if len(rest) < len(edits) {
			changed = append(changed, list)
			if d.Lists[list] = rest; len(rest) == 0 {
				delete(d.Lists, list)
			}
		}
		for _, e := range rest {
			if e.Until != 0 && (next == 0 || e.Until < next) {
				next = e.Until
			}
		}
	}
	slices.Sort(changed)
	return changed, next
}

// Values are what a list has beside its own, and what it has not.
func (d *Data) Values(list string) (add, remove []string) {
	for _, e := range d.Lists[list] {
		if e.Remove {
			remove = append(remove, e.Value)
		} else {
			add = append(add, e.Value)
		}
	}
	return add, remove
}

func (n *Note) check() error {
	switch {
	case strings.TrimSpace(n.Reason) == "":
		return bad("a change needs a reason, for whoever wonders about it later")
	case len(n.Reason) > MaxReason:
		return bad("the reason is %d bytes long, it can be %d", len(n.Reason), MaxReason)
	}
	return nil
}

// InForce notes the rules of a program that has come into force; a rule whose
// last version is as it is now is passed over. texts are its files'.
func (d *Data) InForce(prog *dsl.Program, texts map[string]string, n Note) (changed bool) {
	for _, r := range prog.Rules {
		v := Version{Version: r.Version, Status: string(r.Status), Note: n}
		if r.File != nil {
			v.File = r.File.Name
		}
		if vs := d.Versions[r.Name]; len(vs) > 0 {
			last := &vs[len(vs)-1]
			if last.Version == v.Version && last.Status == v.Status && last.File == v.File {
				continue
			}
		}
		h := fnv.New128a()
		h.Write([]byte(texts[v.File]))
		v.Text = hex.EncodeToString(h.Sum(nil))
		d.Texts[v.Text] = texts[v.File]
		d.Versions[r.Name] = append(d.Versions[r.Name], v)
		changed = true
	}
	return changed
}
