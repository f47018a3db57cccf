package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/weir-cep/weir/internal/remote"
)

// doctorLowDisk is the room on the state's disk below which doctor speaks of it.
const doctorLowDisk = 1 << 30

// lookAtState finds what is wrong with a state directory, without changing it:
// where a server works on it, that is no fault of it.
func lookAtState(dir string) (list []remote.Finding, err error) {
	if err := mustBeState(dir); err != nil {
		return nil, err
	}
	add := func(topic, what, do string) {
		list = append(list, remote.Finding{Grave: true, Topic: topic, What: what, Do: do})
	}
	if free, ok := diskFree(dir); ok && free < doctorLowDisk {
		add("disk", fmt.Sprintf("%s are left on the disk of %s.", bytesText(free), dir), "make room there")
	}
	d, err := openStateDir(dir, 0)
	if errors.As(err, new(*inUseError)) {
		return list, nil
	}
	if err != nil {
		add("state", err.Error(), "")
		return list, nil
	}
	defer d.close()
	if _, err := os.Stat(filepath.Join(dir, serverFile)); err == nil {
		add("state", "The server that worked on "+dir+" has not stopped by itself: it was killed, or crashed.", "start it again, it goes on where it was; its log may say why")
	}
	facts, err := inspect(dir)
	if err != nil {
		add("state", err.Error(), "weir state verify "+dir+" reads every byte")
		return list, nil
	}
	if facts.Journal.Last+1 <= facts.Journal.First {
		add("journal", "Nothing has ever come to "+dir+".", "look at whether the sender sends, and where to")
	} else if facts.Alerts.Last == 0 {
		add("alerts", fmt.Sprintf("%d records have come to %s and no alert of them.", facts.Journal.Last, dir), "weir explain RULE FILES --key KEY --events FILE says what a rule saw of a key")
	}
	return list, nil
}
