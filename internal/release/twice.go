package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// checkTwice builds for this machine out of two copies of the tree, at paths of
// different length and with a cache of compiled packages each, and compares.
func checkTwice(ctx context.Context, src *source) error {
	t := target{runtime.GOOS, runtime.GOARCH}
	work, err := os.MkdirTemp("", "weir-check-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	var sums [2]string
	for i, name := range []string{"a", filepath.Join("b", "of-another-length")} {
		twin := *src
		twin.dir = filepath.Join(work, name)
		if err := copyTree(ctx, src.dir, twin.dir); err != nil {
			return err
		}
		binary := filepath.Join(work, fmt.Sprint("weir", i))
		cache := filepath.Join(work, fmt.Sprint("cache", i))
		if err := build(ctx, &twin, t, binary, cache); err != nil {
			return err
		}
		if sums[i], err = sumOf(binary); err != nil {
			return err
		}
		if err := os.RemoveAll(cache); err != nil {
			return err
		}
	}
	if sums[0] != sums[1] {
		return fmt.Errorf("two builds for %s differ: %s and %s", t, sums[0], sums[1])
	}
	fmt.Printf("two builds for %s are the same: %s\n", t, sums[0])
	return nil
}

// copyTree copies what git tracks of a tree.
func copyTree(ctx context.Context, from, to string) error {
	names, err := output(ctx, from, "git", "ls-files", "-z")
	if err != nil {
		return err
	}
	for name := range strings.SplitSeq(strings.Trim(names, "\x00"), "\x00") {
		path := filepath.Join(to, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		text, err := os.ReadFile(filepath.Join(from, filepath.FromSlash(name)))
		if err != nil {
			return err
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
