package replay

import (
	"strings"
	"testing"
)

// A story says what a run waited for and when it ended.
func TestStory(t *testing.T) {
	const rules = `
rule many { by k pattern { a: at least 3 A where n == 1 then b: A where n == 2 } within 10s alert { score 1 } }
rule silent { by k pattern { a: A where n == 1 then no A where n == 2 within 5s } alert { score 1 } }
rule hot { by k on A when n > 3 for 1m alert { score 1 } }
`
	for _, c := range []struct{ test, want string }{
		{`test "a step is short" for many { given at 2 x 1s every 2s A { n: 1 } at 20s A { n: 9 } expect 1 alert }`,
			"2 a (at least 3 needed) from 1s to 3s; ended 11s: its time ran out (within 10s) before a 3rd a came"},
		{`test "the next step is missing" for many { given at 3 x 1s every 1s A { n: 1 } at 20s A { n: 9 } expect 1 alert }`,
			"3 a (at least 3 needed) from 1s to 3s; ended 11s: its time ran out (within 10s) before b came"},
		{`test "in time so far" for many { given at 3 x 1s every 1s A { n: 1 } expect 1 alert }`,
			"still open when the events ended: waits for b"},
		{`test "what must not come" for silent { given at 1s A { n: 1 } at 3s A { n: 2 } expect 1 alert }`,
			"a at 1s; ended 3s: an event came that must not"},
		{`test "before the deadline" for silent { given at 1s A { n: 1 } expect 1 alert }`,
			"its deadline lies beyond"},
		{`test "not for long enough" for hot { given at 3 x 1s every 10s A { n: 4 } expect 1 alert }`,
			`it held at 3 of 3 events, and must hold for 1m; "wait 1m"`},
	} {
		all, prog := results(t, rules+c.test)
		why, err := Why(prog, all[0])
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(why, "\n"); !strings.Contains(got, c.want) {
			t.Errorf("%s: %q lacks %q", all[0].Test.Name, got, c.want)
		}
	}
}
