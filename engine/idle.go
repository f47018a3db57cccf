package engine

import (
	"github.com/weir-cep/weir/cep"
)

// Idle takes a partition out of its group's watermark until its next row: it
// has been silent for so long that the others are not to wait for it. What the
// others have released when it comes back is not asked of it any more.
func (e *Engine) Idle(source, partition uint32) error {
	part := e.known(source, partition)
	if part == nil || !part.active() {
		return e.err
	}
	part.idle = true
	return e.advanceAlone(part.group, part.group.target())
}

// Finish says that a partition has ended: the watermark no longer waits for it.
// The last one leaves it where it is: End or Tick decide how far time goes.
func (e *Engine) Finish(source, partition uint32) error {
	part := e.known(source, partition)
	if part == nil || part.ended {
		return e.err
	}
	part.ended = true
	return e.advanceAlone(part.group, part.group.target())
}

// known returns a partition; nil: the engine has failed, now if there is no
// such partition.
func (e *Engine) known(source, partition uint32) *partition {
	if e.err != nil {
		return nil
	}
	part := e.inputs[inputKey(source, partition)]
	if part == nil {
		e.fail(nil, cep.MakeRef(source, partition, 0))
	}
	return part
}

// Tick says that wall time has passed, ns. It moves the watermark of every
// group that has begun and of which no partition is left to move it, so that
// deadlines are met although nothing comes.
func (e *Engine) Tick(elapsed int64) error {
	for _, g := range e.groups {
		if e.err != nil {
			break
		}
		if elapsed > 0 && g.w != minTime && g.resting() {
			e.advanceAlone(g, after(g.w, elapsed))
		}
	}
	return e.err
}
