package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/weir-cep/weir/alerts"
	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/engine"
	"github.com/weir-cep/weir/internal/client"
	"github.com/weir-cep/weir/server"
)

type stateCmd struct {
	Savepoint savepointCmd `cmd:"" help:"Write a copy of the state to a new folder, of a running server or of a directory that none works on."`
	Restore   restoreCmd   `cmd:"" help:"Make a state directory of a savepoint."`
	Verify    verifyCmd    `cmd:"" help:"Read every byte of a state directory or a savepoint and name what is damaged."`
	Erase     eraseCmd     `cmd:"" help:"Erase the texts of somebody's events, of a running server or of a directory that none works on."`
	Inspect   inspectCmd   `cmd:"" help:"Say what is in a state directory or a savepoint."`
}

// stateFlag names a state directory.
type stateFlag struct {
	State string `default:"weir-data" placeholder:"DIR" help:"State directory of the server."`
}

type savepointCmd struct {
	stateFlag
	Server string `placeholder:"URL" help:"Server to ask; else the one that works on the state directory."`
	Dir    string `arg:"" help:"Folder that is made; it must not exist."`
}

func (savepointCmd) Help() string {
	return "A savepoint can be copied elsewhere, checked with \"weir state verify\" and made a state directory with\n\"weir state restore\".\n\nExample:\n  weir state savepoint /var/backups/weir-1"
}

// Run is the command.
func (c savepointCmd) Run(ctx context.Context, s Streams) error {
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return err
	}
	if _, err := os.Stat(dir); err == nil {
		return fmt.Errorf("%s exists already: name a folder that does not", c.Dir)
	}
	got, err := c.write(ctx, dir)
	if err != nil {
		return err
	}
	return writeJSON(s.Out, got)
}

func (c savepointCmd) write(ctx context.Context, dir string) (server.Savepoint, error) {
	if c.Server != "" {
		return askSavepoint(ctx, c.Server, dir)
	}
	if err := mustBeState(c.State); err != nil {
		return server.Savepoint{}, err
	}
	d, err := openStateDir(c.State, 0)
	if errors.As(err, new(*inUseError)) {
		if running, rerr := readServerFile(c.State); rerr == nil {
			return askSavepoint(ctx, running.URL, dir)
		}
	}
	if err != nil {
		return server.Savepoint{}, err
	}
	got, err := d.savepointAlone(ctx, dir)
	return got, errors.Join(err, d.close())
}

// savepointAlone recovers a directory that no server works on and copies it.
func (d *stateDir) savepointAlone(ctx context.Context, dir string) (got server.Savepoint, err error) {
	err = d.recovered(ctx, func(rt *engine.Runtime, log *alerts.Log) (err error) {
		got, err = writeSavepoint(ctx, rt, log, d.path, d.format(), dir)
		return err
	})
	return got, err
}

// recovered runs f on the runtime and the alert log of a directory that no
// server works on.
func (d *stateDir) recovered(ctx context.Context, f func(*engine.Runtime, *alerts.Log) error) error {
	quiet := slog.New(slog.DiscardHandler)
	log, err := alerts.Open(alerts.Options{FS: vfs.Default, Dir: filepath.Join(d.path, alertsDir), Keep: -1, Logger: quiet})
	if err != nil {
		return err
	}
	rt, err := engine.Open(ctx, engine.RuntimeConfig{Dir: d.path, Shards: d.shards, Sink: log, Interval: -1, Logger: quiet})
	if err != nil {
		return errors.Join(err, log.Close())
	}
	return errors.Join(f(rt, log), rt.Close(), log.Close())
}

// askSavepoint has a running server write the savepoint.
func askSavepoint(ctx context.Context, url, dir string) (got server.Savepoint, err error) {
	err = askServer(ctx, url, "/api/v1/state/savepoint", map[string]string{"dir": dir}, &got)
	return got, err
}

// askServer posts to a running server, by the token of the environment, and
// reads its answer.
func askServer(ctx context.Context, url, path string, ask map[string]string, got any) error {
	c, err := client.New(client.Config{URL: url, Token: os.Getenv("WEIR_TOKEN")})
	if err != nil {
		return err
	}
	return c.Post(ctx, path, ask, got)
}

type restoreCmd struct {
	stateFlag
	Dir string `arg:"" help:"The savepoint."`
}

func (restoreCmd) Help() string {
	return "The savepoint is checked first and stays as it is; the state directory must not exist.\n\nExample:\n  weir state restore /var/backups/weir-1 --state weir-data"
}

// Run is the command.
func (c restoreCmd) Run(s Streams) error {
	if err := restoreSavepoint(c.Dir, c.State); err != nil {
		return err
	}
	fmt.Fprintf(s.Err, "restored to %s; start it with: weir serve RULES… --state %s\n", c.State, c.State)
	return nil
}

type verifyCmd struct {
	stateFlag
	Dir string `arg:"" optional:"" help:"State directory or savepoint; else that of --state."`
}

func (verifyCmd) Help() string {
	return "Exits with 1 if something is damaged. No server may work on the directory; of one that does, verify a savepoint.\n\nExample:\n  weir state verify /var/backups/weir-1"
}

// Run is the command.
func (c verifyCmd) Run(s Streams) error {
	var damaged []string
	err := c.alone(c.Dir, func(dir string) (err error) {
		damaged, err = verify(dir)
		return err
	})
	if err != nil {
		return err
	}
	for _, text := range damaged {
		fmt.Fprintln(s.Out, text)
	}
	if len(damaged) > 0 {
		return exitError(exitFindings)
	}
	fmt.Fprintln(s.Out, "ok: every byte is as it was written")
	return nil
}

// alone runs f on a savepoint, or on a state directory while nobody else works
// on it.
func (f stateFlag) alone(dir string, run func(dir string) error) error {
	if dir == "" {
		dir = f.State
	}
	if isSavepoint(dir) == nil {
		if err := checkFormat(dir); err != nil {
			return err
		}
		return run(dir)
	}
	if err := mustBeState(dir); err != nil {
		return err
	}
	d, err := openStateDir(dir, 0)
	if err != nil {
		return err
	}
	return errors.Join(run(dir), d.close())
}

// mustBeState refuses a folder that no server has ever worked on.
func mustBeState(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, formatFile)); err != nil {
		if _, err := os.Stat(dir); err != nil {
			return fmt.Errorf("there is no state directory %s: %w", dir, cause(err))
		}
		return fmt.Errorf("%s is neither a state directory nor a savepoint: it has no file %s", dir, formatFile)
	}
	return nil
}

type inspectCmd struct {
	stateFlag
	Output string `enum:"text,json" default:"text" help:"How to print: text or json."`
	Dir    string `arg:"" optional:"" help:"State directory or savepoint; else that of --state."`
}

func (inspectCmd) Help() string {
	return "No server may work on the directory; of one that does, GET /api/v1/state tells.\n\nExample:\n  weir state inspect weir-data --output json"
}

// inspection is what inspect prints.
type inspection struct {
	Dir        string           `json:"dir"`
	Checkpoint *checkpointFacts `json:"checkpoint"` // null: there is none
	Journal    journalFacts     `json:"journal"`
	Alerts     alertFacts       `json:"alerts"`
}

type checkpointFacts struct {
	At       string `json:"at"`
	Position uint64 `json:"position"`
	Need     uint64 `json:"need"`
	Layout   string `json:"layout"`
	Pages    int    `json:"pages"`
	Bytes    int64  `json:"bytes"`
	Units    int    `json:"units"`
	Kept     int    `json:"older"`
}

type journalFacts struct {
	First  uint64 `json:"first"`
	Last   uint64 `json:"last"`
	Files  int    `json:"files"`
	Bytes  int64  `json:"bytes"`
	Oldest string `json:"oldest,omitempty"`
	Newest string `json:"newest,omitempty"`
}

type alertFacts struct {
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
}

// Run is the command.
func (c inspectCmd) Run(s Streams) error {
	var facts *inspection
	err := c.alone(c.Dir, func(dir string) (err error) {
		facts, err = inspect(dir)
		return err
	})
	if err != nil {
		return err
	}
	if c.Output == "json" {
		return writeJSON(s.Out, facts)
	}
	facts.print(s.Out)
	return nil
}

func inspect(dir string) (*inspection, error) {
	info, err := engine.InspectState(vfs.Default, dir)
	if err != nil {
		return nil, err
	}
	out := &inspection{Dir: dir}
	if c := info.Checkpoint; c != nil {
		out.Checkpoint = &checkpointFacts{At: c.At().Format(time.RFC3339), Position: c.Position, Need: c.Need, Layout: c.Layout,
			Pages: c.Pages, Bytes: c.PageBytes, Units: len(c.Units), Kept: len(c.Kept)}
	}
	j := &info.Journal
	out.Journal = journalFacts{First: uint64(j.First), Last: uint64(j.End) - 1, Files: j.Segments, Bytes: j.Bytes}
	if j.FirstTime != 0 {
		out.Journal.Oldest, out.Journal.Newest = string(cep.AppendTime(nil, j.FirstTime)), string(cep.AppendTime(nil, j.LastTime))
	}
	out.Alerts.First, out.Alerts.Last, err = alerts.Inspect(vfs.Default, filepath.Join(dir, alertsDir))
	return out, err
}

func (x *inspection) print(w io.Writer) {
	field(w, "directory", x.Dir)
	if c := x.Checkpoint; c == nil {
		field(w, "checkpoint", "none yet")
	} else {
		field(w, "checkpoint", fmt.Sprintf("of %s, at record %d; recovery reads from record %d", c.At, c.Position, c.Need))
		field(w, "state", fmt.Sprintf("%s in %s, layout %s", bytesText(c.Bytes), plural(c.Pages, "page"), c.Layout))
		field(w, "older", plural(c.Kept, "checkpoint"))
	}
	field(w, "journal", fmt.Sprintf("records %d to %d in %s, %s", x.Journal.First, x.Journal.Last, plural(x.Journal.Files, "file"), bytesText(x.Journal.Bytes)))
	if x.Journal.Oldest != "" {
		field(w, "arrived", x.Journal.Oldest+" to "+x.Journal.Newest)
	}
	field(w, "alerts", fmt.Sprintf("%d to %d", x.Alerts.First, x.Alerts.Last))
}
