package engine

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/weir-cep/weir/cep"
)

// AddInput makes a partition known, also while the engine runs. From then on
// its group waits for it. Nothing that its group has released is asked of it:
// rows below are late. One that is known already takes in's functions, and if
// it had ended it goes on.
func (e *Engine) AddInput(in Input) error {
	if err := in.check(); err != nil {
		return err
	}
	if in.Name == "" {
		in.Name = DefaultSource
	}
	src, err := e.source(in.Source, in.Types)
	if err != nil {
		return err
	}
	if part := e.place(in, src, e.plan); part.ended {
		part.rejoin()
	}
	return nil
}

func (in *Input) check() error {
	if in.Source >= cep.MaxSources-1 || in.Partition >= cep.MaxPartitions {
		return fmt.Errorf("engine: input %d/%d, sources go to %d and partitions to %d", in.Source, in.Partition, cep.MaxSources-2, cep.MaxPartitions-1)
	}
	return nil
}

// place gives a partition its place in its source's group, whether it is new
// or not.
func (e *Engine) place(in Input, src *sourceState, p *plan) *partition {
	limit := in.Dedupe
	if limit == 0 {
		limit = e.cfg.Dedupe
	}
	if d := e.dedupes[in.Source]; d == nil {
		e.dedupes[in.Source] = newDedupe(limit)
	} else {
		d.setLimit(limit)
	}
	key, g := inputKey(in.Source, in.Partition), src.group
	part := e.inputs[key]
	if part == nil {
		part = &partition{source: in.Source, id: in.Partition, idle: in.Idle, max: minTime, floor: max(g.w, src.floor)}
		e.inputs[key] = part
		e.parts = append(e.parts, part)
	}
	if part.group != g {
		part.group = g
		g.parts = append(g.parts, part)
	}
	if late := p.lateness(in.Types); late != part.late {
		part.floor = max(part.floor, g.w) // more lateness does not bring back what is released
		part.late = late
	}
	part.name, part.ahead = in.Name, in.MaxAhead
	if i := slices.IndexFunc(e.cfg.Inputs, func(x Input) bool { return x.Source == in.Source && x.Partition == in.Partition }); i >= 0 {
		e.cfg.Inputs[i] = in
	} else {
		e.cfg.Inputs = append(e.cfg.Inputs, in)
	}
	e.steps.book.inputs[key] = in
	return part
}

// source returns what is known of a source, and makes it known.
func (e *Engine) source(id uint32, types []*cep.Schema) (*sourceState, error) {
	if s := e.sources[id]; s != nil {
		return s, nil
	}
	n, err := e.plan.groupOf(types)
	if err != nil {
		return nil, err
	}
	s := &sourceState{group: e.groups[n], floor: minTime}
	e.sources[id] = s
	return s, nil
}

// PartitionInfo is how far a partition is.
type PartitionInfo struct {
	Source, Partition uint32
	Name              string // of the source
	Group             int
	Greatest          int64  // greatest at so far, ns; the least int64 before the first row
	Watermark         int64  // ns; rows below are late
	Rows              uint64 // that came
	Late              uint64 // of these, that were too late
	Waiting           int    // of these, that wait for the group's watermark
	Idle              bool   // silent; its group does not wait for it
	Ended             bool
	Holds             bool // it is what its group waits for
}

// Partitions tells of all partitions, by source and number.
func (e *Engine) Partitions() []PartitionInfo {
	list := make([]PartitionInfo, 0, len(e.parts))
	for _, g := range e.groups {
		least := lowest(g.parts, nil)
		for _, p := range g.parts {
			list = append(list, PartitionInfo{Source: p.source, Partition: p.id, Name: p.name, Group: g.index,
				Greatest: p.max, Watermark: p.bound(), Rows: p.rows, Late: p.lateRows, Waiting: p.waiting,
				Idle: p.idle, Ended: p.ended, Holds: p.active() && p.w() == least})
		}
	}
	slices.SortFunc(list, func(a, b PartitionInfo) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Partition, b.Partition))
	})
	return list
}

// Watermark is the time below which a group has worked off everything; the
// least int64 if it has not begun or there is no such group.
func (e *Engine) Watermark(group int) int64 {
	if group < 0 || group >= len(e.groups) {
		return minTime
	}
	return e.groups[group].w
}
