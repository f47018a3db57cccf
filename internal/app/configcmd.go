package app

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/alecthomas/kong"
)

type configCmd struct {
	Show     configShowCmd     `cmd:"" help:"Show the settings of a command, and where each comes from."`
	Validate configValidateCmd `cmd:"" help:"Check weir.yaml and the environment."`
}

type configShowCmd struct {
	Output  string   `enum:"text,json" default:"text" help:"How to print: text or json."`
	Command []string `arg:"" optional:"" passthrough:"" help:"The command with its flags, such as serve --shards 2; serve if none is named."`
}

func (configShowCmd) Help() string {
	return "A flag beats an environment variable WEIR_*, which beats weir.yaml in the working folder, which beats the default.\nWhat may be a secret is not printed.\n\nExample:\n  weir config show serve --shards 2"
}

// setting is a setting, and where it comes from.
type setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	From  string `json:"from"` // flag, environment, weir.yaml, default
	Where string `json:"where,omitempty"`
}

// Run is the command.
func (c configShowCmd) Run(s Streams) error {
	args := c.Command
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		args = []string{"serve"}
	}
	list, err := settings(args)
	if err != nil {
		return err
	}
	if c.Output == "json" {
		return writeJSON(s.Out, list)
	}
	w := tabwriter.NewWriter(s.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SETTING\tVALUE\tFROM")
	for _, x := range list {
		from := x.From
		if x.Where != "" {
			from += " (" + x.Where + ")"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", x.Name, x.Value, from)
	}
	return w.Flush()
}

// settings reads a command's arguments as weir does, and says of each of its
// flags where its value comes from.
func settings(args []string) ([]setting, error) {
	var cmds commands
	parser, err := kong.New(&cmds, kong.Name("weir"), kong.DefaultEnvars("WEIR"), kong.Exit(func(int) {}))
	if err != nil {
		return nil, err
	}
	conf, err := loadConfig(configFile)
	if err != nil {
		return nil, err
	}
	if err := kong.Resolvers(conf).Apply(parser); err != nil {
		return nil, err
	}
	kctx, err := kong.Trace(parser, args)
	if err != nil {
		return nil, err
	}
	node := kctx.Selected()
	if node == nil {
		return nil, fmt.Errorf("%s is no command; \"weir --help\" lists them", strings.Join(args, " "))
	}
	if err := wrongFlags(kctx, args); err != nil {
		return nil, err
	}
	given := map[string]string{}
	for _, p := range kctx.Path {
		if p.Flag != nil {
			given[p.Flag.Name] = p.Flag.Name
		}
	}
	var list []setting
	for _, f := range node.Flags {
		if f.Name != "help" {
			list = append(list, origin(kctx, conf, f, given[f.Name] != ""))
		}
	}
	slices.SortFunc(list, func(a, b setting) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// wrongFlags refuses flags that the command does not have. That arguments are
// missing is no matter here.
func wrongFlags(kctx *kong.Context, args []string) error {
	if kctx.Error != nil && strings.Contains(kctx.Error.Error(), "unknown flag") {
		return fmt.Errorf("%s: %w", strings.Join(args, " "), kctx.Error)
	}
	return nil
}

// origin says where a flag's value comes from.
func origin(kctx *kong.Context, conf *config, f *kong.Flag, given bool) setting {
	x := setting{Name: f.Name, From: "default", Value: f.Default}
	if given {
		x.From, x.Value = "flag", fmt.Sprint(kctx.FlagValue(f))
	} else if env, text := fromEnvironment(f); env != "" {
		x.From, x.Where, x.Value = "environment", env, text
	} else if v, ok := conf.values[f.Name]; ok && !f.Tag.Has("given") {
		x.From, x.Where, x.Value = conf.path, fmt.Sprintf("line %d", conf.lines[f.Name]), fmt.Sprint(v)
	}
	if secret(f.Name) && x.Value != "" {
		x.Value = "(not shown)"
	}
	return x
}

func fromEnvironment(f *kong.Flag) (name, text string) {
	for _, env := range f.Envs {
		if text, set := os.LookupEnv(env); set {
			return env, text
		}
	}
	return "", ""
}

// secret says whether a setting's value may be one. Files that hold secrets are
// none.
func secret(name string) bool {
	for _, word := range []string{"password", "secret", "token"} {
		if strings.Contains(name, word) && !strings.HasSuffix(name, "file") {
			return true
		}
	}
	return false
}

type configValidateCmd struct{}

func (configValidateCmd) Help() string {
	return "Exits with 3 if a setting is unknown or its value can't be read.\n\nExample:\n  weir config validate"
}

// Run is the command. weir.yaml was read, and its names looked at, before any
// command ran.
func (configValidateCmd) Run(s Streams) error {
	conf, err := loadConfig(configFile)
	if err != nil {
		return err
	}
	if err := valuesParse(conf); err != nil {
		return err
	}
	fmt.Fprintf(s.Out, "ok: %s in %s\n", plural(len(conf.values), "setting"), conf.path)
	return nil
}

// valuesParse reads every value of the file as the flags do that have its name.
func valuesParse(conf *config) error {
	var cmds commands
	parser, err := kong.New(&cmds, kong.Name("weir"), kong.Exit(func(int) {}))
	if err != nil {
		return err
	}
	known := map[string]bool{}
	collectFlags(parser.Model.Node, known)
	for name, v := range conf.values {
		if !known[name] {
			continue
		}
		for _, f := range flagsNamed(parser.Model.Node, name) {
			if err := tryValue(f, v); err != nil {
				return fmt.Errorf("%s:%d: %s: %w", conf.path, conf.lines[name], name, err)
			}
		}
	}
	return nil
}

func flagsNamed(n *kong.Node, name string) (list []*kong.Flag) {
	for _, f := range n.Flags {
		if f.Name == name {
			list = append(list, f)
		}
	}
	for _, child := range n.Children {
		list = append(list, flagsNamed(child, name)...)
	}
	return list
}

func tryValue(f *kong.Flag, v any) error {
	if f.Enum != "" && !slices.Contains(strings.Split(f.Enum, ","), fmt.Sprint(v)) {
		return fmt.Errorf("%v is none of %s", v, strings.ReplaceAll(f.Enum, ",", ", "))
	}
	return f.Parse(kong.ScanFromTokens(kong.Token{Type: kong.FlagValueToken, Value: v}), f.Target)
}
