package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sort"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// configFile holds defaults for flags, one "flag: value" a line, by flag name.
const configFile = "weir.yaml"

// config resolves flags from weir.yaml.
type config struct {
	path   string
	values map[string]any
	lines  map[string]int
}

// loadConfig reads the file; one that does not exist is empty.
func loadConfig(path string) (*config, error) {
	c := &config{path: path, values: map[string]any{}, lines: map[string]int{}}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(doc.Content) == 0 {
		return c, nil
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s:%d: expected lines of the form \"shards: 2\"", path, root.Line)
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, val := root.Content[i], root.Content[i+1]
		var v any
		if err := val.Decode(&v); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, val.Line, err)
		}
		c.values[key.Value], c.lines[key.Value] = v, key.Line
	}
	return c, nil
}

// Validate rejects keys that no flag has.
func (c *config) Validate(app *kong.Application) error {
	known := map[string]bool{}
	collectFlags(app.Node, known)
	names := make([]string, 0, len(known))
	for n := range known {
		names = append(names, n)
	}
	sort.Strings(names)
	for key := range c.values {
		if known[key] {
			continue
		}
		hint := ""
		if near := nearest(key, names); near != "" {
			hint = fmt.Sprintf("; did you mean %q?", near)
		}
		return fmt.Errorf("%s:%d: unknown setting %q%s", c.path, c.lines[key], key, hint)
	}
	return nil
}

// Resolve returns the file's value for a flag that the environment does not
// set. A flag with the tag given:"" has to be given with the command.
func (c *config) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if flag.Tag.Has("given") {
		return nil, nil
	}
	for _, name := range flag.Envs {
		if _, set := os.LookupEnv(name); set {
			return nil, nil
		}
	}
	v, ok := c.values[flag.Name]
	if !ok {
		return nil, nil
	}
	return v, nil
}

func collectFlags(n *kong.Node, into map[string]bool) {
	for _, f := range n.Flags {
		if f.Name != "help" {
			into[f.Name] = true
		}
	}
	for _, child := range n.Children {
		collectFlags(child, into)
	}
}

// nearest returns the candidate with the least edit distance to word, "" if
// none is close.
func nearest(word string, candidates []string) string {
	best, bestDist := "", 3
	for _, c := range candidates {
		if d := editDistance(strings.ToLower(word), c); d < bestDist {
			best, bestDist = c, d
		}
	}
	return best
}

// editDistance is Levenshtein's.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diag := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diag
			if a[i] != b[j] {
				cost++
			}
			diag = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
