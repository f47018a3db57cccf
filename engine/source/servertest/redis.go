package servertest

import (
	"strconv"
	"testing"
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
	r.p.start()
	return r
}

// Stop ends it, Kill ends it at once, Start starts it again on the same data.
func (r *RedisServer) Stop()  { r.p.stop() }
func (r *RedisServer) Kill()  { r.p.kill() }
func (r *RedisServer) Start() { r.p.start() }
