package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/client"
)

type rulesApplyCmd struct {
	target
	format
	Reason string   `placeholder:"TEXT" help:"Why, for the audit trail; only --check needs none."`
	Carry  string   `enum:"keep,reset" default:"keep" help:"What happens to the state of a rule that was changed: keep it where it fits, or reset it."`
	Check  bool     `help:"Compile them on the server and change nothing."`
	Files  []string `arg:"" help:"Rule files. A server knows a file by its name without its folder."`
}

func (rulesApplyCmd) Help() string {
	return `A file that does not compile is refused, and what runs goes on: exit code 2. A file has a name of its own beside
those that the server was started with, and imports the events that they declare: import "pay.cep".

Example:
  weir rules diff cards.cep && weir rules apply cards.cep --reason 'limit raised, case 4711'`
}

// Run is the command.
func (c rulesApplyCmd) Run(ctx context.Context, s IO) error {
	if c.Reason == "" && !c.Check {
		return errors.New("--reason is missing: say why, for the audit trail")
	}
	cl, err := c.open()
	if err != nil {
		return err
	}
	texts := make([]string, len(c.Files))
	for i, path := range c.Files {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		texts[i] = string(text)
	}
	for i, path := range c.Files { // none is changed while one is wrong
		if err := check(ctx, cl, s, filepath.Base(path), texts[i]); err != nil {
			return err
		}
	}
	if c.Check {
		return nil
	}
	for i, path := range c.Files {
		name := filepath.Base(path)
		raw, err := cl.ApplyRules(ctx, client.Apply{File: name, Text: texts[i], Reason: c.Reason, Carry: c.Carry})
		if err != nil {
			return err
		}
		if c.json() {
			err = writeJSON(s.Out, raw)
		} else {
			_, err = fmt.Fprintf(s.Out, "%s is in force\n", clean(name))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// finding is a diagnostic as the server has it.
type finding struct {
	Code     string   `json:"code"`
	Severity string   `json:"severity"` // error, warning
	File     string   `json:"file"`
	Line     int      `json:"line"`
	Column   int      `json:"column"`
	Message  string   `json:"message"`
	Notes    []string `json:"notes"`
	Fix      []string `json:"fix"`
}

func (f *finding) String() string {
	text := fmt.Sprintf("%s:%d:%d: %s[%s]: %s", f.File, f.Line, f.Column, f.Severity, f.Code, f.Message)
	for _, n := range f.Notes {
		text += "\n   = " + n
	}
	for _, x := range f.Fix {
		text += "\n   = fix: " + x
	}
	return text
}

// check has the server compile a file, and prints what it finds.
func check(ctx context.Context, cl *client.Client, s IO, name, text string) error {
	raw, err := cl.CheckRules(ctx, name, text)
	if err != nil {
		return err
	}
	var out struct{ Diagnostics []finding }
	if err := json.Unmarshal(raw, &out); err != nil {
		return fmt.Errorf("what the server finds about %s can't be read: %w", name, err)
	}
	wrong := false
	for i := range out.Diagnostics {
		fmt.Fprintln(s.Err, out.Diagnostics[i].String())
		wrong = wrong || out.Diagnostics[i].Severity != "warning"
	}
	if wrong {
		return Rejected{}
	}
	return nil
}

type rulesDiffCmd struct {
	target
	Paths []string `arg:"" name:"files" help:"Rule files, or folders of them."`
}

func (rulesDiffCmd) Help() string {
	return "Exits with 1 if something differs.\n\nExample:\n  weir rules diff rules/"
}

// Run is the command.
func (c rulesDiffCmd) Run(ctx context.Context, s IO) error {
	files, wrong, err := dsl.ParseFiles(dsl.Files, c.Paths...)
	if err != nil {
		return err
	}
	if wrong.HasErrors() {
		fmt.Fprint(s.Err, wrong.Text())
		return Rejected{}
	}
	cl, err := c.open()
	if err != nil {
		return err
	}
	now, err := cl.Rules(ctx)
	if err != nil {
		return err
	}
	mine, order := ruleTexts(files)
	differ := 0
	for _, name := range order {
		text := ""
		if running(&now, name) != nil {
			r, _, err := cl.Rule(ctx, name)
			if err != nil {
				return err
			}
			text = ruleText(r.Text, name)
		}
		if text != mine[name] {
			differ++
			printDiff(s, name, text, mine[name])
		}
	}
	for i := range now.Items {
		if name := now.Items[i].Name; mine[name] == "" {
			differ++
			fmt.Fprintf(s.Out, "rule %s runs and is not in the files (it is of %s)\n", clean(name), clean(now.Items[i].File))
		}
	}
	if differ > 0 {
		return Findings(differ)
	}
	fmt.Fprintf(s.Err, "%s, as they run\n", count(len(order), "rule"))
	return nil
}

func printDiff(s IO, name, from, to string) {
	if from == "" {
		fmt.Fprintf(s.Out, "rule %s does not run yet\n", clean(name))
		return
	}
	fmt.Fprintf(s.Out, "rule %s: what runs (-) and what is in the files (+)\n%s\n", clean(name), diff(from, to))
}

// ruleTexts are the texts of the rules in files.
func ruleTexts(files []*dsl.File) (texts map[string]string, order []string) {
	texts = map[string]string{}
	for _, f := range files {
		for _, d := range f.Decls {
			if r, ok := d.(*dsl.RuleDecl); ok {
				texts[r.Name.Name] = f.Source.Slice(r.Span)
				order = append(order, r.Name.Name)
			}
		}
	}
	slices.Sort(order)
	return texts, order
}

// ruleText is the text of one rule, out of that of its file or its own.
func ruleText(text, name string) string {
	f, _ := dsl.Parse(name, []byte(text))
	if f != nil {
		if texts, _ := ruleTexts([]*dsl.File{f}); texts[name] != "" {
			return texts[name]
		}
	}
	return strings.TrimSpace(text)
}
