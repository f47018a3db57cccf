package app

import (
	"encoding/json"
	"fmt"
	"strings"
	"syscall"
	"testing"
)

// logged is the text of two alerts as the server has them.
func logged(p *process) string {
	p.t.Helper()
	p.alerts(0, 2)
	var page struct{ Items []json.RawMessage }
	p.get("/api/v1/alerts?after=0", &page)
	return fmt.Sprintf("%s", page.Items)
}

// Events are erased from under a running server, and from a directory that none
// works on.
func TestErase(t *testing.T) {
	inFolder(t)
	write(t, "r.cep", pairs)
	p := serve(t, "state", "r.cep", "--shards", "2")
	p.post(event(1, "a", 1), event(2, "b", 1), event(3, "a", 2), event(4, "b", 2))
	if got := logged(p); !strings.Contains(got, `"k":"a","n":1`) {
		t.Fatal(got)
	}
	erase := func(code int, want string, args ...string) {
		t.Helper()
		got, out, errs := weir(t, append([]string{"state", "erase"}, args...)...)
		if got != code || !strings.Contains(strings.Join(strings.Fields(out), ""), want) && !strings.Contains(errs, want) {
			t.Fatalf("weir state erase %s: exit code %d\n%s%s", strings.Join(args, " "), got, out, errs)
		}
	}
	erase(exitInput, "like --field card_id=c1", "--field", "k", "--state", "state")
	erase(exitInput, "there is no state directory", "--field", "k=a", "--state", "nowhere")
	erase(exitOK, `"rows":0,"alerts":0`, "--field", "k=a", "--type", "Other", "--state", "state")
	erase(exitOK, `"rows":2,"alerts":1`, "--field", "k=a", "--state", "state")
	erase(exitOK, `"rows":0,"alerts":0`, "--field", "k=a", "--server", p.url)
	if got := logged(p); strings.Contains(got, `"k":"a","n"`) || !strings.Contains(got, `"k":"b","n":1`) {
		t.Error(got)
	}
	p.stop(syscall.SIGTERM)
	erase(exitOK, `"rows":2,"alerts":1`, "--field", "k=b", "--type", "E", "--state", "state")
	p = serve(t, "state", "r.cep")
	if got := logged(p); strings.Contains(got, `"k":"b","n"`) || !strings.Contains(got, `"message":"b"`) {
		t.Error(got)
	}
	p.stop(syscall.SIGTERM)
}
