package option_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weir-cep/weir/engine/source/option"
	"github.com/weir-cep/weir/engine/source/sourcetest"
	"github.com/weir-cep/weir/internal/decode"
)

func options(t *testing.T, dir, source string) *option.Options {
	t.Helper()
	return option.Source(sourcetest.IR(t, filepath.Join(dir, "rules.cep"), source))
}

func TestGetters(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("WEIR_OPTION_TOPIC", "from the variable")
	t.Setenv("WEIR_OPTION_BROKERS", "c:1, d:2,")
	o := options(t, dir, `kafka { topic: "t", brokers: ["a:1", "b:2"], from: latest, tls: true, idle: 90s, group: env("WEIR_OPTION_TOPIC") }`)
	if got := o.Required("topic"); got != "t" {
		t.Errorf("topic %q", got)
	}
	if got := o.Text("group", ""); got != "from the variable" {
		t.Errorf("group %q", got)
	}
	if got := o.Text("user", "nobody"); got != "nobody" || o.Has("user") {
		t.Errorf("user %q", got)
	}
	if got := o.Texts("brokers"); !slices.Equal(got, []string{"a:1", "b:2"}) {
		t.Errorf("brokers %q", got)
	}
	if got := o.Word("from", "earliest", "earliest", "latest"); got != "latest" {
		t.Errorf("from %q", got)
	}
	if !o.Bool("tls", false) || o.Duration("idle", 0) != 90*time.Second || o.Duration("dedupe", time.Hour) != time.Hour {
		t.Error("tls, idle or dedupe")
	}
	if o.Err() != nil {
		t.Error(o.Err())
	}
	o = options(t, dir, `kafka { topic: "t", brokers: env("WEIR_OPTION_BROKERS") }`)
	if got := o.Texts("brokers"); !slices.Equal(got, []string{"c:1", "d:2"}) {
		t.Errorf("brokers %q", got)
	}
	o = options(t, dir, `file { path: "sub/e.csv" }`)
	if got, want := o.Path("path"), filepath.Join(dir, "sub", "e.csv"); got != want {
		t.Errorf("path %q, want %q", got, want)
	}
}

// Everything that is wrong is told at once, with the place.
func TestErrors(t *testing.T) {
	t.Setenv("WEIR_OPTION_ORDER", "sideways")
	dir := t.TempDir()
	o := options(t, dir, `kafka { topic: env("WEIR_OPTION_UNSET"), order: env("WEIR_OPTION_ORDER"), delimiter: "ab", brokers: [] }`)
	o.Required("topic")
	o.Texts("brokers", "localhost:9092")
	o.Input()
	err := o.Err()
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		filepath.Join(dir, "rules.cep") + ": source s, option topic: the variable WEIR_OPTION_UNSET is not set; start weir with WEIR_OPTION_UNSET=…",
		`option order: "sideways" is not one of time, arrival`,
		`option delimiter: a delimiter is one ASCII character`,
		`option brokers: is empty`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nlacks %s", err, want)
		}
	}
}

func TestSecret(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "secret")
	os.WriteFile(file, []byte("open sesame\r\n"), 0o600)
	t.Setenv("WEIR_OPTION_SECRET", "shazam")
	read := func(source string) (string, error) {
		o := options(t, dir, source)
		s := o.Secret("secret_file")
		if o.Err() != nil {
			return "", o.Err()
		}
		return s.Read()
	}
	if got, err := read(`redis { stream: "s", secret_file: "secret" }`); got != "open sesame" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := read(`redis { stream: "s", secret_file: env("WEIR_OPTION_SECRET") }`); got != "shazam" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := read(`redis { stream: "s" }`); got != "" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	for source, want := range map[string]string{
		`redis { stream: "s", secret_file: "absent" }`:                  filepath.Join(dir, "absent"),
		`redis { stream: "s", secret_file: env("WEIR_OPTION_ABSENT") }`: "the variable WEIR_OPTION_ABSENT is not set",
	} {
		if _, err := read(source); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "option secret_file") {
			t.Errorf("%s: %v", source, err)
		}
	}
	os.WriteFile(file, []byte("\n"), 0o600)
	if _, err := read(`redis { stream: "s", secret_file: "secret" }`); err == nil || !strings.Contains(err.Error(), "is empty") {
		t.Error(err)
	}
}

func TestInput(t *testing.T) {
	for source, want := range map[string]option.Input{
		`http {}`: {Delimiter: ',', TypeField: "type", Idle: time.Minute, Dedupe: time.Hour, MaxAhead: time.Hour},
		`file { path: "e.tsv.gz", type: "kind", order: arrival, idle: 5s, dedupe: 2h, max_ahead: 3h }`: {Format: decode.CSV, Delimiter: '\t',
			TypeField: "kind", Arrival: true, Idle: 5 * time.Second, Dedupe: 2 * time.Hour, MaxAhead: 3 * time.Hour},
		`file { path: "e.csv", format: json }`:                {Delimiter: ',', TypeField: "type", Idle: time.Minute, Dedupe: time.Hour, MaxAhead: time.Hour},
		`file { path: "e.txt", format: csv, delimiter: ";" }`: {Format: decode.CSV, Delimiter: ';', TypeField: "type", Idle: time.Minute, Dedupe: time.Hour, MaxAhead: time.Hour},
	} {
		got, err := option.InputOf(sourcetest.IR(t, "rules.cep", source))
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", source, got, err)
		}
	}
}
