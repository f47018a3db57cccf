package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

var testTime = time.Date(2026, 1, 31, 10, 0, 1, 5, time.FixedZone("", 3600))

func files(order ...int) []packed {
	all := []packed{{name: "weir", text: bytes.Repeat([]byte("program "), 1000), run: true}, {name: "LICENSE", text: []byte("may")}, {name: "README.md", text: []byte("read")}}
	var list []packed
	for _, i := range order {
		list = append(list, all[i])
	}
	return list
}

func TestArchivesDependOnContentAlone(t *testing.T) {
	for name, write := range map[string]func(io.Writer, string, time.Time, []packed) error{"tar": writeTar, "zip": writeZip} {
		var a, b, c bytes.Buffer
		for _, err := range []error{
			write(&a, "weir_1", testTime, files(0, 1, 2)),
			write(&b, "weir_1", testTime.UTC(), files(2, 0, 1)),
			write(&c, "weir_1", testTime.Add(time.Hour), files(0, 1, 2)),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(a.Bytes(), b.Bytes()) {
			t.Errorf("%s: the order of files or the time zone shows", name)
		}
		if bytes.Equal(a.Bytes(), c.Bytes()) {
			t.Errorf("%s: the time does not show", name)
		}
	}
}

func TestTar(t *testing.T) {
	var b bytes.Buffer
	if err := writeTar(&b, "weir_1", testTime, files(0, 1, 2)); err != nil {
		t.Fatal(err)
	}
	zr, err := gzip.NewReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for r := tar.NewReader(zr); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Uid != 0 || h.Gid != 0 || h.Uname != "" || !h.ModTime.Equal(testTime.Truncate(time.Second)) {
			t.Errorf("%s is of %d/%d %q at %s", h.Name, h.Uid, h.Gid, h.Uname, h.ModTime)
		}
		got[h.Name] = h.Mode
	}
	if want := map[string]int64{"weir_1/": 0o755, "weir_1/weir": 0o755, "weir_1/LICENSE": 0o644, "weir_1/README.md": 0o644}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestZip(t *testing.T) {
	var b bytes.Buffer
	if err := writeZip(&b, "weir_1", time.Unix(0, 0), files(0, 1, 2)); err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]fs.FileMode{}
	for _, f := range r.File {
		got[f.Name] = f.Mode()
		if !f.Modified.Equal(zipEpoch) {
			t.Errorf("%s is of %s", f.Name, f.Modified)
		}
	}
	if want := map[string]fs.FileMode{"weir_1/weir": 0o755, "weir_1/LICENSE": 0o644, "weir_1/README.md": 0o644}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestBillOfASmallBuild(t *testing.T) {
	src, err := openSource(t.Context(), "v0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(t.TempDir(), "small")
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", binary, "./internal/release/testdata/small")
	cmd.Dir = src.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	here := target{runtime.GOOS, runtime.GOARCH}
	names, err := pack(t.Context(), src, here, binary, t.TempDir())
	if err != nil || len(names) != 2 {
		t.Fatal(names, err)
	}
	modules, err := modulesOf(t.Context(), src.dir, binary)
	if err != nil {
		t.Fatal(err)
	}
	text, err := sbom(src, here, binary, modules)
	if err != nil {
		t.Fatal(err)
	}
	var bill cdx
	if err := json.Unmarshal(text, &bill); err != nil {
		t.Fatal(err)
	}
	if bill.Format != "CycloneDX" || bill.Spec != "1.6" || bill.Metadata.Component.Version != "v0.0.1" {
		t.Errorf("bill of %+v", bill.Metadata)
	}
	licences := map[string][]string{}
	for _, c := range bill.Components {
		licences[c.Name] = []string{}
		for _, l := range c.Licences {
			licences[c.Name] = append(licences[c.Name], l.Licence.ID)
		}
		if c.Name != "std" && (len(c.Properties) != 1 || !strings.HasPrefix(c.Properties[0].Value, "h1:") || !strings.HasPrefix(c.Purl, "pkg:golang/"+c.Name+"@v")) {
			t.Errorf("component %+v", c)
		}
		if !slices.Contains(bill.Dependencies[0].Depends, c.Ref) {
			t.Errorf("nothing depends on %s", c.Ref)
		}
	}
	// Both are of several licences in one file or several: their text goes along.
	for _, name := range []string{"std", "github.com/klauspost/compress", "go.yaml.in/yaml/v3"} {
		if _, ok := licences[name]; !ok {
			t.Errorf("%s is not in the bill: %v", name, licences)
		}
	}
	if !bytes.Contains(notices(modules), []byte("go.yaml.in/yaml/v3")) || !bytes.Contains(notices(modules), []byte("Permission is hereby granted")) {
		t.Error("the texts of the licences do not go along")
	}
}

func TestIdentify(t *testing.T) {
	mit := "Copyright (c) 2026 A\n\nPermission is hereby granted, free of charge, to any person\nobtaining a copy … The above copyright notice and this permission notice shall be included in all\ncopies or substantial portions of the Software."
	two := "Redistribution and use in source and binary forms, with or without\nmodification, are permitted provided … Redistributions in binary form must reproduce the above copyright notice, this list"
	three := two + " … Neither the name of A nor the names of its contributors may be used to endorse or promote products derived from this software without specific prior written permission."
	for _, c := range []struct{ text, want string }{
		{mit, "MIT"}, {two, "BSD-2-Clause"}, {three, "BSD-3-Clause"}, {mit + three, ""}, {"All rights reserved.", ""},
	} {
		if got := identify([]byte(c.text)); got != c.want {
			t.Errorf("%.40q is %q, want %q", c.text, got, c.want)
		}
	}
}

func TestOwnLicence(t *testing.T) {
	list, err := licencesIn(filepath.Join("..", ".."))
	if err != nil || len(list) != 1 || list[0].id == "" {
		t.Errorf("our own licence is not known for sure: %+v %v", list, err)
	}
}

func TestSums(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.tar.gz"), []byte("abc"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := writeSums(dir, []string{"a.tar.gz"}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, "SHA256SUMS"))
	if want := "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  a.tar.gz\n"; err != nil || string(got) != want {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestTargets(t *testing.T) {
	list, err := parseTargets(allTargets())
	if err != nil || !slices.Equal(list, targets) {
		t.Errorf("got %v, %v", list, err)
	}
	if _, err := parseTargets("linux/riscv64"); err == nil {
		t.Error("linux/riscv64 is taken")
	}
	if got := (target{"darwin", "arm64"}).folder("v1.2.3"); got != "weir_1.2.3_macos_arm64" {
		t.Error(got)
	}
}

func TestArguments(t *testing.T) {
	for _, args := range [][]string{{"--version", "1.0"}, {"--version", "v1.0.0 -X main.a=b"}, {"--targets", "plan9/386"}, {"--no-such"}} {
		if err := run(t.Context(), args); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
}
