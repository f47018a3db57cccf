package app

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/weir-cep/weir/bench/gen"
)

type genCmd struct {
	Out       string        `short:"o" placeholder:"FILE" help:"File for the events; default standard output."`
	Truth     string        `placeholder:"FILE" help:"File for the planted incidents and near misses, one a line."`
	Seed      uint64        `default:"1" help:"The same seed and flags give the same bytes."`
	Duration  time.Duration `default:"24h" help:"Event time that the stream covers, at least 3h."`
	Cards     int           `default:"800" help:"Number of cards."`
	Users     int           `default:"400" help:"Number of users."`
	Sensors   int           `default:"3" help:"Number of sensors."`
	Incidents int           `default:"3" help:"Planted incidents of each kind."`
	Disorder  time.Duration `default:"0s" help:"By how much events may come later than they happened, at most 25s."`
}

func (genCmd) Help() string {
	return `Writes events as rules/library/common.cep declares them: cards, logins and sensors.

Example:
  weir gen --out events.ndjson --truth truth.ndjson --duration 48h`
}

func (c genCmd) Run(s Streams) (err error) {
	out := s.Out
	if c.Out != "" {
		f, err := os.Create(c.Out)
		if err != nil {
			return fmt.Errorf("--out: %w", err)
		}
		defer f.Close()
		out = f
	}
	if c.Incidents == 0 {
		c.Incidents = -1 // the generator's word for none
	}
	w := bufio.NewWriterSize(out, 1<<16)
	incidents, err := gen.Write(w, gen.Options{Seed: c.Seed, Duration: int64(c.Duration), Cards: c.Cards, Users: c.Users,
		Sensors: c.Sensors, Incidents: c.Incidents, Disorder: int64(c.Disorder)})
	if err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write events: %w", err)
	}
	return c.writeTruth(incidents)
}

func (c genCmd) writeTruth(incidents []gen.Incident) error {
	if c.Truth == "" {
		return nil
	}
	f, err := os.Create(c.Truth)
	if err != nil {
		return fmt.Errorf("--truth: %w", err)
	}
	defer f.Close()
	return gen.WriteTruth(io.Writer(f), incidents)
}
