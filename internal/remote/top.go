package remote

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/weir-cep/weir/internal/client"
)

type topCmd struct {
	target
	Once  bool          `help:"Print once and end."`
	Every time.Duration `default:"2s" placeholder:"TIME" help:"Time between two looks."`
	Rows  int           `default:"15" placeholder:"N" help:"Rules that are shown: those with the most alerts."`
}

func (topCmd) Help() string {
	return "On a terminal the screen is drawn anew each time; into a file or a pipe each look is written below the one before.\n\nExample:\n  weir top --once"
}

// look is what a server said of itself at a time.
type look struct {
	pipe      client.Pipeline
	state     client.State
	rules     []client.Rule
	endpoints []client.Endpoint
}

func lookAt(ctx context.Context, cl *client.Client) (*look, error) {
	var l look
	var err error
	if l.pipe, err = cl.Pipeline(ctx); err != nil {
		return nil, err
	}
	if l.state, err = cl.State(ctx); optional(&err) {
		return nil, err
	}
	rules, err := cl.Rules(ctx)
	if optional(&err) {
		return nil, err
	}
	l.rules = rules.Items
	if l.endpoints, err = cl.Endpoints(ctx); optional(&err) {
		return nil, err
	}
	return &l, nil
}

// Run is the command.
func (c topCmd) Run(ctx context.Context, s IO) error {
	if c.Every < 100*time.Millisecond {
		return fmt.Errorf("--every %s is too often; 100ms or more", c.Every)
	}
	cl, err := c.open()
	if err != nil {
		return err
	}
	last, err := lookAt(ctx, cl)
	if err != nil {
		return err
	}
	screen := terminal(s.Out) && !c.Once
	if err := c.draw(s.Out, screen, cl.URL(), nil, last); err != nil || c.Once {
		return err
	}
	tick := time.NewTicker(c.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		next, err := lookAt(ctx, cl)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			fmt.Fprintln(s.Err, "weir:", err)
			continue
		}
		if err := c.draw(s.Out, screen, cl.URL(), last, next); err != nil {
			return err
		}
		last = next
	}
}

func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// draw writes a look; with before also how fast things go.
func (c topCmd) draw(w io.Writer, screen bool, url string, before, now *look) error {
	var b bytes.Buffer
	if screen {
		b.WriteString("\x1b[H\x1b[2J")
	}
	p, st := &now.pipe, &now.state
	fmt.Fprintf(&b, "%s  %s  up %s\n%s\n", url, at(p.Now), ago(p.Now.Sub(p.Started)), clean(p.Health.Sentence))
	limit := ""
	if st.Limit > 0 {
		limit = " of " + size(st.Limit)
	}
	fmt.Fprintf(&b, "state %s%s, %s   queue %s, %s", size(st.Bytes), limit, count(st.Keys, "key"), count(p.Queue.Records, "record"), size(p.Queue.Bytes))
	if st.DiskFree != nil {
		fmt.Fprintf(&b, "   disk %s free", size(*st.DiskFree))
	}
	b.WriteString("\n\n")
	for _, part := range []struct {
		head string
		rows [][]string
	}{
		{"SOURCE EVENTS RATE LAG REJECTED LATE WATERMARK BEHIND WAITS", sourceRows(before, now)},
		{"RULE STATUS ALERTS RATE MATCHES STATE", ruleRows(before, now, c.Rows)},
		{"SINK KIND SENT RATE WAITING DEAD STATE", sinkRows(before, now)},
	} {
		if len(part.rows) == 0 {
			continue
		}
		if err := table(&b, part.head, part.rows); err != nil {
			return err
		}
		b.WriteString("\n")
	}
	_, err := w.Write(b.Bytes())
	return err
}

// rate is how fast a counter goes, a second; "" while that is not known.
func rate(before, now *look, old, new uint64) string {
	if before == nil || new < old || before.pipe.Started != now.pipe.Started {
		return ""
	}
	took := now.pipe.Now.Sub(before.pipe.Now).Seconds()
	if took <= 0 {
		return ""
	}
	return strconv.FormatFloat(float64(new-old)/took, 'f', 1, 64) + "/s"
}

func sourceRows(before, now *look) (rows [][]string) {
	for i := range now.pipe.Sources {
		src := &now.pipe.Sources[i]
		var old uint64
		if before != nil {
			for k := range before.pipe.Sources {
				if o := &before.pipe.Sources[k]; o.Name == src.Name {
					old = o.Events()
				}
			}
		}
		lag := ""
		if n, known := src.Lag(); known {
			lag = strconv.FormatInt(n, 10)
		}
		mark, holds := watermark(src)
		behind := ""
		if !mark.IsZero() {
			behind = ago(now.pipe.Now.Sub(mark))
		}
		if src.Error != "" {
			holds = "error: " + clip(src.Error, 60)
		}
		rows = append(rows, []string{src.Name, strconv.FormatUint(src.Events(), 10), rate(before, now, old, src.Events()), lag,
			strconv.FormatUint(src.Refused(), 10), strconv.FormatUint(src.Late, 10), at(mark), behind, holds})
	}
	return rows
}

// watermark is the least of a source's partitions that are waited for, and those
// that hold it.
func watermark(src *client.Source) (least time.Time, holds string) {
	var names []string
	for i := range src.Partitions {
		p := &src.Partitions[i]
		if p.Idle || p.Ended {
			continue
		}
		if !p.Watermark.IsZero() && (least.IsZero() || p.Watermark.Before(least)) {
			least = p.Watermark
		}
		if p.Holds {
			names = append(names, strconv.FormatUint(uint64(p.Partition), 10))
		}
	}
	if len(names) > 4 {
		names = append(names[:4], "…")
	}
	if len(names) > 0 {
		holds = "for " + strings.Join(names, ",")
	}
	return least, holds
}

func ruleRows(before, now *look, most int) (rows [][]string) {
	list := slices.Clone(now.rules)
	slices.SortStableFunc(list, func(a, b client.Rule) int {
		if a.Alerts != b.Alerts {
			if a.Alerts > b.Alerts {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	for i := range list[:min(len(list), max(most, 0))] {
		r := &list[i]
		var old uint64
		if before != nil {
			for k := range before.rules {
				if before.rules[k].Name == r.Name {
					old = before.rules[k].Alerts
				}
			}
		}
		rows = append(rows, []string{r.Name, r.Status, strconv.FormatUint(r.Alerts, 10), rate(before, now, old, r.Alerts), strconv.FormatUint(r.Matches, 10), size(r.Bytes)})
	}
	return rows
}

func sinkRows(before, now *look) (rows [][]string) {
	for i := range now.pipe.Sinks {
		d := &now.pipe.Sinks[i]
		var old uint64
		if before != nil {
			for k := range before.pipe.Sinks {
				if before.pipe.Sinks[k].Name == d.Name {
					old = before.pipe.Sinks[k].Sent
				}
			}
		}
		rows = append(rows, []string{d.Name, d.Kind, strconv.FormatUint(d.Sent, 10), rate(before, now, old, d.Sent), strconv.FormatUint(d.Behind, 10), strconv.FormatUint(d.Refused, 10), ok(d.Error)})
	}
	for i := range now.endpoints {
		h := &now.endpoints[i]
		var old uint64
		if before != nil {
			for k := range before.endpoints {
				if before.endpoints[k].Sink == h.Sink {
					old = before.endpoints[k].Delivered
				}
			}
		}
		how := ok(h.Error)
		if h.Disabled != "" {
			how = "off: " + clip(h.Disabled, 60)
		}
		rows = append(rows, []string{h.Sink, "webhook", strconv.FormatUint(h.Delivered, 10), rate(before, now, old, h.Delivered), strconv.Itoa(h.Pending), strconv.FormatUint(h.Dead, 10), how})
	}
	return rows
}

func ok(wrong string) string {
	if wrong == "" {
		return "ok"
	}
	return clip(wrong, 60)
}
