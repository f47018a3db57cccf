package servertest

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// process is a server of a test.
type process struct {
	t    testing.TB
	args []string
	dir  string
	addr string
	cmd  *exec.Cmd
	gone chan struct{} // closed when it has ended
}

// start starts the server and waits until it listens.
func (p *process) start() {
	p.t.Helper()
	log, err := os.OpenFile(filepath.Join(p.dir, "log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		p.t.Fatal(err)
	}
	defer log.Close()
	p.cmd = exec.Command(p.args[0], p.args[1:]...)
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = p.dir, log, log
	p.cmd.SysProcAttr = dieWithParent()
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	gone := make(chan struct{})
	p.gone = gone
	go func(cmd *exec.Cmd) {
		_ = cmd.Wait()
		close(gone)
	}(p.cmd)
	p.t.Cleanup(p.kill)
	Eventually(p.t, p.args[0]+" listens on "+p.addr, func() bool {
		select {
		case <-gone:
			text, _ := os.ReadFile(log.Name())
			p.t.Fatalf("%s has ended:\n%s", p.args[0], text)
		default:
		}
		c, err := net.Dial("tcp", p.addr)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

// stop ends the server in the orderly way.
func (p *process) stop() { p.end(syscall.SIGTERM) }

// kill ends it at once.
func (p *process) kill() { p.end(syscall.SIGKILL) }

func (p *process) end(s os.Signal) {
	_ = p.cmd.Process.Signal(s)
	<-p.gone
}

// freeze stops it without ending it; thaw lets it go on.
func (p *process) freeze() { _ = p.cmd.Process.Signal(syscall.SIGSTOP) }
func (p *process) thaw()   { _ = p.cmd.Process.Signal(syscall.SIGCONT) }
