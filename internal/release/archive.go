package main

import (
	"archive/tar"
	"archive/zip"
	"cmp"
	"compress/flate"
	"compress/gzip"
	"io"
	"path"
	"slices"
	"time"
)

// packed is a file of an archive.
type packed struct {
	name string
	from string // where it was read
	text []byte
	run  bool // it is a program
}

func (p *packed) mode() int64 {
	if p.run {
		return 0o755
	}
	return 0o644
}

// sorted is the files by name, so that the archive does not tell in what order
// they were found.
func sorted(files []packed) []packed {
	return slices.SortedFunc(slices.Values(files), func(a, b packed) int { return cmp.Compare(a.name, b.name) })
}

// writeTar writes a tar.gz that depends on names, texts and at alone: files are
// nobody's, of fixed modes, and all of one time.
func writeTar(w io.Writer, folder string, at time.Time, files []packed) error {
	zw, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	tw := tar.NewWriter(zw)
	head := tar.Header{Typeflag: tar.TypeDir, Name: folder + "/", Mode: 0o755, ModTime: at.Truncate(time.Second), Format: tar.FormatUSTAR}
	if err := tw.WriteHeader(&head); err != nil {
		return err
	}
	for _, f := range sorted(files) {
		head := tar.Header{Typeflag: tar.TypeReg, Name: path.Join(folder, f.name), Mode: f.mode(), Size: int64(len(f.text)),
			ModTime: at.Truncate(time.Second), Format: tar.FormatUSTAR}
		if err := tw.WriteHeader(&head); err != nil {
			return err
		}
		if _, err := tw.Write(f.text); err != nil {
			return err
		}
	}
	if err := tw.Close(); err != nil {
		return err
	}
	return zw.Close()
}

// zipEpoch is the first time that a zip can say.
var zipEpoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// writeZip writes a zip, with the same promise as writeTar.
func writeZip(w io.Writer, folder string, at time.Time, files []packed) error {
	if at.Before(zipEpoch) {
		at = zipEpoch
	}
	zw := zip.NewWriter(w)
	zw.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestCompression) })
	for _, f := range sorted(files) {
		head := zip.FileHeader{Name: path.Join(folder, f.name), Method: zip.Deflate, Modified: at.UTC().Truncate(2 * time.Second)}
		head.SetMode(0o644)
		if f.run {
			head.SetMode(0o755)
		}
		body, err := zw.CreateHeader(&head)
		if err != nil {
			return err
		}
		if _, err := body.Write(f.text); err != nil {
			return err
		}
	}
	return zw.Close()
}
