package app

import (
	"os"
	"strings"
	"testing"
)

func TestTryFiles(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"eu.csv", "\xef\xbb\xbfWhen;Card;Sum;IP\n01.03.2026 10:00:00;c1;\"1.234,50\";10.0.0.1\n01.03.2026 10:01:00;c1;2,50;\n", []string{`timestamp("02.01.2006 15:04:05") from "When"`, "ip?", "decimal commas", "perl -pe", "2 events", `--delimiter ';'`}},
		{"names.csv", "ts;Karten-Nr.;card no;Händler Land;phone2\n2026-03-01T10:00:00Z;a;0711000011112222;DE;0049\n2026-03-01T10:00:01Z;b;4711000011112222;;12\n", []string{`karten_nr: string from "Karten-Nr."`, `card_no: string from "card no"`, `handler_land: string? from "Händler Land"`, "phone2: string\n", "2 events", "on Record when"}},
		{"ids.ndjson", `{"ts":"2026-03-01T10:00:00Z","user":{"id":"u1"},"pan":4711000011112222,"big":123456789012}` + "\n", []string{`user_id: string from "user.id"`, "pan: string\n", "big: string\n", "1 event", "global"}},
		{"n.ndjson", `{"a":{"ts":1772359200},"id":"x1","n":1}` + "\n" + `{"a":{"ts":1772359190},"id":"x2","n":2.5}` + "\n", []string{"id id", "late 11s", `timestamp(unix_s) from "a.ts"`, "n: number", "2 events"}},
		{"q.csv", "ts,note\n2026-03-01T10:00:00Z,\"two\nlines\"\n2026-03-01T10:00:01Z,x\n", []string{"note: string", "2 events"}},
		{"cases.ndjson", `{"type":"login","ts":1772359200}` + "\n" + `{"type":"LOGIN","ts":1772359201}` + "\n", []string{`event Login as "login" {`, "event LOGIN {", "2 events"}},
		{"types.ndjson", `{"kind":"order.created","ts":1772359200,"who":"u1","n":5}` + "\n" + `{"kind":"login","ts":"2026-03-01T10:00:00Z","who":"u1"}` + "\n", []string{`event OrderCreated as "order.created" {`, "ts: timestamp(unix_s)", "n: int", `event Login as "login" {`, "ts: timestamp\n", "2 events", "--events types.ndjson --type-field kind"}},
	} {
		t.Chdir(t.TempDir())
		write(t, c.name, c.text)
		code, out, errs := weir(t, "try", c.name, "--out", "my.cep")
		if code != exitOK {
			t.Fatalf("%s: %s%s", c.name, out, errs)
		}
		for _, w := range c.want {
			if !strings.Contains(out, w) {
				t.Errorf("%s lacks %q:\n%s", c.name, w, out)
			}
		}
		if strings.Contains(out, "rejected") {
			t.Errorf("%s has rejected records:\n%s", c.name, out)
		}
		if code, _, errs := weir(t, "check", "my.cep"); code != exitOK {
			t.Errorf("what was kept does not compile: %s", errs)
		}
		before, _ := os.ReadFile("my.cep")
		if code, _, errs := weir(t, "try", c.name, "--out", "my.cep"); code != exitInput || !strings.Contains(errs, "already") {
			t.Errorf("it writes over a file: %d %s", code, errs)
		}
		if after, _ := os.ReadFile("my.cep"); string(after) != string(before) {
			t.Error("the file has changed")
		}
	}
}

func TestTryRefuses(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, c := range [][2]string{{"", "is empty"}, {"a,b\n", "no record"}, {"PAR1\x00\x01", "Parquet"}, {"ab\x00cd", "not text"}, {"[{\"a\":1}]", "jq -c '.[]'"}, {"{\n\"a\":1\n}\n", "jq -c ."}, {"a,b\n1,2\n", "holds a time"}, {"ts,b\n1772359200,x\n1772359200000,y\n1772359201,y\n", `ts comes nearest: 2 of 3 records have a time of one form in it, another has "1772359200000"`}, {"ts,a,a\n1772359200,x,y\n", "column \"a\" twice"}, {strings.Repeat(`{"a":`, 50_000) + strings.Repeat("}", 50_000) + "\n", "deeper"}} {
		write(t, "f", c[0])
		if code, _, errs := weir(t, "try", "f"); code != exitInput || !strings.Contains(errs, c[1]) {
			t.Errorf("%q: %d %s", c[0], code, errs)
		}
	}
}
