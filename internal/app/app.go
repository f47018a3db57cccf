// Package app is the command line: the one place that wires the other packages
// together. It holds no logic of its own beyond reading arguments, printing
// results and choosing exit codes.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/weir-cep/weir/internal/remote"
)

// Exit codes, a contract with scripts.
const (
	exitOK       = 0
	exitFindings = 1 // lints found, tests failed, a doctor's findings
	exitRules    = 2 // a rule file has an error
	exitInput    = 3 // configuration, argument or input error
)

// Streams are the process's standard streams.
type Streams struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer
}

// exitError ends the command with a code; its text, if any, is already printed.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit %d", int(e)) }

type commands struct {
	Demo    demoCmd    `cmd:"" help:"Watch bundled rules find incidents in bundled events."`
	Run     runCmd     `cmd:"" help:"Run rules over event files, print the alerts, and exit."`
	Try     tryCmd     `cmd:"" help:"Guess how the events of a file of yours are declared."`
	Serve   serveCmd   `cmd:"" help:"Run rules over live sources and posted events, until stopped."`
	State   stateCmd   `cmd:"" help:"Copy, restore, check or look at the state of a server."`
	Token   tokenCmd   `cmd:"" help:"Make, list or revoke the tokens that people and devices use a server with."`
	Check   checkCmd   `cmd:"" help:"Compile rule files and report errors."`
	Lint    lintCmd    `cmd:"" help:"Compile rule files and report errors and suspicious constructs."`
	Fmt     fmtCmd     `cmd:"" help:"Print rule files in canonical form."`
	Test    testCmd    `cmd:"" help:"Run the tests in rule files."`
	Explain explainCmd `cmd:"" help:"Say what a rule does, or what it saw of one key; or explain an error code."`
	Gen     genCmd     `cmd:"" help:"Write a stream of example events with planted incidents."`
	Config  configCmd  `cmd:"" help:"Show where each setting comes from, or check weir.yaml."`
	Version versionCmd `cmd:"" help:"Print version, commit and Go version."`

	remote.Commands
}

const description = `Weir watches event streams for fraud and anomalies.

Rules are text files ending in .cep. A first rule in five minutes: docs/first-rule.md.

Settings: a flag beats an environment variable WEIR_*, which beats weir.yaml in the working folder.

Exit codes: 0 ok, 1 findings or failed tests, 2 rule error, 3 configuration, argument or input error.`

// Main runs the command line and returns the exit code.
func Main(args []string, s Streams) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var cmds commands
	code := -1
	parser, err := kong.New(&cmds,
		kong.Name("weir"),
		kong.Description(description),
		kong.Writers(s.Out, s.Err),
		kong.DefaultEnvars("WEIR"),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}),
		kong.Exit(func(c int) { code = c; panic(exitError(c)) }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(s),
		kong.Bind(remote.IO{In: s.In, Out: s.Out, Err: s.Err}),
		kong.Bind(remote.Local(lookAtState)),
	)
	if err != nil {
		fmt.Fprintln(s.Err, "weir:", err)
		return exitInput
	}
	defer recoverExit()
	return dispatch(parser, args, s, &code)
}

// recoverExit swallows the panic by which --help leaves kong.
func recoverExit() {
	if r := recover(); r != nil {
		if _, ok := r.(exitError); !ok {
			panic(r)
		}
	}
}

func dispatch(parser *kong.Kong, args []string, s Streams, code *int) (exit int) {
	defer func() {
		if *code >= 0 {
			exit = *code
		}
	}()
	config, err := loadConfig(configFile)
	if err != nil {
		fmt.Fprintln(s.Err, "weir:", err)
		return exitInput
	}
	if err := kong.Resolvers(config).Apply(parser); err != nil {
		fmt.Fprintln(s.Err, "weir:", err)
		return exitInput
	}
	switch {
	case len(args) == 0 || args[0] == "help":
		args = []string{"--help"}
	case args[0] == "--version":
		args = []string{"version"}
	}
	kctx, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(s.Err, "weir: %v\n", err)
		fmt.Fprintf(s.Err, "  = %s\n", hint(err))
		return exitInput
	}
	return exitCode(kctx.Run(), s)
}

// hint says where to look after arguments that could not be read.
func hint(err error) string {
	var wrong *kong.ParseError
	if errors.As(err, &wrong) {
		if cmd := wrong.Context.Selected(); cmd != nil {
			return fmt.Sprintf("\"%s --help\" shows the arguments with an example", cmd.FullPath())
		}
	}
	return `"weir --help" lists the commands`
}

func exitCode(err error, s Streams) int {
	var done exitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &done):
		return int(done)
	case errors.As(err, new(remote.Findings)):
		return exitFindings
	case errors.As(err, new(remote.Rejected)):
		return exitRules
	default:
		fmt.Fprintln(s.Err, "weir:", err)
		return exitInput
	}
}
