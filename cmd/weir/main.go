// Command weir runs detection rules over events: see `weir --help`.
package main

import (
	"os"
	_ "time/tzdata" // rules name time zones, also where the system has no list of them

	"github.com/weir-cep/weir/internal/app"
)

func main() {
	os.Exit(app.Main(os.Args[1:], app.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
