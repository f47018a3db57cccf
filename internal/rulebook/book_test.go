package rulebook

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/weir-cep/weir/dsl"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var note = Note{At: 5, By: "jd", Reason: "because"}

func inForce(*Data) error { return nil }

func TestBook(t *testing.T) {
	dir := t.TempDir()
	b, err := Open(dir)
	must(t, err)
	must(t, b.Change(func(d *Data) error {
		return errors.Join(d.Apply("a.cep", "rule a", note), d.SetStatus("r", dsl.Shadow, note), d.EditList("bad", []Edit{{Value: "x", Note: note}, {Value: "y", Remove: true, Until: 9, Note: note}}))
	}, inForce))
	// What does not come into force changes nothing, nor what is no change.
	refused := errors.New("does not compile")
	if err := b.Change(func(d *Data) error { return d.Apply("b.cep", "rule b", note) }, func(*Data) error { return refused }); !errors.Is(err, refused) {
		t.Error(err)
	}
	again, err := Open(dir)
	must(t, err)
	if !reflect.DeepEqual(again.Data(), b.Data()) || len(again.Data().Files) != 1 {
		t.Errorf("%+v and %+v", again.Data(), b.Data())
	}
	add, remove := again.Data().Values("bad")
	if strings.Join(add, " ") != "x" || strings.Join(remove, " ") != "y" || again.Data().Statuses()["r"] != dsl.Shadow {
		t.Errorf("%v %v", add, remove)
	}
	next := again.Data().clone()
	if changed, at := next.Expire(8); changed != nil || at != 9 {
		t.Error(changed, at)
	}
	if changed, at := next.Expire(9); len(changed) != 1 || at != 0 {
		t.Error(changed, at)
	}
	if len(again.Data().Lists["bad"]) != 2 {
		t.Error("a copy's change shows")
	}
	must(t, b.Change(func(d *Data) error { return d.Remove("a.cep", note) }, inForce))
}

// A book that can't be written is as it was, and what was put in force is taken
// back.
func TestNotWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gone")
	must(t, os.Mkdir(dir, 0o700))
	b, err := Open(dir)
	must(t, err)
	must(t, os.Remove(dir))
	var files []int
	err = b.Change(func(d *Data) error { return d.Apply("a.cep", "x", note) }, func(d *Data) error { files = append(files, len(d.Files)); return nil })
	if err == nil || !strings.Contains(err.Error(), "nothing is changed") || !reflect.DeepEqual(files, []int{1, 0}) || len(b.Data().Files) != 0 {
		t.Errorf("%v %v", err, files)
	}
}

func TestDamagedBook(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, FileName), []byte(`{"files":`), 0o600))
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "restore it, or remove it") {
		t.Error(err)
	}
}

func TestChangesThatMakeNoSense(t *testing.T) {
	for says, change := range map[string]func(*Data) error{
		"is no name of a rule file": func(d *Data) error { return d.Apply("../x.cep", "x", note) },
		"needs a reason":            func(d *Data) error { return d.Apply("x.cep", "x", Note{By: "jd"}) },
		"bytes long, it can be":     func(d *Data) error { return d.Apply("x.cep", strings.Repeat("x", MaxText+1), note) },
		"was applied here":          func(d *Data) error { return d.Remove("x.cep", note) },
		"there is no status":        func(d *Data) error { return d.SetStatus("r", "on", note) },
		"a value is empty":          func(d *Data) error { return d.EditList("l", []Edit{{Value: " ", Note: note}}) },
		"end before it begins":      func(d *Data) error { return d.EditList("l", []Edit{{Value: "x", Until: 3, Note: note}}) },
		"it can have": func(d *Data) error {
			d.Lists["l"] = make([]Edit, MaxEdits)
			return d.EditList("l", []Edit{{Value: "x", Note: note}})
		},
	} {
		err := change((&Data{}).clone())
		var wrong *ChangeError
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, not %q", err, says)
		}
	}
}

func TestVersions(t *testing.T) {
	d := (&Data{}).clone()
	prog := func(version string) *dsl.Program {
		return &dsl.Program{Rules: []*dsl.RuleIR{{Name: "r", Version: version, Status: dsl.Live, File: &dsl.Source{Name: "r.cep"}}}}
	}
	if !d.InForce(prog("1"), map[string]string{"r.cep": "one"}, note) || d.InForce(prog("1"), map[string]string{"r.cep": "one, with a comment"}, note) {
		t.Error("a version is noted once")
	}
	for i := range MaxVersions + 10 {
		text := strings.Repeat("x", i)
		d.InForce(prog(text), map[string]string{"r.cep": text}, note)
	}
	d.trim()
	vs := d.Versions["r"]
	if len(vs) != MaxVersions || len(d.Texts) != MaxVersions || d.Texts[vs[len(vs)-1].Text] != vs[len(vs)-1].Version {
		t.Errorf("%d versions, %d texts", len(vs), len(d.Texts))
	}
}

func FuzzName(f *testing.F) {
	for _, s := range []string{"a.cep", "..cep", "a/b.cep", ".cep", "a.cep.cep"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if CheckName(s) == nil && (filepath.Base(s) != s || strings.Count(s, ".") != 1) {
			t.Fatalf("%q", s)
		}
	})
}
