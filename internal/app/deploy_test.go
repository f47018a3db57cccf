//go:build unix

package app

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// parses says that weir takes arguments.
func parses(t *testing.T, where string, args []string) {
	t.Helper()
	var cmds commands
	parser, err := kong.New(&cmds, kong.Name("weir"), kong.DefaultEnvars("WEIR"), kong.Exit(func(int) { t.Fatalf("%s: it exits", where) }))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(args); err != nil {
		t.Errorf("%s: %v: %v", where, args, err)
		return
	}
	if err := cmds.Serve.check(); err != nil {
		t.Errorf("%s: %v", where, err)
	}
}

func deployed(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "deploy", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func matched(t *testing.T, text, pattern string) string {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("there is no %s", pattern)
	}
	return m[1]
}

func TestDeployedCommandsAreTaken(t *testing.T) {
	unit := strings.Fields(matched(t, deployed(t, "weir.service"), `(?m)^ExecStart=\S+ (.*)$`))
	parses(t, "weir.service", unit)

	var image []string
	if err := yaml.Unmarshal([]byte(matched(t, deployed(t, "Dockerfile"), `(?m)^CMD (\[.*\])$`)), &image); err != nil {
		t.Fatal(err)
	}
	parses(t, "Dockerfile", image)

	type probe struct {
		HTTPGet struct{ Path, Scheme string } `yaml:"httpGet"`
	}
	var set struct {
		Spec struct {
			Template struct {
				Spec struct {
					Containers []struct {
						Args  []string
						Live  probe `yaml:"livenessProbe"`
						Start probe `yaml:"startupProbe"`
						Ready probe `yaml:"readinessProbe"`
					}
				}
			}
		}
	}
	if err := yaml.Unmarshal([]byte(deployed(t, "kubernetes/statefulset.yaml")), &set); err != nil {
		t.Fatal(err)
	}
	if len(set.Spec.Template.Spec.Containers) != 1 {
		t.Fatalf("containers: %+v", set)
	}
	pod := set.Spec.Template.Spec.Containers[0]
	parses(t, "statefulset.yaml", pod.Args)
	paths := []string{pod.Live.HTTPGet.Path, pod.Start.HTTPGet.Path, pod.Ready.HTTPGet.Path}
	if !slices.Equal(paths, []string{"/livez", "/livez", "/readyz"}) || pod.Live.HTTPGet.Scheme != "HTTPS" {
		t.Errorf("probes: %q over %s", paths, pod.Live.HTTPGet.Scheme)
	}
}

func TestAlarmsReadFiguresThatThereAre(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "server", "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	var source bytes.Buffer
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		source.Write(text)
	}
	names := regexp.MustCompile(`\bweir_[a-z_]+`).FindAllString(deployed(t, "prometheus/weir.rules.yml"), -1)
	if len(names) < 15 {
		t.Fatalf("alarms read %d figures", len(names))
	}
	for _, name := range names {
		if !bytes.Contains(source.Bytes(), []byte(`"`+name+`"`)) {
			t.Errorf("an alarm reads %s, which the server does not have", name)
		}
	}
}

func TestRulesOfAMountedConfigMapAreReadOnce(t *testing.T) {
	dir := t.TempDir()
	real := filepath.Join(dir, "..2026_11_25")
	if err := os.Mkdir(real, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(real, "cards.cep"), []byte(deployed(t, "kubernetes/rules/cards.cep")), 0o644); err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{"..data": "..2026_11_25", "cards.cep": filepath.Join("..data", "cards.cep")} {
		if err := os.Symlink(to, filepath.Join(dir, from)); err != nil {
			t.Fatal(err)
		}
	}
	var out, errs bytes.Buffer
	if code := Main([]string{"check", dir}, Streams{In: strings.NewReader(""), Out: &out, Err: &errs}); code != exitOK || !strings.Contains(errs.String(), "1 rule") {
		t.Errorf("exit code %d: %s%s", code, out.String(), errs.String())
	}
}
