package checkpoint

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/zeebo/xxh3"
)

// manifestFile says in a kept checkpoint and a savepoint what it is.
const manifestFile = "MANIFEST.json"

// fileSums says whether a MANIFEST.json has checksums of the files: they cost
// reading everything once.
type fileSums bool

const (
	quick    fileSums = false
	thorough fileSums = true
)

// savedFile is a file of a savepoint.
type savedFile struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
	Sum  string `json:"xxh3,omitempty"` // 128 bits, hexadecimal
}

// onDisk is MANIFEST.json.
type onDisk struct {
	Manifest
	Files []savedFile `json:"files"`
	// Check is the checksum of the text before it.
	Check string `json:"check,omitempty"`
}

func writeManifestFile(fs vfs.FS, dir string, m *Manifest, sums fileSums) error {
	names, err := fs.List(dir)
	if err != nil {
		return fmt.Errorf("list %s: %w", dir, err)
	}
	slices.Sort(names)
	d := onDisk{Manifest: *m}
	for _, name := range names {
		f := savedFile{Name: name}
		if f.Size, f.Sum, err = fileSum(fs, fs.PathJoin(dir, name), sums); err != nil {
			return fmt.Errorf("read %s: %w", fs.PathJoin(dir, name), err)
		}
		d.Files = append(d.Files, f)
	}
	d.Check = d.check()
	if err := writeFile(fs, fs.PathJoin(dir, manifestFile), d.text()); err != nil {
		return err
	}
	return syncDirs(fs, dir)
}

// check is the checksum of everything else.
func (d *onDisk) check() string {
	bare := *d
	bare.Check = ""
	text, err := json.Marshal(&bare)
	if err != nil {
		panic(err) // numbers and strings
	}
	return fmt.Sprintf("%016x", xxh3.Hash(text))
}

// text is the file's whole text. JSON reads some others as the same, so it is
// compared too.
func (d *onDisk) text() []byte {
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		panic(err) // numbers and strings
	}
	return append(text, '\n')
}

// readManifestFile reads and checks a MANIFEST.json.
func readManifestFile(fs vfs.FS, dir string) (m Manifest, files []savedFile, err error) {
	path := fs.PathJoin(dir, manifestFile)
	text, err := readFile(fs, path)
	if err != nil {
		return m, nil, err
	}
	if m, err = decodeManifest(text, path); err != nil {
		return m, nil, err
	}
	var d onDisk
	if err := json.Unmarshal(text, &d); err != nil {
		return m, nil, &CorruptError{File: path, Why: err.Error(), Err: err}
	}
	if d.Check != d.check() || !bytes.Equal(d.text(), text) {
		return m, nil, &CorruptError{File: path, Why: "its checksum is wrong"}
	}
	return d.Manifest, d.Files, nil
}

// fileSum is the size and, if asked for, the checksum of a file.
func fileSum(fs vfs.FS, path string, sums fileSums) (size int64, sum string, err error) {
	if sums == quick {
		info, err := fs.Stat(path)
		if err != nil {
			return 0, "", err
		}
		return info.Size(), "", nil
	}
	f, err := fs.Open(path)
	if err != nil {
		return 0, "", err
	}
	defer f.Close()
	h := xxh3.New()
	size, err = io.CopyBuffer(h, f, make([]byte, 64<<10))
	b := h.Sum128().Bytes()
	return size, hex.EncodeToString(b[:]), err
}
