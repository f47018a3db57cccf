package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weir-cep/weir/internal/access"
)

func TestToken(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	run := func(want int, args ...string) (string, string) {
		t.Helper()
		var out, errs strings.Builder
		if code := Main(append([]string{"token"}, args...), Streams{Out: &out, Err: &errs}); code != want {
			t.Fatalf("%v: exit %d: %s%s", args, code, out.String(), errs.String())
		}
		return out.String(), errs.String()
	}
	out, errs := run(exitOK, "new", "--name", "jd", "--role", "analyst", "--auth-file", file, "--expires", "90d")
	secret := strings.TrimSpace(out)
	if !strings.HasPrefix(secret, access.Prefix) || !strings.Contains(errs, "The token of jd, role analyst, expires 20") {
		t.Fatal(out, errs)
	}
	run(exitOK, "new", "--name", "sensors", "--role", "sender", "--auth-file", file)
	text, err := os.ReadFile(file)
	if err != nil || strings.Contains(string(text), secret) {
		t.Fatal(string(text), err)
	}
	f, err := access.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := f.Lookup(secret); !ok || got.Name != "jd" || got.Role != access.Analyst {
		t.Fatal(got, ok)
	}
	out, _ = run(exitOK, "list", "--auth-file", file)
	if !strings.Contains(out, "jd       analyst  20") || !strings.Contains(out, "never") || strings.Contains(out, secret) {
		t.Error(out)
	}
	out, _ = run(exitOK, "revoke", "jd", "--auth-file", file)
	if !strings.Contains(out, "of jd, role analyst") {
		t.Error(out)
	}
	if err := f.Reload(); err != nil {
		t.Fatal(err)
	}
	if _, ok := f.Lookup(secret); ok {
		t.Error("still good")
	}
	for _, c := range []struct {
		args string
		want string
	}{
		{"revoke jd", "no token of name or id"}, {"new --name jd --role boss", "there are: viewer"}, {"new --name j/d --role viewer", "no name"},
		{"new --name jd --role viewer --expires 1y", "90d or 12h"}, {"new --name jd --role viewer --expires 0d", "90d or 12h"}, {"new --role viewer", "--name"},
	} {
		if _, errs := run(exitInput, append(strings.Fields(c.args), "--auth-file", file)...); !strings.Contains(errs, c.want) {
			t.Errorf("%s: %s", c.args, errs)
		}
	}
}
