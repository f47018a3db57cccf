//go:build unix

package app

import (
	"compress/gzip"
	"os"
	"strings"
	"testing"
)

// TestTryLibrary tries the library's rules on files that nobody prepared.
func TestTryLibrary(t *testing.T) {
	inFolder(t)
	// European CSV of payments, in a shop's words; times in milliseconds in
	// nested JSON of logins; and a file that has nothing to do with any rule.
	pays := "Datum;Card-No;Shop;Amount;Status;Country;Client;Channel\n"
	for _, row := range []string{
		"2026-01-31 10:00:00;4711;m1;1.10;DECLINED;US;u1;online", "2026-01-31 10:00:40;4711;m1;0.90;DECLINED;US;u1;online",
		"2026-01-31 10:01:10;4711;m2;1.40;DECLINED;US;u1;online", "2026-01-31 10:02:00;4711;m3;640.00;OK;RO;u1;online", "2026-01-31 10:03:00;4712;m3;20.00;OK;DE;u2;chip",
	} {
		pays += row + "\n"
	}
	write(t, "pays.csv", pays)
	logins := ""
	for i := range 9 {
		ok := "false"
		if i == 8 {
			ok = "true"
		}
		logins += `{"meta":{"ts":` + "176985360000" + string(rune('0'+i)) + `},"who":{"username":"bob"},"net":{"client_ip":"10.0.0.` + string(rune('1'+i%2)) + `"},"success":` + ok + "}\n"
	}
	f, err := os.Create("logins.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(f)
	if _, err := z.Write([]byte(logins)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	f.Close()
	write(t, "poems.ndjson", `{"at":"2026-01-01T00:00:00Z","line":"rose"}`+"\n"+`{"at":"2026-01-01T00:00:01Z","line":"thorn"}`+"\n")
	for file, parts := range map[string][]string{
		"pays.csv": {"card_testing           1 alert, the first: Card 4711: 3 declines under 5.00 USD, then 640.00 USD in RO", "card_id from Card-No", "decision from Status", "entry from Channel",
			"heartbeat_lost         lacks Heartbeat.sensor_id", "brute_force            lacks events of 2 types: Login, PasswordChange"},
		"logins.json.gz": {"user_id from who.username", "ip from net.client_ip", "ok from success", "login_storm", "impossible_travel      lacks Login.geo"},
		"poems.ndjson":   {"LIBRARY  0 of its", "card_velocity          lacks Auth."},
	} {
		code, out, errs := weir(t, "try", file)
		if code != exitOK {
			t.Errorf("%s: %d %s", file, code, errs)
		}
		for _, p := range parts {
			if plain := strings.Join(strings.Fields(out), " "); !strings.Contains(plain, strings.Join(strings.Fields(p), " ")) {
				t.Errorf("%s: it does not say %q:\n%s", file, p, out)
			}
		}
	}
}

func TestAlike(t *testing.T) {
	for _, c := range []struct {
		path, field string
		is          bool
	}{{"card_id", "card_id", true}, {"CardID", "card_id", true}, {"payment.card-number", "card_id", true}, {"nameOrig", "from_account", true}, {"discard", "card_id", false}, {"id", "card_id", false}, {"amt", "amount", true}} {
		if got := alike(c.path, c.field) > 0; got != c.is {
			t.Errorf("%s and %s: %t", c.path, c.field, got)
		}
	}
}
