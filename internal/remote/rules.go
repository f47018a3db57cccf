package remote

import (
	"context"
	"fmt"
	"strconv"

	"github.com/weir-cep/weir/internal/client"
)

type rulesCmd struct {
	List     rulesListCmd     `cmd:"" help:"List the rules that run."`
	Show     rulesShowCmd     `cmd:"" help:"Show a rule's text and its versions."`
	Diff     rulesDiffCmd     `cmd:"" help:"Compare rule files with what runs."`
	Apply    rulesApplyCmd    `cmd:"" help:"Put rule files in force."`
	Remove   rulesRemoveCmd   `cmd:"" help:"Take a rule file out of force."`
	Enable   rulesEnableCmd   `cmd:"" help:"Make a rule live: its alerts go to its sinks."`
	Shadow   rulesShadowCmd   `cmd:"" help:"Make a rule a shadow: its alerts are logged and go nowhere."`
	Disable  rulesDisableCmd  `cmd:"" help:"Switch a rule off."`
	Rollback rulesRollbackCmd `cmd:"" help:"Put a rule back to a version that it had."`
}

type rulesListCmd struct {
	target
	format
}

// Run is the command.
func (c rulesListCmd) Run(ctx context.Context, s IO) error {
	cl, err := c.open()
	if err != nil {
		return err
	}
	r, err := cl.Rules(ctx)
	if err != nil {
		return err
	}
	if c.json() {
		return writeJSON(s.Out, r.Items)
	}
	var rows [][]string
	for i := range r.Items {
		x := &r.Items[i]
		rows = append(rows, []string{x.Name, x.Status, clip(x.Version, 12), x.Managed, fmt.Sprintf("%s:%d", x.File, x.Line),
			strconv.FormatUint(x.Matches, 10), strconv.FormatUint(x.Alerts, 10), size(x.Bytes)})
	}
	if !r.ReloadGood && r.ReloadError != "" {
		fmt.Fprintln(s.Err, "the rule files were changed and are not in force:", clean(r.ReloadError))
	}
	return table(s.Out, "RULE STATUS VERSION BY PLACE MATCHES ALERTS STATE", rows)
}

// size is bytes as they are shown.
func size(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	v, i := float64(n), 0
	for v >= 1024 && i < len(units)-1 {
		v, i = v/1024, i+1
	}
	if i == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", v, units[i])
}

type named struct {
	target
	format
	Rule string `arg:"" help:"Name of the rule."`
}

type rulesShowCmd struct{ named }

// Run is the command.
func (c rulesShowCmd) Run(ctx context.Context, s IO) error {
	cl, err := c.open()
	if err != nil {
		return err
	}
	r, raw, err := cl.Rule(ctx, c.Rule)
	if err != nil {
		return err
	}
	if c.json() {
		return writeJSON(s.Out, raw)
	}
	fmt.Fprintf(s.Out, "%s  %s, version %s, of %s\n\n%s\n", clean(r.Name), r.Status, r.Version, clean(r.File), r.Text)
	var rows [][]string
	for i := range r.Versions {
		v := &r.Versions[i]
		rows = append(rows, []string{v.Version, at(v.At), v.By, clip(v.Reason, 80)})
	}
	if len(rows) > 0 {
		fmt.Fprintln(s.Out)
	}
	return table(s.Out, "VERSION SINCE BY REASON", rows)
}

// because is the flag that says why something is changed.
type because struct {
	Reason string `required:"" placeholder:"TEXT" help:"Why, for the audit trail."`
}

func (c named) status(ctx context.Context, s IO, status, reason string) error {
	cl, err := c.open()
	if err != nil {
		return err
	}
	raw, err := cl.SetStatus(ctx, c.Rule, status, reason)
	if err != nil {
		return err
	}
	if c.json() {
		return writeJSON(s.Out, raw)
	}
	fmt.Fprintf(s.Out, "%s is %s\n", clean(c.Rule), status)
	return nil
}

type rulesEnableCmd struct {
	named
	because
}

// Run is the command.
func (c rulesEnableCmd) Run(ctx context.Context, s IO) error {
	return c.status(ctx, s, "live", c.Reason)
}

type rulesShadowCmd struct {
	named
	because
}

// Run is the command.
func (c rulesShadowCmd) Run(ctx context.Context, s IO) error {
	return c.status(ctx, s, "shadow", c.Reason)
}

type rulesDisableCmd struct {
	named
	because
}

// Run is the command.
func (c rulesDisableCmd) Run(ctx context.Context, s IO) error {
	return c.status(ctx, s, "off", c.Reason)
}

type rulesRollbackCmd struct {
	named
	because
	To string `required:"" placeholder:"VERSION" help:"The version, as weir rules show lists it."`
}

// Run is the command.
func (c rulesRollbackCmd) Run(ctx context.Context, s IO) error {
	cl, err := c.open()
	if err != nil {
		return err
	}
	raw, err := cl.Rollback(ctx, c.Rule, c.To, c.Reason)
	if err != nil {
		return err
	}
	if c.json() {
		return writeJSON(s.Out, raw)
	}
	fmt.Fprintf(s.Out, "%s is as it was in version %s\n", clean(c.Rule), clean(c.To))
	return nil
}

type rulesRemoveCmd struct {
	target
	because
	File string `arg:"" help:"The file, as weir rules list names it."`
}

// Run is the command.
func (c rulesRemoveCmd) Run(ctx context.Context, s IO) error {
	cl, err := c.open()
	if err != nil {
		return err
	}
	if err := cl.RemoveRules(ctx, c.File, c.Reason); err != nil {
		return err
	}
	fmt.Fprintf(s.Out, "%s is out of force\n", clean(c.File))
	return nil
}

// running finds a rule among those that run.
func running(r *client.Rules, name string) *client.Rule {
	for i := range r.Items {
		if r.Items[i].Name == name {
			return &r.Items[i]
		}
	}
	return nil
}
