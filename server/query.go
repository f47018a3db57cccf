package server

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// onlyQuery returns the parameters of a request by name, and refuses those that
// the route does not take: a misspelt filter must not widen an answer.
func onlyQuery(r *http.Request, names ...string) (map[string]string, error) {
	all, err := queryLists(r, names...)
	if err != nil {
		return nil, err
	}
	return once(all)
}

// once refuses parameters that are given more than once.
func once(lists map[string][]string) (map[string]string, error) {
	one := map[string]string{}
	for name, vs := range lists {
		if len(vs) > 1 {
			return nil, fail(codeParameter, "%s is given twice", name).hint("give it once")
		}
		one[name] = vs[0]
	}
	return one, nil
}

// queryLists is onlyQuery for parameters that may repeat.
func queryLists(r *http.Request, names ...string) (map[string][]string, error) {
	for name := range r.URL.Query() {
		if !slices.Contains(names, name) {
			e := fail(codeParameter, "there is no parameter %q here", name)
			if len(names) == 0 {
				return nil, e.hint("this route takes none")
			}
			return nil, e.hint("there are: %s", strings.Join(names, ", "))
		}
	}
	return r.URL.Query(), nil
}

// number reads a parameter that is a number in from..to; "" is otherwise.
func number(q map[string]string, name string, otherwise, from, to uint64) (uint64, error) {
	text, ok := q[name]
	if !ok {
		return otherwise, nil
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n < from || n > to {
		return 0, fail(codeParameter, "%s=%s is no number from %d to %d", name, text, from, to).hint("the default is %d", otherwise)
	}
	return n, nil
}

// duration reads a parameter that is a time such as 30s, at most most; "" is 0.
func duration(q map[string]string, name string, most time.Duration) (time.Duration, error) {
	text, ok := q[name]
	if !ok {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > most {
		return 0, fail(codeParameter, "%s=%s is no time from 0s to %v", name, text, most).hint("write it like %s=30s", name)
	}
	return d, nil
}

// instant reads a parameter that is a time; "" is 0.
func instant(q map[string]string, name string) (int64, error) {
	text, ok := q[name]
	if !ok {
		return 0, nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return 0, fail(codeParameter, "%s=%s is no time", name, text).hint("write it like %s=2026-01-31T10:00:00Z", name)
	}
	return t.UnixNano(), nil
}
