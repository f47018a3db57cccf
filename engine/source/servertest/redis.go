package servertest

import (
	"bufio"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
)

// RedisServer is a Redis of a test's own. It writes every command to its disk.
type RedisServer struct {
	Addr string
	p    process
}

// StartRedis starts a Redis; args are options of redis-server behind the usual
// ones.
func StartRedis(t testing.TB, args ...string) *RedisServer {
	t.Helper()
	port := Port(t)
	r := &RedisServer{Addr: loopback(port)}
	r.p = process{t: t, addr: r.Addr, dir: t.TempDir(), args: append([]string{program(t, "redis-server"), "--bind", "127.0.0.1",
		"--port", strconv.Itoa(port), "--save", "", "--appendonly", "yes", "--appendfsync", "always"}, args...)}
	r.Start()
	return r
}

// Stop ends it, Kill ends it at once.
func (r *RedisServer) Stop() { r.p.stop() }
func (r *RedisServer) Kill() { r.p.kill() }

// Start starts it again on the same data, and returns when it has read them:
// before, it refuses commands, and who sends several at once sees the first
// refused and the last done.
func (r *RedisServer) Start() {
	r.p.t.Helper()
	r.p.start()
	Eventually(r.p.t, "Redis has read its data", func() bool {
		c, err := net.Dial("tcp", r.Addr)
		if err != nil {
			return false
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(time.Second))
		if _, err := c.Write([]byte("PING\r\n")); err != nil {
			return false
		}
		// One that wants a password or TLS says so in its own way.
		line, _ := bufio.NewReader(c).ReadString('\n')
		return !strings.HasPrefix(line, "-LOADING")
	})
}
