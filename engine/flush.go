package engine

// Flush takes every partition out of the watermark, as Idle does, and moves
// every group's to behind its last row: all that the rows so far give has then
// been found. Rows that come later and stand before that are late.
func (e *Engine) Flush() error {
	for _, g := range e.groups {
		for _, p := range g.parts {
			if p.active() {
				p.idle = true
			}
		}
		if e.err == nil && g.last != minTime {
			e.advanceAlone(g, max(g.w, after(g.last, 1)))
		}
	}
	return e.err
}
