//go:build unix

package app

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// A test binary that is run with this in its environment is a receiver of
// webhooks: address, file of what it has received, secret.
const asReceiver = "WEIR_TEST_AS_RECEIVER"

func init() {
	if spec := os.Getenv(asReceiver); spec != "" {
		fmt.Fprintln(os.Stderr, receive(strings.Split(spec, "|")))
		os.Exit(1)
	}
}

// receive verifies deliveries with the standard's own verifier, notes the id of
// each, and only then acknowledges it.
func receive(spec []string) error {
	verifier, err := standardwebhooks.NewWebhook(spec[2])
	if err != nil {
		return err
	}
	file, err := os.OpenFile(spec[1], os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", spec[0])
	if err != nil {
		return err
	}
	return http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		if err := verifier.Verify(body, r.Header); err != nil {
			fmt.Fprintf(file, "unverified %s: %v\n", r.Header.Get("webhook-id"), err)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		var message struct {
			Type string
			Data struct {
				AlertID string `json:"alert_id"`
				Seq     uint64
			}
		}
		if err := json.Unmarshal(body, &message); err != nil {
			fmt.Fprintf(file, "unreadable %s: %v\n", r.Header.Get("webhook-id"), err)
		}
		// One write, so that a kill leaves a whole line or none.
		fmt.Fprintf(file, "%s %s %s %d\n", message.Type, r.Header.Get("webhook-id"), message.Data.AlertID, message.Data.Seq)
		w.WriteHeader(http.StatusNoContent)
	}))
}

// receiver is such a process.
type receiver struct {
	t    *testing.T
	spec string
	addr string
	file string
	cmd  *exec.Cmd
}

func newReceiver(t *testing.T, secret string) *receiver {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{t: t, addr: l.Addr().String(), file: "received"}
	l.Close()
	r.spec = strings.Join([]string{r.addr, r.file, secret}, "|")
	r.start()
	t.Cleanup(func() { r.kill() })
	return r
}

func (r *receiver) start() {
	r.t.Helper()
	r.cmd = exec.Command(os.Args[0])
	r.cmd.Env = append(os.Environ(), asReceiver+"="+r.spec)
	r.cmd.Stderr = os.Stderr
	if err := r.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
}

func (r *receiver) kill() {
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait() // of a killed process
}

// received counts deliveries of alerts by their webhook id.
func (r *receiver) received() map[string]int {
	r.t.Helper()
	n := map[string]int{}
	text, err := os.ReadFile(r.file)
	if err != nil {
		return n
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		switch {
		case len(f) == 4 && f[0] == "alert.opened":
			if want := f[2] + "-" + f[3]; f[1] != want {
				r.t.Fatalf("the id is not %s: %s", want, line)
			}
			n[f[1]]++
		case len(f) == 4 && (f[0] == "alert.summary" || f[0] == "endpoint.disabled"):
			r.t.Fatalf("nothing was to be gathered or switched off: %s", line)
		case len(f) > 0 && strings.HasPrefix(f[0], "un"):
			r.t.Fatal(line)
		}
	}
	return n
}

// TestKilledDelivery: a server under load and the receiver of its webhook are
// killed again and again. Every alert of the log arrives, at least once, always
// under one id; the log has the alerts that weir run finds, each under one
// number, without a gap.
func TestKilledDelivery(t *testing.T) {
	inFolder(t)
	seed := *killSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	rng := rand.New(rand.NewPCG(seed, 7))
	t.Logf("seed %d (-kill.seed=%[1]d)", seed)
	secret := "whsec_" + base64.StdEncoding.EncodeToString([]byte("a secret of thirty-two bytes, ok"))
	write(t, "secret", secret+"\n")
	hook := newReceiver(t, secret)
	l := newTraffic(t, seed)
	rules := strings.NewReplacer("alert {", "alert { to hook ", "alert as Takeover {", "alert as Takeover { to hook ").Replace(loadRules)
	rules += fmt.Sprintf("sink hook to webhook { url: \"http://%s/in\", secret_file: \"secret\", allow: [\"127.0.0.0/8\"] }\n", hook.addr)
	write(t, "r.cep", rules+l.sources())
	args := []string{"r.cep", "--checkpoint-interval", "200ms", "--shards", "2", "--log-level", "error"}

	p := serve(t, "state", args...)
	l.begin(p)
	engines, receivers := 0, 0
	for range *killCount {
		p.after(time.Duration(rng.IntN(800)) * time.Millisecond)
		what := rng.IntN(3) // the server, the receiver, or both at once
		if what != 0 {
			hook.kill()
			receivers++
		}
		if what != 1 {
			p.stop(syscall.SIGKILL)
			engines++
			p = serve(t, "state", args...)
			l.turnTo(p)
		} else {
			p.after(time.Duration(rng.IntN(300)) * time.Millisecond)
		}
		if what != 0 {
			hook.start()
		}
	}
	l.end()
	l.check(p)

	sent := p.alertIDs()
	got := hook.received()
	p.until("every alert has arrived", func() bool {
		p.retryDeliveries("hook")
		got = hook.received()
		for id := range sent {
			if got[id] == 0 {
				return false
			}
		}
		return true
	})
	twice, most := 0, 0
	for id, n := range got {
		if !sent[id] {
			t.Errorf("%s is no alert of the log", id)
		}
		if n > 1 {
			twice++
		}
		most = max(most, n)
	}
	t.Logf("%d kills of the server, %d of the receiver; %d events, %d alerts: all arrived, %d more than once (%d times at most)",
		engines, receivers, l.posted, len(sent), twice, most)
}

// alertIDs are the webhook ids of all alerts of the log.
func (p *process) alertIDs() map[string]bool {
	p.t.Helper()
	ids := map[string]bool{}
	for after := uint64(0); ; {
		var page struct {
			Items []struct {
				AlertID string `json:"alert_id"`
				Seq     uint64
			}
			Next, Head uint64
		}
		p.get(fmt.Sprintf("/api/v1/alerts?limit=1000&after=%d", after), &page)
		for _, a := range page.Items {
			if _, err := hex.DecodeString(a.AlertID); err != nil {
				p.t.Fatal(err)
			}
			ids[fmt.Sprintf("%s-%d", a.AlertID, a.Seq)] = true
		}
		if after = page.Next; after >= page.Head {
			return ids
		}
	}
}

// retryDeliveries makes all deliveries that wait for their next try due.
func (p *process) retryDeliveries(sink string) {
	p.t.Helper()
	answer, err := http.Post(p.url+"/api/v1/deliveries/retry", "application/json", strings.NewReader(fmt.Sprintf(`{"sink":%q,"states":["pending","dead"]}`, sink)))
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(answer.Body)
		p.t.Fatalf("retry: %d %s", answer.StatusCode, text)
	}
}
