package main

import (
	"fmt"
	"slices"
	"strings"
)

// target is a system and a processor, by Go's names.
type target struct{ os, arch string }

// targets are what is built.
var targets = []target{
	{"linux", "amd64"}, {"linux", "arm64"},
	{"darwin", "amd64"}, {"darwin", "arm64"},
	{"windows", "amd64"}, {"windows", "arm64"},
}

func (t target) String() string { return t.os + "/" + t.arch }

// binary is the name of the program there.
func (t target) binary() string {
	if t.os == "windows" {
		return "weir.exe"
	}
	return "weir"
}

// folder is the name of the archive without its ending, and of the folder in it.
func (t target) folder(version string) string {
	system := t.os
	if system == "darwin" {
		system = "macos"
	}
	return fmt.Sprintf("weir_%s_%s_%s", strings.TrimPrefix(version, "v"), system, t.arch)
}

func allTargets() string {
	var names []string
	for _, t := range targets {
		names = append(names, t.String())
	}
	return strings.Join(names, ",")
}

// parseTargets reads a list such as linux/amd64,darwin/arm64.
func parseTargets(text string) (list []target, err error) {
	for name := range strings.SplitSeq(text, ",") {
		system, arch, _ := strings.Cut(strings.TrimSpace(name), "/")
		t := target{system, arch}
		if !slices.Contains(targets, t) {
			return nil, fmt.Errorf("%q is not built; there are %s", name, allTargets())
		}
		if !slices.Contains(list, t) {
			list = append(list, t)
		}
	}
	return list, nil
}
