package server

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// encodings are what a body may be compressed with.
const encodings = "gzip, zstd"

// read takes the body of a request in, decompressed. give returns what the body
// takes of the memory for all of them; it must be called when the body is done
// with, whatever read returned.
func (s *Server) read(w http.ResponseWriter, r *http.Request) (body []byte, give func(), err error) {
	var held int64
	give = func() { s.bodies.give(held) }
	if r.ContentLength > s.limits.Body {
		return nil, give, s.large(s.limits.Body)
	}
	// The connection's own deadline covers the headers too; this one is for the
	// body alone. Where it can't be set, that one holds.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.limits.Read))
	raw := http.MaxBytesReader(w, r.Body, s.limits.Body)
	plain, done, e := decompress(r.Header.Get("Content-Encoding"), raw)
	if e != nil {
		if e.Code == codeEncoding {
			w.Header().Set("Accept-Encoding", encodings)
		}
		return nil, give, e
	}
	defer done()
	most := s.limits.Decoded
	if plain == io.Reader(raw) {
		most = s.limits.Body
	}
	size := int64(64 << 10)
	if plain == io.Reader(raw) && r.ContentLength >= 0 {
		size = r.ContentLength
	}
	for {
		// One byte more than there is, so that the end shows.
		grown := min(size, most) + 1
		if !s.bodies.take(grown - int64(cap(body))) {
			return nil, give, busy("too many events are being taken in at once")
		}
		held += grown - int64(cap(body))
		body = append(make([]byte, 0, grown), body...)
		body, err = fillUp(plain, body)
		switch {
		case int64(len(body)) > most:
			return nil, give, s.large(most)
		case err == io.EOF:
			return body, give, nil
		case err != nil:
			return nil, give, s.broken(err)
		}
		size *= 2
	}
}

// fillUp reads until buf is full.
func fillUp(r io.Reader, buf []byte) ([]byte, error) {
	for len(buf) < cap(buf) {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err != nil {
			return buf, err
		}
	}
	return buf, nil
}

func (s *Server) large(most int64) *Error {
	what := "as it is sent"
	if most == s.limits.Decoded {
		what = "once it is decompressed"
	}
	return fail(codeLarge, "the body is larger than %d bytes %s", most, what).hint("send the events in several requests of a few thousand each")
}

// broken says what is wrong with a body that can't be read to its end.
func (s *Server) broken(err error) error {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return s.large(s.limits.Body)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fail(codeSlow, "the body did not come within %v", s.limits.Read).hint("send fewer events in a request")
	case errors.Is(err, zstd.ErrDecoderSizeExceeded), errors.Is(err, zstd.ErrWindowSizeExceeded):
		return fail(codeLarge, "the body needs too much memory to be decompressed").hint("compress it with a window of at most %d bytes", maxWindow)
	}
	return fail(codeBody, "the body can't be read to its end: %v", err).hint("was it cut off, or compressed with something else than Content-Encoding says? Nothing of it was taken")
}

// maxWindow bounds the memory of a zstd stream.
const maxWindow = 8 << 20

var (
	gzips = sync.Pool{New: func() any { return new(gzip.Reader) }}
	zstds = sync.Pool{New: func() any {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			panic("server: " + err.Error()) // the options are constant
		}
		return d
	}}
)

// decompress undoes a Content-Encoding. done returns what it uses.
func decompress(encoding string, raw io.Reader) (plain io.Reader, done func(), e *Error) {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
		return raw, func() {}, nil
	case "gzip", "x-gzip":
		z := gzips.Get().(*gzip.Reader)
		if err := z.Reset(raw); err != nil {
			gzips.Put(z)
			return nil, nil, notCompressed("gzip", err)
		}
		return z, func() { gzips.Put(z) }, nil
	case "zstd":
		z := zstds.Get().(*zstd.Decoder)
		if err := z.Reset(raw); err != nil {
			zstds.Put(z)
			return nil, nil, notCompressed("zstd", err)
		}
		return z, func() { _ = z.Reset(nil); zstds.Put(z) }, nil
	}
	return nil, nil, fail(codeEncoding, "a body with Content-Encoding %q can't be read", encoding).hint("use one of: %s; or none", encodings)
}

func notCompressed(as string, err error) *Error {
	return fail(codeBody, "the body is not %s, as its Content-Encoding says", as).hint("%s", fmt.Sprint(err))
}
