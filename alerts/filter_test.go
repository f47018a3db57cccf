package alerts

import (
	"errors"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/weir-cep/weir/cep"
)

// TestFilterLanguage asks a log for alerts, and each alert in hand: both agree.
func TestFilterLanguage(t *testing.T) {
	l, now := life(t, vfs.NewMem(), 0)
	list := testAlerts(1, 10)
	list[4].Status = "shadow"
	list[5].Labels = []cep.Label{{Name: "team", Text: "fraud"}}
	list[6].Message = `He said "Wire it"`
	_, err := l.Silence(Silence{Key: "c3", Reason: "r", By: "jd", Ends: now.UnixNano() + 1e12})
	must(t, err)
	must(t, l.Commit(1, list)) // keys c0 to c6 by n%7, severities by n%5, rules by n%3
	_, err = l.Act([]uint64{1, 2}, Change{State: ptr(StateAcknowledged), Assignee: ptr("j d")}, "jd")
	must(t, err)
	_, err = l.Act([]uint64{2}, Change{State: ptr(StateClosed), Outcome: ptr("fraud")}, "jd")
	must(t, err)
	for text, want := range map[string]string{
		"":                                   "1 2 3 4 5 6 7 8 9 10",
		"severity>=high":                     "3 4 8 9",
		"severity<=low and severity!=low":    "5 10",
		"severity in (critical, info)":       "4 5 9 10",
		"rule=rule_1":                        "1 4 7 10",
		"rule=*_1 and key=c1":                "1",
		"rule!=rule_*":                       "",
		`key="c2"`:                           "2 9",
		"state=open":                         "3 4 5 6 7 8 9 10",
		"state in (acknowledged,closed)":     "1 2",
		"state!=open AND outcome=fraud":      "2",
		`assignee="j d"`:                     "1 2",
		`assignee=""`:                        "3 4 5 6 7 8 9 10",
		"status=shadow":                      "5",
		"silenced=true":                      "3 10",
		"silenced=false and status==live":    "1 2 4 6 7 8 9",
		"label.team=fraud":                   "6",
		`label.team=""and severity=low`:      "1",
		"text~wire":                          "7",
		`"said \"wire"`:                      "7",
		"wire":                               "7",
		"RULE_2 and c2":                      "2",
		"at>=1970-01-01T00:00:09Z":           "9 10",
		"at<=1970-01-01T00:00:02.5Z and c1 ": "1",
	} {
		f, err := ParseFilter(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		p, err := l.After(0, 100, f)
		must(t, err)
		all, err := l.After(0, 100, Filter{})
		must(t, err)
		read, matched := numbers(p.Entries), ""
		for i := range all.Entries {
			if f.Matches(&all.Entries[i]) {
				matched += numbers(all.Entries[i:i+1]) + " "
			}
		}
		if read != want || strings.TrimSpace(matched) != want {
			t.Errorf("%s: %s and %s, not %s", text, read, matched, want)
		}
	}
}

func numbers(list []Entry) string {
	var words []string
	for i := range list {
		words = append(words, strings.TrimLeft(strings.Split(string(list[i].JSON), `"seq":`)[1][:2], ""))
	}
	return strings.ReplaceAll(strings.Join(words, " "), ",", "")
}

func TestWrongFilters(t *testing.T) {
	for text, want := range map[string]string{
		"sevrity>=high":              "column 1: there is no field \"sevrity\"",
		"severity>=hgh":              "column 9: there is no severity \"hgh\": info, low",
		"severity>high":              "column 9: write >= for >",
		"rule=a or rule=b":           "column 8: expected \"and\"",
		"rule=a and":                 "column 11: expected a term",
		"rule=":                      "column 6: expected a value",
		"ü and rule=":                "column 12: expected a value",
		"rule~x":                     "column 5: rule is not compared by ~: = !=",
		"state=(open)":               "column 7: a list stands behind \"in\"",
		"state in open":              "column 10: expected a list",
		"state in (open":             "column 15: expected \",\" or \")\"",
		`key="c1`:                    "column 5: the quote is not closed",
		"at>=yesterday":              "column 3: \"yesterday\" is no time",
		"= x":                        "column 1: expected a field",
		"label.=x":                   "there is no field",
		"silenced=maybe":             "true, false",
		strings.Repeat("x", 2000):    "2000 bytes long",
		strings.Repeat("x and ", 40): "more than 32 terms",
		"\xff":                       "not UTF-8",
	} {
		_, err := ParseFilter(text)
		var wrong *FilterError
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, not %q", text, err, want)
		}
	}
}

// FuzzFilter: what is read is written so that it is read as the same.
func FuzzFilter(f *testing.F) {
	for _, s := range []string{"severity>=high and rule=a*", `key="a\"b" and x`, "state in (open, closed)", "label.a.b!=c", "at>=2026-01-31T10:00:00Z", `""`} {
		f.Add(s)
	}
	e := Entry{JSON: wantText(1), Rule: "rule_1", Key: "c1", Severity: 1, At: 1e9}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseFilter(s)
		if err != nil {
			return
		}
		text := a.String()
		if len(text) > maxFilter {
			return // quotes and spaces can make it longer than may be
		}
		b, err := ParseFilter(text)
		if err != nil || b.String() != text || a.Matches(&e) != b.Matches(&e) {
			t.Fatalf("%q is written as %q: %v", s, text, err)
		}
	})
}
