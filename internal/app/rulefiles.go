package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/engine"
	"github.com/weir-cep/weir/server"
)

// ruleFiles follows rule files: what has changed in them is deployed, what
// cannot be is refused whole and the rules from before run on.
type ruleFiles struct {
	paths  []string
	load   func() (engine.RuleSet, error)              // reads the files, and what stands beside them
	deploy func(context.Context, engine.RuleSet) error // without a change for what is wrong
	log    *slog.Logger
	hangup func() // what else a signal has read again; nil: nothing

	mu      sync.Mutex     // of what follows
	seen    string         // what the files looked like
	tried   uint64         // the hash of the set that was tried last
	running uint64         // and of the one in force
	read    engine.RuleSet // the last set that could be read
	state   atomic.Pointer[server.Reload]
}

// lookEvery is how often the files are looked at. A change is taken up when
// they have been the same twice, so that a file that is being written is not.
const lookEvery = time.Second

// began notes the set that runs at the start.
func (f *ruleFiles) began(set engine.RuleSet) {
	f.read, f.tried, f.running = set, set.Hash(), set.Hash()
	f.seen = f.look()
	f.state.Store(&server.Reload{At: time.Now().UnixNano()})
}

// reload is how the last change went.
func (f *ruleFiles) reload() server.Reload {
	if r := f.state.Load(); r != nil {
		return *r
	}
	return server.Reload{}
}

// follow looks at the files until ctx ends. A signal makes it look at once.
func (f *ruleFiles) follow(ctx context.Context, tick <-chan time.Time, hangup <-chan os.Signal) {
	changing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
			f.log.Info("reload asked for")
			if f.hangup != nil {
				f.hangup()
			}
			changing = false
			f.seen = f.look()
			f.take(ctx)
		case <-tick:
			now := f.look()
			switch {
			case now != f.seen:
				f.seen, changing = now, true
			case changing:
				changing = false
				f.take(ctx)
			}
		}
	}
}

// look is what the files look like: names, sizes and times of all that are read.
func (f *ruleFiles) look() string {
	f.mu.Lock()
	read := f.read.Files
	f.mu.Unlock()
	var b strings.Builder
	note := func(path string, info fs.FileInfo, err error) {
		if err != nil {
			fmt.Fprintf(&b, "%s: %v\n", path, err)
			return
		}
		fmt.Fprintf(&b, "%s %d %d\n", path, info.Size(), info.ModTime().UnixNano())
	}
	for _, p := range f.paths {
		info, err := os.Stat(p)
		if err != nil || !info.IsDir() {
			note(p, info, err)
			continue
		}
		err = filepath.WalkDir(p, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && strings.HasSuffix(path, ".cep") {
				info, err := d.Info()
				note(path, info, err)
			}
			return err
		})
		if err != nil {
			note(p, nil, err)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(read)) { // those that are imported, too
		info, err := os.Stat(filepath.FromSlash(path))
		note(path, info, err)
	}
	return b.String()
}

// take reads the files and deploys what has changed in them.
func (f *ruleFiles) take(ctx context.Context) {
	f.mu.Lock()
	defer f.mu.Unlock()
	set, err := f.load()
	if err != nil {
		f.tried = 0
		f.refuse(err)
		return
	}
	f.read = set
	hash := set.Hash()
	switch {
	case hash == f.running:
		f.log.Info("rules in force are those of the files")
	case hash == f.tried:
		f.log.Info("rule files unchanged; they were refused")
		return
	default:
		f.tried = hash
		if err := f.deploy(ctx, set); err != nil {
			if !errors.As(err, new(*engine.RuleError)) {
				f.tried = 0 // it may be taken as it is another time
			}
			if ctx.Err() == nil {
				f.refuse(err)
			}
			return
		}
		f.running = hash
	}
	f.tried = hash
	f.state.Store(&server.Reload{At: time.Now().UnixNano()})
}

// put deploys a set that did not come of a change of the files.
func (f *ruleFiles) put(ctx context.Context, set engine.RuleSet, deploy func(context.Context, engine.RuleSet) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := deploy(ctx, set); err != nil {
		return err
	}
	f.read, f.tried, f.running = set, set.Hash(), set.Hash()
	return nil
}

// refuse says why a change is not in force.
func (f *ruleFiles) refuse(err error) {
	text := err.Error()
	var wrong *engine.RuleError
	if errors.As(err, &wrong) {
		ds := only(wrong.Diagnostics, dsl.LevelError)
		f.log.Error("rules refused; those from before run on", "errors", len(ds), "diagnostics", ds.Text())
		text = strings.TrimSpace(ds.Text())
	} else {
		f.log.Error("rules refused; those from before run on", "error", err)
	}
	f.state.Store(&server.Reload{At: time.Now().UnixNano(), Error: text})
}
