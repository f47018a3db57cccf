package remote

import (
	"fmt"
	"time"
)

// silenced names the silences in force.
func (e *examination) silenced() (list []Finding) {
	for i := range e.silences {
		s := &e.silences[i]
		if s.Starts.After(e.pipe.Now) {
			continue
		}
		list = append(list, Finding{false, "silence " + s.ID, fmt.Sprintf("%s is silenced until %s by %s: %s (%d alerts so far)", what(s), at(s.Ends), s.By, s.Reason, s.Alerts), "weir silences end " + s.ID})
	}
	return list
}

// sinks names sinks that do not take their alerts.
func (e *examination) sinks() (list []Finding) {
	for i := range e.pipe.Sinks {
		d := &e.pipe.Sinks[i]
		name := "sink " + d.Name
		if d.Error != "" {
			list = append(list, Finding{true, name, fmt.Sprintf("It takes no alerts, %d wait: %s", d.Behind, d.Error), "it is tried again by itself; mend what the error names"})
		}
		if d.Refused > 0 && d.Kind != "webhook" { // whose messages can be sent again: see hooks
			list = append(list, Finding{false, name, fmt.Sprintf("It will never take %s.", count(int(d.Refused), "alert")), "the server's log says why"})
		}
		if d.Lost > 0 {
			list = append(list, Finding{true, name, fmt.Sprintf("%d alerts were removed from the log before it took them.", d.Lost), "raise --alerts-kept"})
		}
	}
	return list
}

// hooks names webhooks that do not take their messages.
func (e *examination) hooks() (list []Finding) {
	for i := range e.endpoints {
		h := &e.endpoints[i]
		name := "webhook " + h.Sink
		switch {
		case h.Disabled != "":
			list = append(list, Finding{true, name, fmt.Sprintf("It is off, %s: %s", count(h.Pending, "message")+" wait", h.Disabled), fmt.Sprintf("weir deliveries test %s tries it; curl -X POST %s/api/v1/endpoints/%s/enable switches it on", h.Sink, e.url, h.Sink)})
		case !h.Failing.IsZero():
			list = append(list, Finding{true, name, fmt.Sprintf("It has taken nothing for %s, %s: %s", ago(e.pipe.Now.Sub(h.Failing)), count(h.Pending, "message")+" wait", h.Error), fmt.Sprintf("weir deliveries list --sink %s --in pending shows the tries", h.Sink)})
		}
	}
	if e.dead > 0 {
		much := count(e.dead, "message")
		if e.dead >= 1000 {
			much = "1000 messages or more"
		}
		list = append(list, Finding{true, "deliveries", much + " to webhooks were given up.", "weir deliveries list --in dead shows why, weir deliveries retry --in dead sends them again"})
	}
	return list
}

// room names what runs out.
func (e *examination) room() (list []Finding) {
	s := &e.state
	if s.DiskFree != nil && *s.DiskFree < lowDisk {
		list = append(list, Finding{true, "disk", size(*s.DiskFree) + " are left on the disk of the state directory.", remedies["disk"]})
	}
	if s.Limit > 0 && s.Bytes > s.Limit/10*9 {
		list = append(list, Finding{true, "memory", fmt.Sprintf("What the rules remember takes %s of %s.", size(s.Bytes), size(s.Limit)), remedies["memory"]})
	}
	if c := &s.Checkpoint; !c.At.IsZero() && c.Every > 0 {
		if old := e.pipe.Now.Sub(c.At); old > max(time.Minute, time.Duration(20*c.Every*1e9)) && e.pipe.Queue.Records > 0 {
			list = append(list, Finding{true, "checkpoint", "The last checkpoint is " + ago(old) + " old.", remedies["checkpoint"]})
		}
	}
	return list
}
