package gen

import "slices"

// never is later than any stream.
const never = int64(1) << 62

// agenda is what an actor will do: its rhythm, and single things that follow
// from what it did.
type agenda struct {
	rhythm int64 // when the rhythm comes next
	tasks  []task
	quiet  []span // when the rhythm is left out: something planted happens
}

type task struct {
	at int64
	do func(at int64)
}

type span struct{ from, to int64 }

func (a *agenda) due() int64 {
	if len(a.tasks) > 0 && a.tasks[0].at < a.rhythm {
		return a.tasks[0].at
	}
	return a.rhythm
}

// later adds a task, behind those of the same time.
func (a *agenda) later(at int64, do func(at int64)) {
	i := len(a.tasks)
	for i > 0 && a.tasks[i-1].at > at {
		i--
	}
	a.tasks = slices.Insert(a.tasks, i, task{at, do})
}

// take does the task that is due; false tells that the rhythm is.
func (a *agenda) take() bool {
	if len(a.tasks) == 0 || a.tasks[0].at >= a.rhythm {
		return false
	}
	t := a.tasks[0]
	a.tasks = slices.Delete(a.tasks, 0, 1)
	if !a.silent(t.at) {
		t.do(t.at)
	}
	return true
}

func (a *agenda) silence(from, to int64) { a.quiet = append(a.quiet, span{from, to}) }

func (a *agenda) silent(at int64) bool {
	for _, q := range a.quiet {
		if at >= q.from && at <= q.to {
			return true
		}
	}
	return false
}
