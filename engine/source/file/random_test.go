package file

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weir-cep/weir/engine/source/sourcetest"
)

var rounds = flag.Int("file.rounds", 12, "random logs of TestRandomLog")

// A writer appends in pieces, rotates in the ways there are, and the reader
// crashes now and then: every record comes once, in order.
func TestRandomLog(t *testing.T) {
	for seed := range uint64(*rounds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			randomLog(t, rand.New(rand.NewPCG(seed, 7)))
		})
	}
}

func randomLog(t *testing.T, rnd *rand.Rand) {
	dir := t.TempDir()
	path := filepath.Join(dir, "e.ndjson")
	write(t, path, events(0, 12))
	in := sourcetest.New()
	const options = `path: "e.ndjson", follow: true`
	r := run(t, open(t, dir, options), in)
	n, rotated := 12, 0
	expect(t, in, "e.ndjson", texts(0, n))
	var did []string
	defer func() {
		if t.Failed() {
			t.Log(strings.Join(did, "\n"), r.Err())
		}
	}()
	rest := "" // of the last line
	for range 40 {
		op := rnd.IntN(8)
		switch op {
		case 0: // crash
			in.Crash()
			r.Stop(t)
			in.Restart()
			r = run(t, open(t, dir, options), in)
		case 1: // rename
			rotated++
			rename(t, path, fmt.Sprintf("%s.%04d", path, rotated))
			add(t, fmt.Sprintf("%s.%04d", path, rotated), rest)
			if rest != "" {
				n++
			}
			rest = ""
			write(t, path, events(n, n+12)) // more than a fingerprint, so that a new file is not taken for an old one
			n += 12
		case 2: // copy and cut off
			if rest != "" {
				continue
			}
			// A file that is cut off before anything of it was read cannot be
			// told from one that was not.
			expect(t, in, "e.ndjson", texts(0, n))
			rotated++
			all, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			write(t, fmt.Sprintf("%s.%04d", path, rotated), string(all))
			if err := os.Truncate(path, 0); err != nil {
				t.Fatal(err)
			}
			add(t, path, events(n, n+12))
			n += 12
		case 3: // be read
			expect(t, in, "e.ndjson", texts(0, n))
		default:
			if rest != "" {
				add(t, path, rest, "\n")
				n++
			}
			k := rnd.IntN(50)
			add(t, path, events(n, n+k))
			n += k
			cut := rnd.IntN(len(event(n)))
			add(t, path, event(n)[:cut])
			if rest = event(n)[cut:]; cut == 0 {
				rest = ""
			}
		}
		did = append(did, fmt.Sprintf("%d: %d events, %d rotated, open %d", op, n, rotated, len(rest)))
	}
	expect(t, in, "e.ndjson", texts(0, n))
	in.Crash()
	r.Stop(t)
	in.Restart()
	r = run(t, open(t, dir, options), in)
	if rest != "" {
		add(t, path, rest, "\n")
		n++
	}
	add(t, path, events(n, n+5))
	expect(t, in, "e.ndjson", texts(0, n+5))
}
