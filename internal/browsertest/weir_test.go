package browsertest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weir-cep/weir/internal/app"
)

// A test binary that is run with this in its environment is weir.
const asCommand = "WEIR_TEST_AS_COMMAND"

func init() {
	if os.Getenv(asCommand) != "" {
		os.Exit(app.Main(os.Args[1:], app.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
	}
}

// command prepares weir as a process.
func command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asCommand+"=1")
	return cmd
}

const rules = `event Auth {
  id id
  time at
  id: string
  at: timestamp
  card_id: string
  amount: money(USD)
}

source web of Auth from http { order: arrival }
%s
rule big_payment "A big payment" {
  by card_id
  on Auth when amount > 5000.00 USD
  alert {
    severity high
    message "Card {card_id} paid {amount}"
    labels { team: "card-fraud" }%s
  }
}

rule probed "Small payments, then a big one" {
  by card_id
  pattern {
    small: exactly 2 Auth where amount < 5.00 USD
    then big: Auth where amount > 500.00 USD
  } within 10m
  alert {
    severity critical
    score 90
    message "Card {card_id}: two payments under 5.00 USD, then {big.amount}"
    probed = sum(small.amount)
  }
}
`

// server is a weir serve of its own.
type server struct {
	t     *testing.T
	dir   string
	args  []string
	cmd   *exec.Cmd
	url   string
	errs  *lines
	exits chan error
}

type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// serve starts weir with the rules above on a port that stays its own over
// restarts. Its alerts of big_payment go to the sink, if there is one.
func serve(t *testing.T, sink string, args ...string) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	s := &server{t: t, dir: t.TempDir(), url: "http://" + addr}
	to := ""
	if sink != "" {
		to = "\n    to out"
	}
	file := filepath.Join(s.dir, "my.cep")
	if err := os.WriteFile(file, fmt.Appendf(nil, rules, sink, to), 0o644); err != nil {
		t.Fatal(err)
	}
	s.args = append([]string{"serve", "--listen", addr, "--state", filepath.Join(s.dir, "state"), file}, args...)
	s.start()
	t.Cleanup(s.stop)
	return s
}

// start starts it and waits until it answers.
func (s *server) start() {
	s.t.Helper()
	s.errs, s.exits = &lines{}, make(chan error, 1)
	s.cmd = command(s.args...)
	s.cmd.Stderr = s.errs
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	cmd, exits := s.cmd, s.exits
	go func() { exits <- cmd.Wait() }()
	end := time.Now().Add(patience)
	for {
		answer, err := http.Get(s.url + "/readyz")
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == 200 {
				return
			}
		}
		select {
		case err := <-exits:
			s.t.Fatalf("weir has ended (%v):\n%s", err, s.errs)
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(end) {
			s.t.Fatalf("weir does not get ready:\n%s", s.errs)
		}
	}
}

// stop asks it to stop, and waits until it has.
func (s *server) stop() {
	if s.cmd == nil {
		return
	}
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.t.Error(err)
	}
	select {
	case <-s.exits:
	case <-time.After(patience):
		s.t.Errorf("weir does not stop:\n%s", s.errs)
		_ = s.cmd.Process.Kill() // the test has failed
	}
	s.cmd = nil
}

// call asks the API as a script would, and reads its answer into v.
func (s *server) call(method, path, token string, body, v any) {
	s.t.Helper()
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			s.t.Fatal(err)
		}
		in = bytes.NewReader(b)
	}
	r, err := http.NewRequest(method, s.url+path, in)
	if err != nil {
		s.t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if answer.StatusCode/100 != 2 {
		s.t.Fatalf("%s %s: %s %s", method, path, answer.Status, text)
	}
	if v != nil {
		if err := json.Unmarshal(text, v); err != nil {
			s.t.Fatalf("%s: %v", text, err)
		}
	}
}

// pay posts payments of a card, in USD.
func (s *server) pay(card string, amounts ...string) {
	s.t.Helper()
	s.payAs("", card, amounts...)
}

var paid int

func (s *server) payAs(token, card string, amounts ...string) {
	s.t.Helper()
	var b strings.Builder
	for _, amount := range amounts {
		paid++
		fmt.Fprintf(&b, `{"type":"Auth","id":"a%d","card_id":%q,"amount":"%s USD","country":"RO","at":%q}`+"\n", paid, card, amount, time.Now().UTC().Format(time.RFC3339Nano))
	}
	r, err := http.NewRequest("POST", s.url+"/api/v1/events", strings.NewReader(b.String()))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-ndjson")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if want := fmt.Sprintf(`"accepted":%d,"rejected":0`, len(amounts)); answer.StatusCode != 200 || !strings.Contains(string(text), want) {
		s.t.Fatalf("%s %s", answer.Status, text)
	}
}
