package page

import (
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"strings"
	"testing"
)

// get asks the page for a path with headers given as name, value, …
func get(t *testing.T, path string, headers ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest("GET", path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestHandlerServesEachFileWithItsType(t *testing.T) {
	for path, kind := range map[string]string{
		"/":                           "text/html; charset=utf-8",
		"/alerts/88301":               "text/html; charset=utf-8",
		"/pipeline":                   "text/html; charset=utf-8",
		"/silences":                   "text/html; charset=utf-8",
		"/assets/app/main.js":         "text/javascript; charset=utf-8",
		"/assets/vendor/core.js":      "text/javascript; charset=utf-8",
		"/assets/style.css":           "text/css; charset=utf-8",
		"/favicon.ico":                "image/svg+xml",
		"/assets/vendor/LICENSES.txt": "text/plain; charset=utf-8",
	} {
		r := get(t, path)
		if r.StatusCode != 200 || r.Header.Get("Content-Type") != kind {
			t.Errorf("%s: %d %s", path, r.StatusCode, r.Header.Get("Content-Type"))
		}
		if got := r.Header.Get("Content-Security-Policy"); got != policy {
			t.Errorf("%s: policy %q", path, got)
		}
		if body(t, r) == "" {
			t.Errorf("%s is empty", path)
		}
	}
	for _, path := range []string{"/assets/none.js", "/assets/", "/assets/vendor/core.d.ts", "/assets/../page.go"} {
		if r := get(t, path); r.StatusCode != 404 {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
}

func TestHandlerOnlyReads(t *testing.T) {
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, httptest.NewRequest("POST", "/", nil))
	if w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("%d, allowed %q", w.Code, w.Header().Get("Allow"))
	}
	w = httptest.NewRecorder()
	Handler().ServeHTTP(w, httptest.NewRequest("HEAD", "/", nil))
	if w.Code != 200 || w.Body.Len() != 0 || w.Header().Get("Content-Length") == "0" {
		t.Errorf("HEAD: %d, %d bytes, %q", w.Code, w.Body.Len(), w.Header().Get("Content-Length"))
	}
}

func TestHandlerAnswersAnETagWithNothing(t *testing.T) {
	for _, takes := range []string{"", "gzip"} {
		first := get(t, "/assets/app/main.js", "Accept-Encoding", takes)
		tag := first.Header.Get("ETag")
		if tag == "" {
			t.Fatal("no ETag")
		}
		for _, list := range []string{tag, `"other", ` + tag, "W/" + tag, "*"} {
			again := get(t, "/assets/app/main.js", "Accept-Encoding", takes, "If-None-Match", list)
			if again.StatusCode != 304 || body(t, again) != "" {
				t.Errorf("%q: %d", list, again.StatusCode)
			}
		}
		if again := get(t, "/assets/app/main.js", "Accept-Encoding", takes, "If-None-Match", `"other"`); again.StatusCode != 200 {
			t.Errorf("another tag: %d", again.StatusCode)
		}
	}
}

func TestHandlerPacksWhereThatIsTaken(t *testing.T) {
	plain := body(t, get(t, "/assets/style.css"))
	for takes, packed := range map[string]bool{
		"gzip": true, "br, gzip;q=0.5": true, "*": true, "GZIP": true,
		"": false, "br": false, "gzip;q=0": false, "*;q=0": false, "gzip;q=0, *": false, "identity": false,
	} {
		r := get(t, "/assets/style.css", "Accept-Encoding", takes)
		if (r.Header.Get("Content-Encoding") == "gzip") != packed {
			t.Errorf("%q: %q", takes, r.Header.Get("Content-Encoding"))
			continue
		}
		got := body(t, r)
		if packed {
			z, err := gzip.NewReader(strings.NewReader(got))
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(z)
			if err != nil {
				t.Fatal(err)
			}
			got = string(b)
		}
		if got != plain {
			t.Errorf("%q: another text", takes)
		}
	}
}

var (
	imports = regexp.MustCompile(`(?:from|import) "(\.[^"]+)"`)
	preload = regexp.MustCompile(`modulepreload" href="/([^"]+)"`)
	foreign = regexp.MustCompile(`https?://[^\s"'<>` + "`" + `)]+`)
)

// Every module is asked for at once, and none is that the page does not use.
func TestIndexNamesEveryModule(t *testing.T) {
	index, err := files.ReadFile("index.html")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{"assets/app/main.js": true}
	for _, m := range preload.FindAllSubmatch(index, -1) {
		named[string(m[1])] = true
	}
	used := map[string]bool{}
	var visit func(name string)
	visit = func(name string) {
		if used[name] {
			return
		}
		used[name] = true
		b, err := files.ReadFile(name)
		if err != nil {
			t.Error(err)
			return
		}
		for _, m := range imports.FindAllSubmatch(b, -1) {
			// What stands in a comment is for the checks of types.
			if !strings.HasSuffix(string(m[1]), "types.js") {
				visit(path.Join(path.Dir(name), string(m[1])))
			}
		}
	}
	visit("assets/app/main.js")
	for name := range used {
		if !named[name] {
			t.Errorf("index.html does not preload %s", name)
		}
	}
	for name := range named {
		if !used[name] {
			t.Errorf("index.html preloads %s, which nothing imports", name)
		}
	}
}

// The page works where there is no network but that to Weir, and under a
// policy that allows nothing inline.
func TestFilesKeepToThePolicy(t *testing.T) {
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(name, ".txt") {
			return err
		}
		b, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		for _, url := range foreign.FindAllString(string(b), -1) {
			if !strings.HasPrefix(url, "http://www.w3.org/") { // names of namespaces
				t.Errorf("%s speaks of %s", name, url)
			}
		}
		if strings.HasSuffix(name, ".html") && (bytes.Contains(b, []byte(" style=")) || bytes.Contains(b, []byte("<style")) || bytes.Contains(b, []byte("onclick"))) {
			t.Errorf("%s has something inline", name)
		}
		if strings.HasSuffix(name, ".css") && bytes.Contains(b, []byte("@import")) {
			t.Errorf("%s imports", name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
