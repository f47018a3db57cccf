package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	program = "./cmd/weir"
	stamps  = "github.com/weir-cep/weir/internal/app"
)

// build builds the program of a tree. Nothing of the machine goes into it: no
// path, no time, no C compiler. cache is a folder of its own for what is
// compiled; "": the user's.
func build(ctx context.Context, src *source, t target, to, cache string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags", fmt.Sprintf("-s -w -buildid= -X %s.version=%s -X %s.revision=%s", stamps, src.version, stamps, src.commit),
		"-o", to, program)
	cmd.Dir, cmd.Stdout, cmd.Stderr = src.dir, os.Stderr, os.Stderr
	cmd.Env = environment(t, cache)
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("build for %s: %w", t, err)
	}
	return nil
}

// environment is this process's, without what would change the binary.
func environment(t target, cache string) []string {
	var env []string
	for _, pair := range os.Environ() {
		switch name, _, _ := strings.Cut(pair, "="); name {
		case "GOFLAGS", "GOAMD64", "GOARM64", "GOEXPERIMENT", "GOWORK", "GOOS", "GOARCH", "CGO_ENABLED":
		case "GOCACHE":
			if cache == "" {
				env = append(env, pair)
			}
		default:
			env = append(env, pair)
		}
	}
	env = append(env, "CGO_ENABLED=0", "GOOS="+t.os, "GOARCH="+t.arch, "GOAMD64=v1", "GOARM64=v8.0", "GOFLAGS=-mod=readonly", "GOWORK=off")
	if cache != "" {
		env = append(env, "GOCACHE="+cache)
	}
	return env
}

// release builds, packs and sums up.
func release(ctx context.Context, src *source, list []target, out string) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "weir-release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	var made []string
	for _, t := range list {
		binary := filepath.Join(work, t.os+"-"+t.arch, t.binary())
		if err := build(ctx, src, t, binary, ""); err != nil {
			return err
		}
		names, err := pack(ctx, src, t, binary, out)
		if err != nil {
			return err
		}
		made = append(made, names...)
		fmt.Println(t, "->", strings.Join(names, ", "))
	}
	return writeSums(out, made)
}

// pack writes the archive of a binary, and its bill of materials beside it.
func pack(ctx context.Context, src *source, t target, binary, out string) ([]string, error) {
	modules, err := modulesOf(ctx, src.dir, binary)
	if err != nil {
		return nil, err
	}
	bill, err := sbom(src, t, binary, modules)
	if err != nil {
		return nil, err
	}
	folder := t.folder(src.version)
	files := []packed{{name: "THIRD_PARTY_LICENSES.txt", text: notices(modules)}}
	for _, f := range []packed{
		{name: t.binary(), from: binary, run: true},
		{name: "LICENSE", from: filepath.Join(src.dir, "LICENSE")},
		{name: "README.md", from: filepath.Join(src.dir, "README.md")},
	} {
		if f.text, err = os.ReadFile(f.from); err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	archive, write := folder+".tar.gz", writeTar
	if t.os == "windows" {
		archive, write = folder+".zip", writeZip
	}
	if err := writeFile(filepath.Join(out, archive), func(w io.Writer) error { return write(w, folder, src.time, files) }); err != nil {
		return nil, err
	}
	name := folder + ".cdx.json"
	return []string{archive, name}, os.WriteFile(filepath.Join(out, name), bill, 0o644)
}

func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := write(f); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// writeSums writes SHA256SUMS as sha256sum -c reads it.
func writeSums(out string, names []string) error {
	var b strings.Builder
	for _, name := range names {
		sum, err := sumOf(filepath.Join(out, name))
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%s  %s\n", sum, name)
	}
	return os.WriteFile(filepath.Join(out, "SHA256SUMS"), []byte(b.String()), 0o644)
}

func sumOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
