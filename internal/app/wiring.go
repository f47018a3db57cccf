package app

import (
	"fmt"
	"maps"
	"strings"

	"github.com/weir-cep/weir/alerts"
	"github.com/weir-cep/weir/alerts/sink"
	kafkasink "github.com/weir-cep/weir/alerts/sink/kafka"
	redissink "github.com/weir-cep/weir/alerts/sink/redis"
	"github.com/weir-cep/weir/engine"
	filesource "github.com/weir-cep/weir/engine/source/file"
	kafkasource "github.com/weir-cep/weir/engine/source/kafka"
	"github.com/weir-cep/weir/engine/source/outcome"
	redissource "github.com/weir-cep/weir/engine/source/redis"
	"github.com/weir-cep/weir/internal/lookup"
	redislookup "github.com/weir-cep/weir/internal/lookup/redis"
	weblookup "github.com/weir-cep/weir/internal/lookup/web"
)

// What rule files can name, by kind. A program that embeds the engine links
// what it names; this one links all.
var (
	sourceKinds = map[string]engine.Opener{
		"file":  filesource.Open,
		"kafka": kafkasource.Open,
		"redis": redissource.Open,
	}
	lookupKinds = map[string]lookup.FetcherOpener{
		"file":  lookup.Files,
		"redis": redislookup.Open,
		"http":  weblookup.Open,
	}
	sinkKinds = sink.Kinds{
		"stdout":    sink.Stdout,
		"file":      sink.File,
		"kafka":     kafkasink.Open,
		"redis":     redissink.Open,
		"websocket": nil, // every alert is on the feed
		"webhook":   nil, // endpoints of their own
	}
)

// changes says in words what a deployment changed: "3 unchanged, 1 kept, 1 new".
func changes(list []engine.Carried) string {
	n := map[string]int{}
	var order []string
	for _, c := range list {
		word := c.What.String()
		if n[word] == 0 {
			order = append(order, word)
		}
		n[word]++
	}
	parts := make([]string, len(order))
	for i, word := range order {
		parts[i] = fmt.Sprintf("%d %s", n[word], word)
	}
	return strings.Join(parts, ", ")
}

// sourcesWith is the sources of rule files, and that of the verdicts in a log.
func sourcesWith(log *alerts.Log) map[string]engine.Opener {
	all := maps.Clone(sourceKinds)
	all[engine.OutcomeSource] = outcome.Opener(log)
	return all
}
