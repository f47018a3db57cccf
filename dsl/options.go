package dsl

import (
	"maps"
	"slices"

	"github.com/weir-cep/weir/cep"
)

// optionKind says what an option's value may be.
type optionKind uint8

const (
	optText     optionKind = iota // "text", or env("NAME")
	optBool                       // true, false
	optDuration                   // 1h30m
	optTexts                      // "text" or a list of texts
	optWord                       // one of Words, bare or quoted
	optCount                      // a whole number above 0
)

// optionSpec is one option that a connector takes.
type optionSpec struct {
	kind     optionKind
	words    []string
	required bool
	doc      string
}

type optionTable map[string]optionSpec

func (t optionTable) names() []string { return slices.Sorted(maps.Keys(t)) }

func merge(tables ...optionTable) optionTable {
	all := optionTable{}
	for _, t := range tables {
		maps.Copy(all, t)
	}
	return all
}

var (
	anySource = optionTable{
		"format":    {kind: optWord, words: []string{"json", "csv"}, doc: "how events are written; by the file's name, else json"},
		"type":      {doc: "the field that holds the event's type; default \"type\""},
		"order":     {kind: optWord, words: []string{"time", "arrival"}, doc: "the order in which its rules run; default time"},
		"idle":      {kind: optDuration, doc: "after how long without a row the source is not waited for; default 1m"},
		"dedupe":    {kind: optDuration, doc: "how far back a second row of the same id is dropped; default 1h"},
		"max_ahead": {kind: optDuration, doc: "how far ahead of its arrival a row may be; default 1h"},
		"retains":   {kind: optDuration, doc: "how far back the source can be read again; W210 compares windows with it"},
		"delimiter": {doc: "between CSV cells; default \",\""},
	}
	tlsOptions = optionTable{
		"tls":       {kind: optBool, doc: "whether to encrypt; default false, true if one of the files is given"},
		"ca_file":   {doc: "file with the authorities (PEM) that sign the server's certificate; default the system's"},
		"cert_file": {doc: "file with the own certificate (PEM), for servers that ask for one"},
		"key_file":  {doc: "file with its key (PEM)"},
	}
	kafkaOptions = merge(tlsOptions, optionTable{
		"brokers":     {kind: optTexts, doc: "addresses to start from, host:port; default localhost:9092"},
		"topic":       {required: true, doc: "the topic"},
		"sasl":        {kind: optWord, words: []string{"plain", "scram_sha_256", "scram_sha_512"}, doc: "how to log in"},
		"user":        {doc: "login name"},
		"secret_file": {doc: "file that holds the password, or env(\"NAME\"), the variable that holds it"},
	})
	redisOptions = merge(tlsOptions, optionTable{
		"address":     {doc: "host:port; default localhost:6379"},
		"user":        {doc: "login name; default the server's default user"},
		"secret_file": {doc: "file that holds the password, or env(\"NAME\"), the variable that holds it"},
	})
	anyLookup = optionTable{
		"refresh":  {kind: optDuration, doc: "how often it is loaded anew"},
		"on_error": {kind: optWord, words: []string{"keep", "missing", "fail"}, doc: "what a failed refresh does; default keep"},
	}
)

// The connectors by kind.
var (
	sourceKinds = map[string]optionTable{
		"file": merge(anySource, optionTable{
			"path":   {required: true, doc: "the file or a pattern of files (*, ?, [a-z]), relative to the rule file; \"-\" is standard input"},
			"follow": {kind: optBool, doc: "whether to wait for more at the end, and for the files that replace it; default false"},
		}),
		"http": merge(anySource),
		"kafka": merge(anySource, kafkaOptions, optionTable{
			"group": {doc: "consumer group; default weir- and the source's name"},
			"from":  {kind: optWord, words: []string{"earliest", "latest"}, doc: "where a new group begins; default earliest"},
		}),
		"redis": merge(anySource, redisOptions, optionTable{
			"stream": {required: true, doc: "the stream's key"},
			"group":  {doc: "consumer group; default weir- and the source's name"},
			"from":   {kind: optWord, words: []string{"earliest", "latest"}, doc: "where a new group begins; default earliest"},
			"field":  {doc: "the field of an entry that holds the event as JSON; default event or data, else the entry's fields are the event's"},
		}),
	}
	sinkKinds = map[string]optionTable{
		"stdout":    {},
		"file":      {"path": {required: true, doc: "the file that alerts are appended to"}},
		"websocket": {},
		"webhook": {
			"url":              {required: true, doc: "where alerts are posted"},
			"secret_file":      {doc: "file that holds the signing secrets, or env(\"NAME\"), the variable that holds them; without it messages are not signed"},
			"order":            {kind: optWord, words: []string{"none", "key", "strict"}, doc: "which deliveries wait for each other; default none"},
			"template":         {doc: "slack, pagerduty, email, or a file that shapes the body"},
			"routing_key_file": {doc: "file that holds PagerDuty's routing key, or env(\"NAME\")"},
			"updates":          {kind: optBool, doc: "whether what becomes of an alert is sent too; default true"},
			"limit":            {kind: optCount, doc: "alerts of a rule in a minute that are sent on their own, the rest as a summary; default all, 20 with slack and email"},
			"group":            {kind: optDuration, doc: "how long alerts of a rule and key are gathered behind the first; default not at all"},
			"disable_after":    {kind: optDuration, doc: "of nothing but failures, after which it is switched off; default 120h"},
			"allow":            {kind: optTexts, doc: "address ranges that the egress guard lets through, such as \"10.0.0.0/8\""},
		},
		"kafka": merge(kafkaOptions),
		"redis": merge(redisOptions, optionTable{
			"stream":  {required: true, doc: "the stream's key"},
			"max_len": {kind: optCount, doc: "about how many entries the stream keeps; default all"},
		}),
	}
	lookupKinds = map[string]optionTable{
		"file": merge(anyLookup, optionTable{
			"path":      {required: true, doc: "the file, relative to the rule file"},
			"format":    {kind: optWord, words: []string{"json", "csv", "text"}, doc: "how it is written; by the file's name"},
			"delimiter": {doc: "between CSV cells; default \",\""},
		}),
		"http":  merge(anyLookup, optionTable{"url": {required: true, doc: "where it is loaded from"}, "secret_file": {doc: "file that holds the bearer token"}}),
		"redis": merge(anyLookup, redisOptions, optionTable{"key": {required: true, doc: "the set's or hash's key"}}),
	}
)

func kindNames(m map[string]optionTable) []string { return slices.Sorted(maps.Keys(m)) }

// texts is the value of an option that takes one text or several.
func texts(vs ...string) cep.Value {
	l := cep.Value{Type: listOf(stringType)}
	for _, v := range vs {
		l.List = append(l.List, cep.Value{Type: stringType, Text: v})
	}
	return l
}
