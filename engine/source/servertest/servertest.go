package servertest

import (
	"net"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"
)

// Patience is how long a server may take for anything.
const Patience = 60 * time.Second

// Redis returns the address of the shared Redis.
func Redis(t testing.TB) string { return address(t, "WEIR_TEST_REDIS", "a Redis") }

// Kafka returns the address of the shared Kafka broker.
func Kafka(t testing.TB) string { return address(t, "WEIR_TEST_KAFKA", "a Kafka broker") }

// address returns what a variable of .ci/servers names.
func address(t testing.TB, variable, what string) string {
	t.Helper()
	v := os.Getenv(variable)
	if v == "" {
		missing(t, variable+" does not name "+what+": run the test by .ci/servers go test …")
	}
	return v
}

func missing(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("WEIR_REQUIRE_SERVERS") == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// program returns the path of an installed program.
func program(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		missing(t, name+" is not installed: run the test by .ci/servers go test …")
	}
	return path
}

// Port returns a port of the loopback that nobody listens on.
func Port(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// Eventually waits until what holds, looking now and then.
func Eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(Patience); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in %v: %s", Patience, what)
		}
	}
}
