package app

import (
	"fmt"
	"time"

	"github.com/weir-cep/weir/dsl"
)

// usualURL is where commands look for a server that nobody names.
const usualURL = "http://127.0.0.1:8080"

// welcome says what runs, and what to type next.
func (d *daemon) welcome(url string, prog *dsl.Program) {
	var sources []string
	for _, src := range prog.Sources {
		sources = append(sources, src.Name+" ("+src.Kind+")")
	}
	try := tryLine(url, prog)
	d.log.Info("serving", "url", url, "state", d.dir.path, "rules", len(prog.Rules), "sources", sources, "version", version)
	if d.cmd.LogFormat == "json" {
		return
	}
	fmt.Fprintf(d.streams.Err, "\n  listening on   %s\n  state in       %s\n  rules          %s\n", url, d.dir.path, plural(len(prog.Rules), "rule"))
	for _, s := range sources {
		fmt.Fprintf(d.streams.Err, "  source         %s\n", s)
	}
	if try != "" {
		fmt.Fprintf(d.streams.Err, "  send an event  %s\n", try)
	}
	server := ""
	if url != usualURL {
		server = " --server " + url
	}
	fmt.Fprintf(d.streams.Err, "  see alerts     %s/ in a browser, or: weir alerts tail%s\n  how it is      curl '%s/readyz?verbose'\n\n", url, server, url)
}

// tryLine is a command that sends an event, "" if none comes over HTTP.
func tryLine(url string, prog *dsl.Program) string {
	types := postedTypes(prog)
	if len(types) == 0 {
		return ""
	}
	query := ""
	for i := range types {
		if types[i].source != types[0].source {
			query = "?source=" + types[0].source
		}
	}
	return fmt.Sprintf("curl --data-binary '%s' '%s/api/v1/events%s'", types[0].example(time.Now()), url, query)
}
