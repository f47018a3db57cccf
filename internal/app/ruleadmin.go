package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/engine"
	"github.com/weir-cep/weir/internal/rulebook"
	"github.com/weir-cep/weir/server"
)

// ruleAdmin changes rules and lists when the API is asked to: what is to be so
// is put in force, and then into the rulebook.
type ruleAdmin struct {
	d    *daemon
	book *rulebook.Book
}

// load reads the rule files, and what the book says beside them.
func (a *ruleAdmin) load() (engine.RuleSet, error) { return a.compose(a.book.Data()) }

// compose is the rule set of the files and of a book. Files of the API lie
// where the first rules of the command line do, so that they can import those.
func (a *ruleAdmin) compose(b *rulebook.Data) (engine.RuleSet, error) {
	paths, texts := slices.Clone(a.d.cmd.Rules), map[string]string{}
	files, err := engine.ReadRules(dsl.Files, paths...)
	if err != nil || len(b.Files) == 0 {
		files.Status = b.Statuses()
		return files, err
	}
	for _, name := range slices.Sorted(maps.Keys(b.Files)) {
		p := a.place(name)
		if _, ok := files.Files[p]; ok {
			return engine.RuleSet{}, &rulebook.ChangeError{Why: fmt.Sprintf("the rules of %s are managed by that file: edit it, or give what the API applies another name", p)}
		}
		texts[p] = b.Files[name].Text
		paths = append(paths, p)
	}
	set, err := engine.ReadRules(engine.WithTexts(dsl.Files, texts), paths...)
	if err != nil {
		return set, err
	}
	set.Status = b.Statuses()
	return set, nil
}

// place is the path of a file of the API.
func (a *ruleAdmin) place(name string) string {
	first := a.d.cmd.Rules[0]
	if info, err := os.Stat(first); err != nil || !info.IsDir() {
		first = filepath.Dir(first)
	}
	return path.Join(filepath.ToSlash(first), name)
}

// Managed says who changes a rule file: file, or api.
func (a *ruleAdmin) Managed(file string) string {
	for name := range a.book.Data().Files {
		if a.place(name) == file {
			return "api"
		}
	}
	return "file"
}

// Book is what the API has changed, and the rules' versions.
func (a *ruleAdmin) Book() *rulebook.Data { return a.book.Data() }

// deployFiles puts a set in force that came of the files.
func (a *ruleAdmin) deployFiles(ctx context.Context, set engine.RuleSet) error {
	prog, _, err := a.d.deploy(ctx, set, a.d.carry)
	if err != nil {
		return err
	}
	return a.note(prog, set)
}

// note keeps the versions of rules that came into force by their files.
func (a *ruleAdmin) note(prog *dsl.Program, set engine.RuleSet) error {
	n := rulebook.Note{At: time.Now().UnixNano(), By: "files", Reason: "the rule files"}
	err := a.book.Change(func(b *rulebook.Data) error {
		if !b.InForce(prog, set.Files, n) {
			return errUnchanged
		}
		return nil
	}, func(*rulebook.Data) error { return nil })
	if errors.Is(err, errUnchanged) {
		return nil
	}
	return err
}

var errUnchanged = errors.New("unchanged")

// change edits the book and puts what it says then in force.
func (a *ruleAdmin) change(ctx context.Context, carry engine.Carry, n rulebook.Note, edit func(*rulebook.Data) error, may func(*dsl.Program) error) (got engine.Deployed, err error) {
	err = a.book.Change(edit, func(b *rulebook.Data) error {
		set, err := a.compose(b)
		if err != nil {
			return err
		}
		prog, err := set.Compile()
		if err != nil {
			return err
		}
		if may != nil {
			if err := may(prog); err != nil {
				return err
			}
		}
		return a.d.files.put(ctx, set, func(ctx context.Context, set engine.RuleSet) error {
			prog, done, err := a.d.deploy(ctx, set, carry)
			if err != nil {
				return err
			}
			got = done
			b.InForce(prog, set.Files, n)
			return nil
		})
	})
	return got, err
}

// audit notes a change in the trail.
func (a *ruleAdmin) audit(kind, what string, n rulebook.Note) error {
	_, err := a.d.alerts.Note(kind, what+": "+n.Reason, n.By)
	return err
}

// Check compiles a file as if it were applied, and says what is wrong with it
// and with what it would change.
func (a *ruleAdmin) Check(file, text string) (dsl.Diagnostics, error) {
	b := *a.book.Data()
	b.Files = maps.Clone(b.Files)
	if err := rulebook.CheckName(file); err != nil {
		return nil, err
	}
	b.Files[file] = rulebook.File{Text: text}
	set, err := a.compose(&b)
	if err != nil {
		return nil, err
	}
	_, err = set.Compile()
	var wrong *engine.RuleError
	if errors.As(err, &wrong) {
		return wrong.Diagnostics, nil
	}
	return nil, err
}

// Apply puts a rule file in force. Who may not put rules live may only bring
// rules in shadow.
func (a *ruleAdmin) Apply(ctx context.Context, file, text string, reset, live bool, n rulebook.Note) (engine.Deployed, error) {
	carry := a.d.carry
	if reset {
		carry = engine.Reset
	}
	got, err := a.change(ctx, carry, n, func(b *rulebook.Data) error { return b.Apply(file, text, n) }, func(prog *dsl.Program) error {
		for _, r := range prog.Rules {
			if !live && r.Status == dsl.Live && r.File != nil && r.File.Name == a.place(file) {
				return &server.RoleError{Why: fmt.Sprintf("rule %s of %s would be live: write \"status shadow\" in it, or let an approver apply it", r.Name, file)}
			}
		}
		return nil
	})
	if err != nil {
		return got, err
	}
	return got, a.audit("rules_apply", file, n)
}

// Remove takes a rule file out.
func (a *ruleAdmin) Remove(ctx context.Context, file string, n rulebook.Note) error {
	if _, err := a.change(ctx, a.d.carry, n, func(b *rulebook.Data) error { return b.Remove(file, n) }, nil); err != nil {
		return err
	}
	return a.audit("rules_remove", file, n)
}

// SetStatus puts a rule live, into shadow, or off. A rule that is off keeps no
// state.
func (a *ruleAdmin) SetStatus(ctx context.Context, rule string, s dsl.Status, n rulebook.Note) error {
	if !a.runs(rule) {
		return fmt.Errorf("%w: %q", engine.ErrNoRule, rule)
	}
	if _, err := a.change(ctx, a.d.carry, n, func(b *rulebook.Data) error { return b.SetStatus(rule, s, n) }, nil); err != nil {
		return err
	}
	return a.audit("rule_status", rule+" "+string(s), n)
}

func (a *ruleAdmin) runs(rule string) bool {
	_, prog, ok := a.d.rt.Rules()
	return ok && slices.ContainsFunc(prog.Rules, func(r *dsl.RuleIR) bool { return r.Name == rule })
}

// Rollback applies the file that a version of a rule stood in.
func (a *ruleAdmin) Rollback(ctx context.Context, rule, version string, n rulebook.Note) (engine.Deployed, error) {
	data := a.book.Data()
	vs := data.Versions[rule]
	i := slices.IndexFunc(vs, func(v rulebook.Version) bool { return v.Version == version })
	if i < 0 {
		return engine.Deployed{}, fmt.Errorf("%w: %s has no version %q that is kept", engine.ErrNoRule, rule, version)
	}
	v := vs[i]
	name := path.Base(v.File)
	if _, ok := data.Files[name]; !ok || a.place(name) != v.File {
		return engine.Deployed{}, &rulebook.ChangeError{Why: fmt.Sprintf("rule %s is managed by the file %s: roll that back", rule, v.File)}
	}
	got, err := a.change(ctx, a.d.carry, n, func(b *rulebook.Data) error { return b.Apply(name, data.Texts[v.Text], n) }, nil)
	if err != nil {
		return got, err
	}
	return got, a.audit("rule_rollback", rule+" to "+version, n)
}

// EditList puts values into a list, and takes others out, until a time, ns; 0:
// for good.
func (a *ruleAdmin) EditList(ctx context.Context, list string, add, remove []string, until int64, n rulebook.Note) error {
	var edits []rulebook.Edit
	for _, v := range add {
		edits = append(edits, rulebook.Edit{Value: v, Until: until, Note: n})
	}
	for _, v := range remove {
		edits = append(edits, rulebook.Edit{Value: v, Remove: true, Until: until, Note: n})
	}
	err := a.book.Change(func(b *rulebook.Data) error { return b.EditList(list, edits) }, func(b *rulebook.Data) error { return a.force(ctx, b, list) })
	if err != nil {
		return err
	}
	var what []string
	for _, v := range add {
		what = append(what, "+"+v)
	}
	for _, v := range remove {
		what = append(what, "-"+v)
	}
	return a.audit("list_edit", list+" "+strings.Join(what, " "), n)
}

// force puts a list's edits in force.
func (a *ruleAdmin) force(ctx context.Context, b *rulebook.Data, list string) error {
	add, remove := b.Values(list)
	return a.d.rt.EditList(ctx, "", list, engine.ListEdits{Add: add, Remove: remove})
}

// begin makes the edits in force those of the book: a crash may have come
// between the two.
func (a *ruleAdmin) begin(ctx context.Context) error {
	have, err := a.d.rt.Edited(ctx)
	if err != nil {
		return err
	}
	lists := slices.Collect(maps.Keys(have))
	lists = slices.AppendSeq(lists, maps.Keys(a.book.Data().Lists))
	slices.Sort(lists)
	for _, list := range slices.Compact(lists) {
		add, remove := a.book.Data().Values(list)
		if want := (engine.ListEdits{Add: add, Remove: remove}); reflect.DeepEqual(have[list], want) {
			continue
		}
		if err := a.force(ctx, a.book.Data(), list); errors.Is(err, engine.ErrNoList) {
			a.d.log.Warn("a list that the API has edited is not there any more; its edits wait", "list", list)
		} else if err != nil {
			return err
		}
	}
	_, prog, _ := a.d.rt.Rules()
	set, _, _ := a.d.rt.Rules()
	return a.note(prog, set)
}

// expireEvery is how late an edit of a list may end.
const expireEvery = time.Second

// expire ends edits of lists in time, until ctx ends.
func (a *ruleAdmin) expire(ctx context.Context) {
	tick := time.NewTicker(expireEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := a.expireNow(ctx, time.Now().UnixNano()); err != nil && ctx.Err() == nil {
			a.d.log.Error("edits of lists that have ended are still in force", "error", err)
		}
	}
}

// expireNow ends edits. It is in the trail before it is in the book: a crash
// between the two ends them, and says so, once more, instead of never.
func (a *ruleAdmin) expireNow(ctx context.Context, now int64) error {
	var changed []string
	said := false
	err := a.book.Change(func(b *rulebook.Data) error {
		if changed, _ = b.Expire(now); len(changed) == 0 {
			return errUnchanged
		}
		return nil
	}, func(b *rulebook.Data) error {
		for _, list := range changed {
			if err := a.force(ctx, b, list); err != nil && !errors.Is(err, engine.ErrNoList) {
				return err
			}
		}
		if said { // they are put back, as the book could not be written
			return nil
		}
		said = true
		for _, list := range changed {
			if err := a.audit("list_edit", list, rulebook.Note{By: "weir", Reason: "edits have ended"}); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, errUnchanged) {
		return nil
	}
	return err
}
