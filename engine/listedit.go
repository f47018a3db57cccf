package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/lookup"
)

// ListEdits are what a list has beside what it holds by itself, and what it has
// not though it does. Remove wins over Add.
type ListEdits = lookup.Edits

// ErrNoList says that no rule file that runs declares such a list.
var ErrNoList = errors.New("there is no such list")

// EditList puts edits in the place of those that a list has. They take effect
// at one place of the journal, go on through deployments and refreshes of the
// list, and are part of every replay. Lists are named as they are declared;
// where several files declare one of that name, file says which, else it is "".
func (r *Runtime) EditList(ctx context.Context, file, name string, e ListEdits) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, err := r.current()
	if err != nil {
		return err
	}
	w := n.wire.Load()
	if w == nil {
		return ErrNoRules
	}
	ir, err := FindList(w.prog, file, name)
	if err != nil {
		return err
	}
	if err := w.parser.CheckEdits(ir.File, ir.Name, e); err != nil {
		return err
	}
	return n.changeText(ctx, lookup.EditsText(ir.File, ir.Name, e))
}

// FindList finds a list by its name, and by its file where that takes it.
func FindList(prog *dsl.Program, file, name string) (*dsl.ListIR, error) {
	var found []*dsl.ListIR
	for _, ir := range prog.Lists {
		if ir.Name == name && (file == "" || ir.File == file) {
			found = append(found, ir)
		}
	}
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("%w: %q", ErrNoList, name)
	case 1:
		return found[0], nil
	}
	var files []string
	for _, ir := range found {
		files = append(files, ir.File)
	}
	slices.Sort(files)
	return nil, fmt.Errorf("%d files declare a list %s, name one of them: %s", len(files), name, strings.Join(files, ", "))
}

// ListValues are the values of a list as rules see them now, as texts, up to
// limit of them; all is how many there are.
func (r *Runtime) ListValues(ctx context.Context, file, name string, limit int) (values []string, all int, err error) {
	n, err := r.current()
	if err != nil {
		return nil, 0, err
	}
	w := n.wire.Load()
	if w == nil {
		return nil, 0, ErrNoRules
	}
	ir, err := FindList(w.prog, file, name)
	if err != nil {
		return nil, 0, err
	}
	err = n.ask(ctx, func() {
		if n.lookups == nil || ir.Index >= len(n.lookups.Lists) {
			return
		}
		list := n.lookups.Lists[ir.Index]
		all = list.Len()
		values = list.Texts(limit)
	})
	return values, all, err
}

// Edited are the edits of lists as they are in force, by the names of the lists.
func (r *Runtime) Edited(ctx context.Context) (map[string]ListEdits, error) {
	n, err := r.current()
	if err != nil {
		return nil, err
	}
	all := map[string]ListEdits{}
	err = n.ask(ctx, func() {
		for _, t := range lookup.OnlyEdits(n.texts) {
			all[t.Name] = t.Edits()
		}
	})
	return all, err
}
