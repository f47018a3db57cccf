package app

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// progress draws one line with share, rate and time left on a terminal, and
// nothing where the output is not one.
type progress struct {
	out    io.Writer
	start  time.Time
	last   time.Time
	drawn  bool
	before uint64  // events of the run before, which this one goes on from
	share  float64 // that it had read; negative: to be seen
}

// newProgress returns nil, which draws nothing, unless w is a terminal.
func newProgress(w io.Writer) *progress {
	if !isTerminal(w) {
		return nil
	}
	return &progress{out: w, start: time.Now()}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

const (
	progressEvery = 100 * time.Millisecond
	barWidth      = 24
)

// resumed says that so many events were worked off by another process.
func (p *progress) resumed(events uint64) {
	if p != nil {
		p.before, p.share = events, -1
	}
}

// update shows that events were read from done of total bytes; total 0 means
// that the size is unknown.
func (p *progress) update(events uint64, done, total int64, alerts uint64) {
	if p != nil && p.share < 0 && total > 0 {
		p.share = min(1, float64(done)/float64(total))
	}
	if p == nil || time.Since(p.last) < progressEvery {
		return
	}
	p.last, p.drawn = time.Now(), true
	seconds := time.Since(p.start).Seconds()
	rate := float64(events-p.before) / seconds
	line := fmt.Sprintf("%s events  %s/s  %s alerts", grouped(events), grouped(uint64(rate)), grouped(alerts))
	if total > 0 && done > 0 {
		share := min(1, float64(done)/float64(total))
		filled := int(share * barWidth)
		left := time.Duration(seconds / max(share-p.share, 1e-6) * (1 - share) * float64(time.Second)).Round(time.Second)
		bar := strings.Repeat("█", filled) + strings.Repeat("░", barWidth-filled)
		line = fmt.Sprintf("%s %3.0f%%  %s  %s left", bar, 100*share, line, left)
	}
	fmt.Fprintf(p.out, "\r\x1b[K%s", line)
}

// clear removes the line so that results can follow.
func (p *progress) clear() {
	if p == nil || !p.drawn {
		return
	}
	fmt.Fprint(p.out, "\r\x1b[K")
}

// grouped writes 1234567 as 1,234,567.
func grouped(n uint64) string {
	s := fmt.Sprint(n)
	var b strings.Builder
	for i, c := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	return b.String()
}
