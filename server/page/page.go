package page

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed index.html assets
var files embed.FS

// policy allows the page what is its own, and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// file is one file as it is served.
type file struct {
	kind   string // content type
	etag   string
	plain  []byte
	packed []byte // gzip; nil: not smaller
}

// types are the content types of what there is, so that none depends on the
// machine's own table.
var types = map[string]string{
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".svg":  "image/svg+xml",
	".txt":  "text/plain; charset=utf-8",
}

// Handler serves the page: its files below /assets/, and index.html for every
// other path, since what follows is told by the page itself from its address.
// Answers carry an ETag and are asked for again each time, so a new version of
// Weir is a new page at once.
func Handler() http.Handler {
	served := map[string]*file{}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		kind, ok := types[path.Ext(name)]
		if !ok || strings.HasSuffix(name, ".d.ts") {
			return nil
		}
		b, err := files.ReadFile(name)
		if err == nil {
			served["/"+name] = pack(kind, b)
		}
		return err
	})
	if err != nil {
		panic(err) // the files are in the binary
	}
	served["/favicon.ico"] = served["/assets/icon.svg"]
	index := served["/index.html"]
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f := served[r.URL.Path]
		switch {
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "the page is only read", http.StatusMethodNotAllowed)
			return
		case f == nil && strings.HasPrefix(r.URL.Path, "/assets/"):
			http.Error(w, "the page has no such file", http.StatusNotFound)
			return
		case f == nil:
			f = index
		}
		f.serve(w, r)
	})
}

func pack(kind string, b []byte) *file {
	sum := sha256.Sum256(b)
	f := &file{kind: kind, etag: hex.EncodeToString(sum[:12]), plain: b}
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		panic(err) // the level is one that there is
	}
	_, _ = z.Write(b) // a buffer takes everything
	_ = z.Close()
	if packed.Len() < len(b) {
		f.packed = packed.Bytes()
	}
	return f
}

func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("Content-Type", f.kind)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	h.Set("Cache-Control", "no-cache")
	h.Set("Vary", "Accept, Accept-Encoding")
	body, tag := f.plain, `"`+f.etag+`"`
	if f.packed != nil && takesGzip(r.Header.Get("Accept-Encoding")) {
		body, tag = f.packed, `"`+f.etag+`-gz"`
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("ETag", tag)
	if has(r.Header.Get("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // an error is the client's connection
	}
}

// has says whether a list of tags has one.
func has(list, tag string) bool {
	for one := range strings.SplitSeq(list, ",") {
		if one = strings.TrimSpace(one); one == "*" || strings.TrimPrefix(one, "W/") == tag {
			return true
		}
	}
	return false
}

// takesGzip reads Accept-Encoding: "gzip" or "*" that is not refused by q=0.
func takesGzip(list string) bool {
	takes := false
	for one := range strings.SplitSeq(list, ",") {
		name, params, err := mime.ParseMediaType(strings.Replace(strings.TrimSpace(one), "*", "any", 1))
		if err != nil || name != "gzip" && name != "any" {
			continue
		}
		q, err := strconv.ParseFloat(params["q"], 64)
		takes = params["q"] == "" || err == nil && q > 0
		if name == "gzip" {
			return takes
		}
	}
	return takes
}
