package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"
)

// closed are ways to write addresses that are not somebody else's. Each is what
// stands in a URL where a host stands.
var closed = []string{
	"127.0.0.1", "127.1", "127.0.1", "127.255.255.254", "localhost", "LOCALHOST", "localhost.", "foo.localhost", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001",
	"0", "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.1.1.", "100.64.0.1", "100.127.255.255",
	"169.254.169.254", "2852039166", "0xa9fea9fe", "169.254.1.1", "100.100.100.200", "168.63.129.16", "192.0.0.1", "192.0.0.170", "192.0.2.1", "198.18.0.1", "198.19.255.255",
	"198.51.100.7", "203.0.113.7", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "192.88.99.1",
	"[::]", "[::1]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:169.254.169.254]", "[::ffff:10.0.0.1]", "[::127.0.0.1]", "[::ffff:0:127.0.0.1]",
	"[64:ff9b::a9fe:a9fe]", "[64:ff9b::7f00:1]", "[64:ff9b:1::a00:1]", "[2002:7f00:1::]", "[2002:a9fe:a9fe::1]", "[2001:0:7f00:1::1]", "[2001:db8::1]", "[100::1]",
	"[fc00::1]", "[fd00:ec2::254]", "[fe80::1]", "[fe80::1%25lo]", "[fec0::1]", "[ff02::1]", "[3fff::1]", "[5f00::1]", "[2001:10::1]", "user:pass@127.0.0.1", "example.com@127.0.0.1",
}

// names resolves what names in a URL could stand for, as the system's resolver
// does with old ways to write an address, so that no test asks a name server.
func resolver(answers map[string]string) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		host, port, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		if to, ok := answers[host]; ok {
			host = to
		}
		dial := &net.Dialer{Timeout: time.Second, Control: (&Guard{}).Control}
		return dial.DialContext(ctx, network, net.JoinHostPort(host, port))
	}
}

func TestEveryWayToWriteAnAddress(t *testing.T) {
	hit := 0
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hit++ }))
	defer srv.Close()
	at, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	guard, err := New()
	if err != nil {
		t.Fatal(err)
	}
	client := guard.Client(1, 5*time.Second)
	refused := 0
	for _, host := range closed {
		resp, err := client.Get(fmt.Sprintf("http://%s:%s/", host, at.Port()))
		if err == nil {
			resp.Body.Close()
			t.Errorf("%s was called: %s", host, resp.Status)
			continue
		}
		var no *RefusedError
		if errors.As(err, &no) {
			refused++
			continue
		}
		// Forms that Go reads as names, which no name server knows.
		var dns *net.DNSError
		if !errors.As(err, &dns) {
			t.Errorf("%s: %v", host, err)
		}
	}
	if hit > 0 {
		t.Errorf("%d calls came through", hit)
	}
	t.Logf("%d of %d forms blocked, %d of them at the address; the others are names of nothing", len(closed), len(closed), refused)
}

// What the old forms stand for is closed too, whoever resolves them.
func TestOldForms(t *testing.T) {
	answers := map[string]string{"2130706433": "127.0.0.1", "0x7f000001": "127.0.0.1", "0177.0.0.1": "127.0.0.1", "127.1": "127.0.0.1",
		"2852039166": "169.254.169.254", "metadata.example": "169.254.169.254", "nat64.example": "64:ff9b::a9fe:a9fe"}
	client := &http.Client{Transport: &http.Transport{DialContext: resolver(answers)}}
	for name := range answers {
		_, err := client.Get("http://" + name + "/")
		var no *RefusedError
		if !errors.As(err, &no) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOpenToAll(t *testing.T) {
	for _, text := range []string{"1.1.1.1", "8.8.8.8", "99.255.255.255", "100.128.0.1", "172.32.0.1", "172.15.255.255", "192.169.0.1", "198.20.0.1", "223.255.255.255", "2606:4700::1111", "2a00::1", "::ffff:8.8.8.8", "2001:200::1", "2400::1"} {
		if err := (&Guard{}).Check(netip.MustParseAddr(text)); err != nil {
			t.Error(err)
		}
	}
}

func TestAllow(t *testing.T) {
	for _, c := range []struct {
		allow, addr string
		open        bool
	}{
		{"127.0.0.0/8", "127.0.0.1", true},
		{"127.0.0.0/8", "::ffff:127.0.0.1", true},
		{"127.0.0.0/8", "::1", false},
		{"127.0.0.1", "127.0.0.2", false},
		{"::ffff:10.0.0.0/104", "10.1.1.1", true},
		{"10.0.0.0/8", "192.168.0.1", false},
		{"0.0.0.0/0", "10.0.0.1", true},
		{"0.0.0.0/0", "169.254.169.254", false}, // metadata is never meant by a wide range
		{"169.254.0.0/16", "169.254.169.254", false},
		{"169.254.0.0/16", "169.254.1.1", true},
		{"169.254.169.254", "169.254.169.254", true},
		{"::/0", "fe80::1", false},
		{"fe80::/10", "fe80::1%eth0", true},
		{"fc00::/7", "fd00:ec2::254", false},
	} {
		g, err := New(c.allow)
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Check(netip.MustParseAddr(c.addr)); (err == nil) != c.open {
			t.Errorf("allow %s: %s: %v", c.allow, c.addr, err)
		}
	}
	for text, says := range map[string]string{"10.0.0.1/8": `did you mean "10.0.0.0/8"`, "ten": "is no range", "fe80::1%eth0": "is no range", "": "is no range"} {
		if _, err := New(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// A name that answers with an open address when it is asked first, and with a
// closed one later, is refused when it is called.
func TestRebinding(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was called") }))
	defer srv.Close()
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	first := netip.MustParseAddr("93.184.215.14")
	if err := (&Guard{}).Check(first); err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DialContext: resolver(map[string]string{"rebind.example": "127.0.0.1"})}}
	_, err := client.Get("http://rebind.example:" + port + "/")
	var no *RefusedError
	if !errors.As(err, &no) || no.Range.Name != "loopback" {
		t.Error(err)
	}
}

func TestRedirectsAndProxies(t *testing.T) {
	inner := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed, or a proxy used") }))
	defer inner.Close()
	outer := httptest.NewServer(http.RedirectHandler(inner.URL, http.StatusFound))
	defer outer.Close()
	t.Setenv("HTTP_PROXY", inner.URL)
	t.Setenv("http_proxy", inner.URL)
	t.Setenv("ALL_PROXY", inner.URL)
	g, err := New("127.0.0.0/8")
	if err != nil {
		t.Fatal(err)
	}
	resp, err := g.Client(1, 5*time.Second).Get(outer.URL)
	if err != nil || resp.StatusCode != http.StatusFound {
		t.Fatal(resp, err)
	}
	resp.Body.Close()
}

func FuzzAllow(f *testing.F) {
	for _, s := range []string{"10.0.0.0/8", "::1", "fe80::1%x", "::ffff:1.2.3.4/120", "1.2.3.4/33"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		g, err := New(s)
		if err != nil {
			return
		}
		for _, a := range g.allow {
			if a != a.Masked() || a.Addr().Is4In6() && a.Bits() >= 96 {
				t.Fatalf("%q became %v", s, a)
			}
		}
	})
}
