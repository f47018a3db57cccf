package servertest

import (
	"io"
	"net"
	"sync"
	"testing"
)

// Proxy is a network between a client and a server that can be cut.
type Proxy struct {
	Addr string

	mu     sync.Mutex
	target string
	mode   mode
	conns  map[net.Conn]bool
	mended chan struct{} // closed when it is not mute
}

type mode uint8

const (
	open  mode = iota
	shut       // connections are reset and refused
	muted      // connections stay, and nothing goes through
)

// NewProxy makes a proxy; where it leads is told by Target.
func NewProxy(t testing.TB) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{Addr: l.Addr().String(), conns: map[net.Conn]bool{}, mended: make(chan struct{})}
	close(p.mended)
	t.Cleanup(func() {
		l.Close()
		p.Cut()
	})
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(c)
		}
	}()
	return p
}

// Target says where the proxy leads.
func (p *Proxy) Target(addr string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = addr
}

// Cut ends all connections and refuses new ones.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unmute()
	p.mode = shut
	for c := range p.conns {
		c.Close()
	}
}

// Mute lets connections be and nothing through, as a network does whose cable
// is out.
func (p *Proxy) Mute() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unmute()
	p.mode = muted
	p.mended = make(chan struct{})
}

// Mend lets everything through again. What was held back while it was mute is
// lost with its connections.
func (p *Proxy) Mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mode == muted {
		for c := range p.conns {
			c.Close()
		}
	}
	p.unmute()
	p.mode = open
}

func (p *Proxy) unmute() {
	if p.mode == muted {
		close(p.mended)
	}
}

// hold waits while the proxy is mute.
func (p *Proxy) hold() {
	p.mu.Lock()
	mended := p.mended
	p.mu.Unlock()
	<-mended
}

// keep notes a connection; false: the proxy is cut.
func (p *Proxy) keep(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mode == shut {
		c.Close()
		return false
	}
	p.conns[c] = true
	return true
}

func (p *Proxy) drop(c net.Conn) {
	c.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

func (p *Proxy) serve(c net.Conn) {
	if !p.keep(c) {
		return
	}
	defer p.drop(c)
	p.hold()
	p.mu.Lock()
	target := p.target
	p.mu.Unlock()
	s, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	if !p.keep(s) {
		return
	}
	defer p.drop(s)
	go func() {
		p.copy(s, c)
		s.Close()
		c.Close()
	}()
	p.copy(c, s)
}

// copy lets bytes through, unless the proxy is mute.
func (p *Proxy) copy(to, from net.Conn) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			p.hold()
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err == io.EOF || err != nil {
			return
		}
	}
}
