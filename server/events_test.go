package server

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"

	"github.com/weir-cep/weir/engine"
	"github.com/weir-cep/weir/internal/decode"
)

func TestEventsOfEveryForm(t *testing.T) {
	for _, c := range []struct{ name, kind, body, lines string }{
		{"lines", "application/x-ndjson", "{\"a\":1}\n{\"a\":2}\n", `{"a":1}|{"a":2}`},
		{"lines without the last end", "application/x-ndjson", "{\"a\":1}\r\n\r\n  \n{\"a\":2}", `{"a":1}|{"a":2}`},
		{"a byte order mark", "", "\xef\xbb\xbf{\"a\":1}", `{"a":1}`},
		{"lines under the name of JSON", "application/json", "{\"a\":1}\n{\"a\":2", `{"a":1}|{"a":2`},
		{"an array", "application/json; charset=utf-8", ` [ {"a":"],\"["} , {"b":[{}]},3 ,"x","y\\"] `, `{"a":"],\"["}|{"b":[{}]}|3|"x"|"y\\"`},
		{"an array on many lines", "application/json", "[\n  {\n    \"a\": \"x\\n\"\n  },\n  {}\n]\n", `{     "a": "x\n"   }|{}`},
		{"a line end inside a text", "application/json", "[{\"a\":\"x\ny\"}]", "{\"a\":\"x\ty\"}"},
		{"one object on many lines", "application/json", "{\n\"a\":1\n}", `{ "a":1 }`},
		{"several objects on many lines", "application/json", "{\n\"a\":1}{\"b\":2\n} {}", `{ "a":1}|{"b":2 }|{}`},
		{"an array as curl sends it", "application/x-www-form-urlencoded", `[{"a":1}]`, `{"a":1}`},
		{"lines as curl sends them", "application/x-www-form-urlencoded", `{"a":1}`, `{"a":1}`},
		{"an array where lines are announced is a bad record", "application/x-ndjson", `[{"a":1}]`, `[{"a":1}]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			rt := &fakeRuntime{}
			s := New(Config{Runtime: rt})
			expect(t, ask(t, s.Handler(), "POST", "/api/v1/events?source=web", c.body, "Content-Type", c.kind), 200)
			if got := strings.Join(rt.lines, "|"); got != c.lines {
				t.Errorf("got %s, not %s", got, c.lines)
			}
			if rt.source != "web" {
				t.Errorf("source %q", rt.source)
			}
			if s.bodies.now() != 0 {
				t.Errorf("%d bytes are not given back", s.bodies.now())
			}
		})
	}
}

func TestAnswerNamesLines(t *testing.T) {
	rt := &fakeRuntime{}
	h := New(Config{Runtime: rt, Limits: Limits{Rejects: 2}}).Handler()
	got := expect(t, ask(t, h, "POST", "/api/v1/events", "{}\n\nx\n{}\ny\nz\n"), 200,
		`"accepted":2,"rejected":3,"skipped":0`, `{"line":3,"reason":"bad_json","detail":"an object was expected","field":"f"}`, `"line":5`, `"errors_left_out":1`)
	if strings.Contains(got, `"line":6`) {
		t.Errorf("more errors than the limit: %s", got)
	}
	expect(t, ask(t, h, "POST", "/api/v1/events", `["x"]`), 200, `"line":1`, "no record could be read")
	rt.receipt = &engine.Receipt{Skipped: 2, Unknown: []decode.TypeCount{{Type: "Foo", Count: 2}}}
	expect(t, ask(t, h, "POST", "/api/v1/events", `{}`), 200, `"skipped":2`, `"unknown_types":["Foo"]`, "of a type that a rule names", `"errors":[]`)
}

func TestEventsRefused(t *testing.T) {
	rt := &fakeRuntime{}
	small := Limits{Body: 100, Decoded: 200, Bodies: 1 << 20}
	for _, c := range []struct {
		name, path, body string
		headers          []string
		status           int
		holds            []string
	}{
		{"nothing", "", " \n\n", nil, 400, []string{"empty_body", "there is no event"}},
		{"an empty array", "", "[ ]", nil, 400, []string{"empty_body"}},
		{"an array that is cut off", "", `[{"a":1},{"a"`, nil, 400, []string{"bad_body", "at byte 13", "ends inside a value"}},
		{"an array without its end", "", `[{"a":1}`, nil, 400, []string{"bad_body", "does not end"}},
		{"an array without a comma", "", `[{"a":1} {}]`, nil, 400, []string{"bad_body", "at byte 9, a comma"}},
		{"an array with a hole", "", `[{"a":1},,{}]`, nil, 400, []string{"bad_body", "at byte 9, a value is missing"}},
		{"an array with a comma too many", "", `[{"a":1},]`, nil, 400, []string{"a value is missing"}},
		{"something behind an array", "", `[{"a":1}] x`, nil, 400, []string{"at byte 10, something stands behind"}},
		{"objects with a comma between", "", "{\n},{}", []string{"Content-Type", "application/json"}, 400, []string{"a value is missing"}},
		{"another type", "", "<x/>", []string{"Content-Type", "text/xml"}, 415, []string{"unsupported_media_type", "NDJSON"}},
		{"another encoding", "", "x", []string{"Content-Encoding", "br"}, 415, []string{"unsupported_encoding", "gzip, zstd"}},
		{"not gzip", "", "{}", []string{"Content-Encoding", "gzip"}, 400, []string{"bad_body", "not gzip"}},
		{"gzip that is cut off", "", string(gzipped(t, `{"a":1}`)[:20]), []string{"Content-Encoding", "gzip"}, 400, []string{"bad_body", "can't be read to its end"}},
		{"not zstd", "", "{}", []string{"Content-Encoding", "zstd"}, 400, []string{"bad_body"}},
		{"too large", "", strings.Repeat("x", 101), nil, 413, []string{"body_too_large", "100 bytes as it is sent"}},
		{"too large once it is decompressed", "", string(gzipped(t, strings.Repeat("x", 201))), []string{"Content-Encoding", "gzip"}, 413, []string{"200 bytes once it is decompressed"}},
		{"another parameter", "?sources=x", "{}", nil, 400, []string{"bad_parameter", "there are: source"}},
		{"two sources", "?source=x&source=y", "{}", nil, 400, []string{"source is given twice"}},
		{"a browser's page of another origin", "", "{}", []string{"Origin", "https://evil.example"}, 403, []string{"cross_origin"}},
		{"a browser's request across sites", "", "{}", []string{"Sec-Fetch-Site", "cross-site"}, 403, []string{"cross_origin"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := New(Config{Runtime: rt, Limits: small})
			r := ask(t, s.Handler(), "POST", "/api/v1/events"+c.path, c.body, c.headers...)
			got := expect(t, r, c.status, c.holds...)
			if !strings.Contains(got, `"request_id":"`) || r.Header.Get("X-Request-Id") == "" {
				t.Errorf("no request id: %s", got)
			}
			if !strings.HasPrefix(got, `{"error":{"code":"`) {
				t.Errorf("%s is not an error in JSON", got)
			}
			if len(rt.lines) > 0 {
				t.Errorf("taken: %q", rt.lines)
			}
			if s.bodies.now() != 0 {
				t.Errorf("%d bytes are not given back", s.bodies.now())
			}
		})
	}
}

func TestIngestErrors(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		retry  string
		holds  []string
	}{
		{&engine.ErrBusy{Why: "64 MiB wait", RetryAfter: 1500 * time.Millisecond}, 429, "2", []string{`"busy"`, "Retry-After", "64 MiB wait"}},
		{fmt.Errorf("append: %w", engine.ErrStalled), 503, "5", []string{`"stalled"`, "make room"}},
		{engine.ErrClosed, 503, "5", []string{`"stopping"`}},
		{fmt.Errorf("%w: \"x\"; there is web, app", engine.ErrNoSource), 404, "", []string{"unknown_source", "web, app", "from http"}},
		{engine.ErrNoRules, 503, "1", []string{"unavailable"}},
		{context.DeadlineExceeded, 503, "1", []string{"unavailable", "may be in it"}},
		{errors.New("secret detail"), 500, "", []string{`"internal"`}},
	} {
		rt := &fakeRuntime{err: c.err}
		r := ask(t, New(Config{Runtime: rt}).Handler(), "POST", "/api/v1/events", "{}")
		got := expect(t, r, c.status, c.holds...)
		if r.Header.Get("Retry-After") != c.retry {
			t.Errorf("%v: Retry-After %q, not %q", c.err, r.Header.Get("Retry-After"), c.retry)
		}
		if strings.Contains(got, "secret") {
			t.Errorf("an inner error is shown: %s", got)
		}
	}
}

func gzipped(t *testing.T, s string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, s); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestCompressedBodies(t *testing.T) {
	lines := strings.Repeat(`{"type":"E","n":1}`+"\n", 20000)
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	for encoding, body := range map[string]string{
		"gzip": string(gzipped(t, lines)), "x-gzip": string(gzipped(t, lines)), "zstd": string(z.EncodeAll([]byte(lines), nil)), "identity": lines,
	} {
		rt := &fakeRuntime{}
		s := New(Config{Runtime: rt})
		for range 2 { // the second has a decoder that was used
			expect(t, ask(t, s.Handler(), "POST", "/api/v1/events", body, "Content-Encoding", encoding), 200, `"accepted":20000`)
		}
	}
}

// A small body that grows a thousandfold is refused before it is in memory.
func TestBombs(t *testing.T) {
	huge := strings.Repeat("0", 256<<20)
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	bombs := map[string]string{"gzip": string(gzipped(t, huge)), "zstd": string(z.EncodeAll([]byte(huge), nil))}
	huge = ""
	s := New(Config{Runtime: &fakeRuntime{}, Limits: Limits{Decoded: 4 << 20}})
	for encoding, body := range bombs {
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		expect(t, ask(t, s.Handler(), "POST", "/api/v1/events", body, "Content-Encoding", encoding), 413, "once it is decompressed")
		runtime.ReadMemStats(&after)
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 64<<20 {
			t.Errorf("%s: %d bytes were allocated for a body of %d", encoding, grown, len(body))
		}
	}
}

// All bodies together are bounded: who comes when there is no room is told to
// come again.
func TestBodiesTogether(t *testing.T) {
	rt := &fakeRuntime{}
	s := New(Config{Runtime: rt, Limits: Limits{Bodies: 3000}})
	big := strings.Repeat(" ", 2000) + "{}"
	var inner *http.Response
	rt.ingested = func() { // while one is taken in, another comes
		inner = ask(t, s.Handler(), "POST", "/api/v1/events", big)
	}
	expect(t, ask(t, s.Handler(), "POST", "/api/v1/events", big), 200)
	expect(t, inner, 429, "busy")
	rt.ingested = nil
	expect(t, ask(t, s.Handler(), "POST", "/api/v1/events", big), 200)
}

// start serves on a loopback port and returns its address.
func start(t *testing.T, c Config) (*Server, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	s := New(c)
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Drain()
		s.http.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s, l.Addr().String()
}

// A client that sends its body too slowly is answered with 408, one that sends
// its headers too slowly is cut off.
func TestSlowClients(t *testing.T) {
	rt := &fakeRuntime{}
	_, addr := start(t, Config{Runtime: rt, Limits: Limits{ReadHeader: 300 * time.Millisecond, Read: 100 * time.Millisecond}})
	for _, c := range []struct{ send, want string }{
		{"POST /api/v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{", "body_too_slow"},
		{"POST /api/v1/events HTTP/1.1\r\nHost: loc", ""},
	} {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, c.send); err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(30 * time.Second))
		got, err := io.ReadAll(conn)
		if err != nil {
			t.Fatalf("the connection is not closed: %v", err)
		}
		if !strings.Contains(string(got), c.want) || c.want == "" && strings.Contains(string(got), " 200 ") {
			t.Errorf("%q was answered with %q", c.send, got)
		}
	}
	if len(rt.lines) > 0 {
		t.Errorf("taken: %q", rt.lines)
	}
}

func TestHugeHeaders(t *testing.T) {
	_, addr := start(t, Config{Runtime: &fakeRuntime{}, Limits: Limits{Header: 4096}})
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	go fmt.Fprintf(conn, "GET /livez HTTP/1.1\r\nHost: localhost\r\nX: %s\r\n\r\n", strings.Repeat("x", 64<<10))
	got := make([]byte, 64)
	n, err := io.ReadAtLeast(conn, got, 12)
	if err != nil || !strings.Contains(string(got[:n]), " 431 ") {
		t.Errorf("%q, %v", got[:n], err)
	}
}

// Any array is split into the values that encoding/json sees.
func TestSplit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(rapid.StringOf(rapid.SampledFrom([]rune("a\\\"[]{},:\n\t 1é"))), 1, 5).Draw(t, "texts")
		var b bytes.Buffer
		b.WriteString(" [")
		for i, s := range texts {
			if i > 0 {
				b.WriteString(rapid.SampledFrom([]string{",", " ,\n", ",\r\n\t"}).Draw(t, "comma"))
			}
			fmt.Fprintf(&b, `{"k":%q,"l":[%d,{}]}`, s, i)
		}
		b.WriteString("]\n")
		lines, e := records(b.Bytes(), formValues)
		if e != nil {
			t.Fatalf("%s: %v", b.String(), e)
		}
		want := ""
		for i, s := range texts {
			want += fmt.Sprintf(`{"k":%q,"l":[%d,{}]}`, s, i) + "\n"
		}
		if string(lines) != want {
			t.Fatalf("got %s\nwant %s", lines, want)
		}
	})
}

func FuzzRecords(f *testing.F) {
	for _, s := range []string{`[{"a":1},{"b":"\n"}]`, "{}\n{}", "[\n1,\n[2]\n]", `{"a":"\\"}{"b":1}`, "[", `["\`} {
		f.Add([]byte(s), uint8(0))
		f.Add([]byte(s), uint8(1))
		f.Add([]byte(s), uint8(2))
	}
	f.Fuzz(func(t *testing.T, body []byte, kind uint8) {
		lines, e := records(bytes.Clone(body), form(kind%3))
		if e != nil {
			return
		}
		if len(lines) == 0 || lines[len(lines)-1] != '\n' {
			t.Fatalf("%q has no line end", lines)
		}
		if len(lines) > 2*len(body)+2 {
			t.Fatalf("%d bytes became %d", len(body), len(lines))
		}
	})
}
