package main

import (
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
)

// module is a module that a binary was made of.
type module struct {
	Path, Version string
	Sum           string // "h1:…", of go.sum
	Dir           string // its files here
	licences      []licence
}

// modulesOf reads from a binary what it was made of, the standard library
// excepted, and finds the licences in the files of each.
func modulesOf(ctx context.Context, dir, binary string) ([]module, error) {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return nil, fmt.Errorf("what the binary is made of: %w", err)
	}
	dirs, err := moduleDirs(ctx, dir)
	if err != nil {
		return nil, err
	}
	var list []module
	for _, d := range info.Deps {
		if d.Replace != nil {
			d = d.Replace
		}
		m := module{Path: d.Path, Version: d.Version, Sum: d.Sum, Dir: dirs[d.Path+"@"+d.Version]}
		if m.Dir == "" {
			return nil, fmt.Errorf("the files of %s %s are not here; go mod download brings them", m.Path, m.Version)
		}
		if m.licences, err = licencesIn(m.Dir); err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, nil
}

// moduleDirs is where the files of the modules of a tree lie.
func moduleDirs(ctx context.Context, dir string) (map[string]string, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Path}}@{{.Version}}\t{{.Dir}}", "all")
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list -m: %w", err)
	}
	dirs := map[string]string{}
	for line := range strings.SplitSeq(strings.TrimSpace(string(out)), "\n") {
		name, dir, _ := strings.Cut(line, "\t")
		dirs[name] = dir
	}
	return dirs, nil
}

// The parts of CycloneDX 1.6 that are written.
type (
	cdx struct {
		Schema       string          `json:"$schema"`
		Format       string          `json:"bomFormat"`
		Spec         string          `json:"specVersion"`
		Serial       string          `json:"serialNumber"`
		Version      int             `json:"version"`
		Metadata     cdxMetadata     `json:"metadata"`
		Components   []cdxComponent  `json:"components"`
		Dependencies []cdxDependency `json:"dependencies"`
	}
	cdxMetadata struct {
		Timestamp string       `json:"timestamp"`
		Component cdxComponent `json:"component"`
	}
	cdxComponent struct {
		Type       string        `json:"type"`
		Ref        string        `json:"bom-ref"`
		Name       string        `json:"name"`
		Version    string        `json:"version"`
		Hashes     []cdxHash     `json:"hashes,omitempty"`
		Licences   []cdxLicence  `json:"licenses,omitempty"`
		Purl       string        `json:"purl,omitempty"`
		Properties []cdxProperty `json:"properties,omitempty"`
	}
	cdxHash struct {
		Alg     string `json:"alg"`
		Content string `json:"content"`
	}
	cdxLicence struct {
		Licence cdxLicenceID `json:"license"`
	}
	cdxLicenceID struct {
		ID string `json:"id"`
	}
	cdxProperty struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	cdxDependency struct {
		Ref     string   `json:"ref"`
		Depends []string `json:"dependsOn,omitempty"`
	}
)

const mainModule = "github.com/weir-cep/weir"

// sbom is a binary's bill of materials, in CycloneDX's JSON: the modules that
// are in it and the standard library, each with its licence where the text of
// the licence leaves no doubt. The same binary has the same bill.
func sbom(src *source, t target, binary string, modules []module) ([]byte, error) {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	sum, err := sumOf(binary)
	if err != nil {
		return nil, err
	}
	weir := component("application", mainModule, src.version)
	weir.Hashes = []cdxHash{{"SHA-256", sum}}
	weir.Licences = nil
	weir.Properties = []cdxProperty{{"weir:commit", src.commit}, {"weir:target", t.String()}, {"weir:file", t.binary()}}
	own, err := licencesIn(src.dir)
	if err != nil {
		return nil, err
	}
	weir.Licences = identified(own)
	std := component("library", "std", strings.TrimPrefix(info.GoVersion, "go"))
	std.Licences = []cdxLicence{{cdxLicenceID{"BSD-3-Clause"}}}
	list, refs := []cdxComponent{std}, []string{std.Ref}
	for i := range modules {
		m := &modules[i]
		c := component("library", m.Path, m.Version)
		c.Licences = identified(m.licences)
		if h, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(m.Sum, "h1:")); err == nil && len(h) == sha256.Size {
			// Of the list of the module's files, not of an archive: no "hashes".
			c.Properties = []cdxProperty{{"go:sum", m.Sum}}
		}
		list, refs = append(list, c), append(refs, c.Ref)
	}
	bill := cdx{"http://cyclonedx.org/schema/bom-1.6.schema.json", "CycloneDX", "1.6", serial(sum), 1,
		cdxMetadata{src.time.UTC().Format("2006-01-02T15:04:05Z"), weir}, list, []cdxDependency{{weir.Ref, refs}}}
	out, err := json.MarshalIndent(bill, "", "  ")
	return append(out, '\n'), err
}

func component(kind, name, version string) cdxComponent {
	purl := "pkg:golang/" + name + "@" + strings.ReplaceAll(version, "+", "%2B")
	return cdxComponent{Type: kind, Ref: purl, Name: name, Version: version, Purl: purl}
}

func identified(list []licence) (ids []cdxLicence) {
	seen := map[string]bool{}
	for _, l := range list {
		if l.id != "" && !seen[l.id] {
			seen[l.id] = true
			ids = append(ids, cdxLicence{cdxLicenceID{l.id}})
		}
	}
	return ids
}

// serial is a UUID (of version 8: of our own making) out of the binary's hash.
func serial(sum string) string {
	raw, _ := hex.DecodeString(sum)
	u := append([]byte(nil), raw[:16]...)
	u[6], u[8] = u[6]&0x0f|0x80, u[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}
