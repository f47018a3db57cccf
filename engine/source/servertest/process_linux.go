package servertest

import "syscall"

// dieWithParent lets no server outlive a test that panics.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
