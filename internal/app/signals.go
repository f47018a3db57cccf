package app

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// signals is how the process is asked to stop and to read its rules again.
type signals struct {
	ctx    context.Context // ends with the first request to stop
	hangup chan os.Signal
	end    func()
}

// listenToSignals makes the first request to stop end a context, and the second
// the process.
func listenToSignals() *signals {
	ctx, cancel := context.WithCancel(context.Background())
	asked := make(chan os.Signal, 2)
	s := &signals{ctx: ctx, hangup: make(chan os.Signal, 1)}
	signal.Notify(asked, os.Interrupt, syscall.SIGTERM)
	signal.Notify(s.hangup, syscall.SIGHUP)
	over := make(chan struct{})
	go func() {
		for n := 0; ; n++ {
			select {
			case sig := <-asked:
				if n > 0 {
					fmt.Fprintln(os.Stderr, "weir: stopped at once; the next start works off what is left")
					os.Exit(128 + number(sig))
				}
				cancel()
			case <-over:
				return
			}
		}
	}()
	s.end = func() {
		signal.Stop(asked)
		signal.Stop(s.hangup)
		close(over)
		cancel()
	}
	return s
}

func number(sig os.Signal) int {
	if n, ok := sig.(syscall.Signal); ok {
		return int(n)
	}
	return 0
}
