package app

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/weir-cep/weir/rules/library"
)

// What of the library's rules is about a user's own surroundings, and what the
// demo has in its place: events over HTTP, matched as they come; its own
// receiver; nothing in the lists that would be on a server.
var (
	demoSource = regexp.MustCompile(`(?m)^source .*\n`)
	demoSink   = regexp.MustCompile(`(?m)^sink .*\n`)
	demoRedis  = regexp.MustCompile(`from redis \{[^}]*\}`)
)

const demoTypes = "Auth, Login, PasswordChange, Payout, Order, Payment, Deposit, Transfer, Refund, Reading, Heartbeat, Tick"

// writeDemoRules writes the library's rules to a folder, with their alerts sent
// to a receiver.
func writeDemoRules(dir, hook string) error {
	names, err := fs.Glob(library.Files, "*.cep")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "empty.json"), []byte("[]\n"), 0o600); err != nil {
		return err
	}
	for _, name := range names {
		text, err := library.Files.ReadFile(name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(demoRules(name, string(text), hook)), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// demoRules is a file of the library for the demo.
func demoRules(name, text, hook string) string {
	text = demoRedis.ReplaceAllString(demoSource.ReplaceAllString(text, ""), `from file { path: "empty.json", refresh: 1h }`)
	if name == "common.cep" {
		text = demoSink.ReplaceAllString(text, "")
		text += fmt.Sprintf("\nsource demo of %s from http { order: arrival }\n"+
			"sink cases to webhook { url: %q, secret_file: \"../secret\", order: key, allow: [\"127.0.0.0/8\"] }\n", demoTypes, hook)
	}
	return strings.TrimRight(text, "\n") + "\n"
}
