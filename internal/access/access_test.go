package access

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var born = time.Date(2026, 1, 31, 10, 0, 0, 0, time.UTC)

func newToken(t *testing.T, name string, role Role, expires time.Time) (string, Token) {
	t.Helper()
	secret, token, err := New(name, role, born, expires)
	if err != nil {
		t.Fatal(err)
	}
	return secret, token
}

func TestTokens(t *testing.T) {
	a, ta := newToken(t, "jd", Analyst, time.Time{})
	b, tb := newToken(t, "jd", Analyst, born.Add(time.Hour))
	if a == b || ta.Hash == tb.Hash || !strings.HasPrefix(a, Prefix) || len(a) != len(Prefix)+43 {
		t.Fatal(a, b)
	}
	if ta.Expired(born.Add(1e6*time.Hour)) || tb.Expired(born.Add(time.Hour-1)) || !tb.Expired(born.Add(time.Hour)) {
		t.Error("expiry")
	}
	if strings.Contains(ta.Line(), a[len(Prefix):]) {
		t.Error("the token stands in its line")
	}
	list, err := Parse("x", ta.Line()+"\n# a word\n\n"+tb.Line())
	if err != nil || len(list) != 2 || list[0] != ta || list[1] != tb {
		t.Fatal(list, err)
	}
	for _, name := range []string{"", "a b", "ä", "a\n", strings.Repeat("x", MaxName+1), "#a"} {
		if _, _, err := New(name, Viewer, born, time.Time{}); err == nil {
			t.Errorf("%q is a name", name)
		}
	}
	if _, _, err := New("a", Viewer, born, born); err == nil {
		t.Error("it has expired")
	}
}

func TestParseErrors(t *testing.T) {
	secret, token := newToken(t, "jd", Analyst, time.Time{})
	line := token.Line()
	word := func(i int, as string) string {
		fields := strings.Fields(line)
		fields[i] = as
		return strings.Join(fields, " ")
	}
	for text, want := range map[string]string{
		"jd":                             "x:1: a line has 5 words and not 1",
		line + " x":                      "and not 6",
		"\n# a\n" + word(1, "boss"):      `x:3: there is no role "boss"; there are: viewer, analyst`,
		word(1, "none"):                  "there is no role",
		word(0, "j/d"):                   "no name",
		word(2, secret):                  "this is a token itself",
		word(2, "sha256:abc"):            "64 lower-case",
		word(2, strings.Repeat("0", 71)): "64 lower-case",
		word(2, "sha256:"+strings.Repeat("g", 64)): "64 lower-case",
		word(2, "sha256:"+strings.Repeat("A", 64)): "64 lower-case",
		word(3, "yesterday"):                       `"yesterday" is no time`,
		word(3, "0001-01-01T00:00:00Z"):            "is no time",
		word(4, "ever"):                            `"ever" is no time`,
		line + "\n" + line:                         "x:2: the same token is in line 1",
		strings.Repeat("#", maxFile+1):             "larger",
	} {
		_, err := Parse("x", text)
		var at *ParseError
		if !errors.As(err, &at) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80q: %v, not %s", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Error("the token is in the error")
		}
	}
}

// FuzzParse: what is read is written as it was read, and nothing else is.
func FuzzParse(f *testing.F) {
	_, token, err := New("jd", Analyst, born, born.Add(time.Hour))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(token.Line())
	f.Add("# x\n\n" + token.Line() + "\r\n")
	f.Add("a viewer sha256:" + strings.Repeat("0", 64) + " 2026-01-31T10:00:00+01:00 never")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := Parse("x", text)
		if err != nil {
			var at *ParseError
			if !errors.As(err, &at) || at.Line < 1 || list != nil {
				t.Fatalf("%v %v", list, err)
			}
			return
		}
		var again strings.Builder
		for i := range list {
			if list[i].Role == None || list[i].Role > Sender || checkName(list[i].Name) != nil {
				t.Fatalf("%+v", list[i])
			}
			again.WriteString(list[i].Line() + "\n")
		}
		back, err := Parse("x", again.String())
		if err != nil || len(back) != len(list) {
			t.Fatalf("%v: %v", err, back)
		}
		for i := range back {
			if back[i] != list[i] {
				t.Fatalf("%+v became %+v", list[i], back[i])
			}
		}
	})
}

func TestRoles(t *testing.T) {
	for i, name := range RoleNames() {
		r, err := ParseRole(name)
		if err != nil || r != Role(i+1) || r.String() != name {
			t.Error(name, r, err)
		}
	}
	for _, c := range []struct {
		has, needs Role
		may        bool
	}{
		{None, None, true}, {None, Viewer, false}, {None, Sender, false}, {Viewer, Viewer, true}, {Viewer, Analyst, false}, {Admin, Operator, true}, {Admin, Sender, true},
		{Operator, Sender, true}, {Approver, Sender, false}, {Sender, Sender, true}, {Sender, None, true}, {Sender, Viewer, false}, {Sender, Admin, false},
	} {
		if c.has.May(c.needs) != c.may {
			t.Errorf("%v needs %v: not %v", c.has, c.needs, c.may)
		}
	}
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens")
	if _, err := Open(path); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "weir token new") {
		t.Fatal(err)
	}
	var clock atomic.Int64
	clock.Store(born.UnixNano())
	now := func() time.Time { return time.Unix(0, clock.Load()) }
	later := func(d time.Duration) { clock.Add(int64(d)) }
	a, ta := newToken(t, "a", Viewer, time.Time{})
	b, tb := newToken(t, "b", Admin, born.Add(time.Minute))
	for _, token := range []Token{ta, tb} {
		if err := Add(path, token); err != nil {
			t.Fatal(err)
		}
	}
	f, err := open(path, now)
	if err != nil {
		t.Fatal(err)
	}
	good := func(secret string, want bool) {
		t.Helper()
		got, ok := f.Lookup(secret)
		if ok != want || ok && Sum(secret) != got.Hash {
			t.Errorf("%v %+v, want %v", ok, got, want)
		}
	}
	good(a, true)
	good(b, true)
	good(a+"x", false)
	good("", false)
	good(strings.Repeat("x", 1<<20), false)
	if err := Add(path, ta); err == nil || !strings.Contains(err.Error(), "the same token is in line 3") {
		t.Error(err)
	}
	if err := os.WriteFile(path, []byte(ta.Line()+"\n"+ta.Line()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}

	// Changes are seen within a second.
	gone, err := Revoke(path, "a")
	if err == nil || len(gone) != 0 {
		t.Fatal("a file that is wrong is changed")
	}
	later(time.Second)
	good(a, true) // the tokens from before
	if f.Wrong() == nil || !strings.Contains(f.Wrong().Error(), "tokens:2: the same token is in line 1") {
		t.Error(f.Wrong())
	}
	if err := os.WriteFile(path, []byte(ta.Line()+"\n"+tb.Line()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	gone, err = Revoke(path, ta.Hash.ID())
	if err != nil || len(gone) != 1 || gone[0] != ta {
		t.Fatal(gone, err)
	}
	later(time.Second)
	good(a, false)
	good(b, true)
	if f.Wrong() != nil {
		t.Error(f.Wrong())
	}
	later(time.Minute)
	good(b, false) // expired
	if _, err := Revoke(path, "nobody"); err == nil || !strings.Contains(err.Error(), "weir token list") {
		t.Error(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	later(time.Second)
	if f.Wrong() == nil {
		t.Error("a file that is gone is not wrong")
	}
}

func TestMode(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("files have no modes here")
	}
	path := filepath.Join(t.TempDir(), "tokens")
	_, token := newToken(t, "a", Viewer, time.Time{})
	if err := Add(path, token); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatal(info.Mode(), err)
	}
	for mode, good := range map[fs.FileMode]bool{0o600: true, 0o400: true, 0o440: true, 0o640: true, 0o660: false, 0o644: false, 0o604: false, 0o602: false, 0o610: false} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); (err == nil) != good || err != nil && !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("%o: %v", mode, err)
		}
	}
	if _, err := Open(t.TempDir()); err == nil {
		t.Error("a folder is read")
	}
}

// Two that edit at once keep one another out; none's work is lost.
func TestEditors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			_, token, err := New(fmt.Sprint("n", i), Viewer, born, time.Time{})
			for end := time.Now().Add(30 * time.Second); err == nil; time.Sleep(time.Millisecond) {
				if err = Add(path, token); err == nil {
					return
				}
				if strings.Contains(err.Error(), "another weir token") && time.Now().Before(end) {
					err = nil
				}
			}
			t.Error(err)
		})
	}
	wg.Wait()
	list, err := List(path)
	if err != nil || len(list) != 8 {
		t.Fatal(len(list), err)
	}
}
