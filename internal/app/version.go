package app

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version and revision, the commit, are set at build time for releases
// (-ldflags "-X …").
var (
	version  = "dev"
	revision = ""
)

type versionCmd struct{}

func (versionCmd) Help() string { return "Example:\n  weir version" }

func (versionCmd) Run(s Streams) error {
	fmt.Fprintf(s.Out, "weir %s commit %s %s %s/%s\n", version, commit(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}

// commit is what the release was built of, or what the Go toolchain recorded of
// the source tree.
func commit() string {
	if revision != "" {
		return revision
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	rev, dirty := "unknown", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && len(s.Value) >= 12:
			rev = s.Value[:12]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+changes"
		}
	}
	return rev + dirty
}
