package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return
		}
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// versions are what a release may be called.
var versions = regexp.MustCompile(`^(dev|v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.]+)?)$`)

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("release", flag.ContinueOnError)
	version := flags.String("version", "dev", "version that the binaries say they are, such as v0.1.0")
	out := flags.String("out", "dist", "folder that the archives are written to")
	names := flags.String("targets", allTargets(), "systems and processors, separated by commas")
	check := flags.Bool("check", false, "build for this machine twice, in two folders with two caches, and compare")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if !versions.MatchString(*version) {
		return fmt.Errorf("%q is no version; write it like v0.1.0", *version)
	}
	src, err := openSource(ctx, *version)
	if err != nil {
		return err
	}
	if *check {
		return checkTwice(ctx, src)
	}
	targets, err := parseTargets(*names)
	if err != nil {
		return err
	}
	return release(ctx, src, targets, *out)
}

// source is the tree that a release is made of.
type source struct {
	dir     string
	version string
	commit  string    // "unknown" outside of a repository
	time    time.Time // of the commit: what archives say files are of
}

// openSource finds the tree around the working folder. SOURCE_DATE_EPOCH beats
// the time of the commit.
func openSource(ctx context.Context, version string) (*source, error) {
	mod, err := output(ctx, "", "go", "env", "GOMOD")
	if err != nil || mod == "" || mod == os.DevNull {
		return nil, errors.New("there is no go.mod here; run it in the source tree")
	}
	s := &source{dir: filepath.Dir(mod), version: version, commit: "unknown", time: time.Unix(0, 0).UTC()}
	if rev, err := output(ctx, s.dir, "git", "log", "-1", "--format=%H %ct"); err == nil {
		commit, at, _ := strings.Cut(rev, " ")
		n, err := strconv.ParseInt(at, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("git says that the commit is of %q", at)
		}
		s.commit, s.time = commit[:12], time.Unix(n, 0).UTC()
		if dirty, err := output(ctx, s.dir, "git", "status", "--porcelain"); err != nil || dirty != "" {
			s.commit += "+changes"
		}
	}
	if text := os.Getenv("SOURCE_DATE_EPOCH"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("SOURCE_DATE_EPOCH is %q, and no number of seconds", text)
		}
		s.time = time.Unix(n, 0).UTC()
	}
	return s, nil
}

// output runs a command and returns what it prints, without spaces around.
func output(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", name, args[0], err)
	}
	return strings.TrimSpace(string(out)), nil
}
