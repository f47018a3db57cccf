package access

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// File is a file of tokens that is read again when it changes. Its methods may
// be called by many goroutines at once.
type File struct {
	path string
	now  func() time.Time
	salt [32]byte // so that nobody knows where in the table a token would stand

	table atomic.Pointer[table]
	look  atomic.Int64 // ns; when to look at the file next

	mu    sync.Mutex // of reading it again
	as    fs.FileInfo
	wrong error // why the file as it is now is not in force; nil: it is
}

type table struct{ at map[[sha256.Size]byte]*Token }

// lookEvery bounds how long a token that was taken out is still good.
const lookEvery = time.Second

// Open reads a file of tokens, which must be right.
func Open(path string) (*File, error) { return open(path, time.Now) }

func open(path string, now func() time.Time) (*File, error) {
	f := &File{path: path, now: now}
	rand.Read(f.salt[:]) // never fails
	return f, f.Reload()
}

// Reload reads the file again. With an error, the tokens from before stay good.
func (f *File) Reload() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.reload()
}

func (f *File) reload() error {
	list, as, err := read(f.path)
	f.wrong = err
	if as != nil {
		f.as = as
	}
	if err != nil {
		return err
	}
	t := &table{at: make(map[[sha256.Size]byte]*Token, len(list))}
	for i := range list {
		t.at[f.place(list[i].Hash)] = &list[i]
	}
	f.table.Store(t)
	return nil
}

// Wrong says why the file as it stands is not in force; nil: it is.
func (f *File) Wrong() error {
	f.fresh()
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.wrong
}

// Lookup finds a token that is good now.
func (f *File) Lookup(secret string) (Token, bool) {
	if len(secret) > maxToken {
		return Token{}, false
	}
	return f.Holds(Sum(secret))
}

// Holds says whether a token of a hash is good now. How long it takes does not
// tell how much of a token was right: its place in the table is secret, and
// hashes are compared in constant time.
func (f *File) Holds(h Hash) (Token, bool) {
	f.fresh()
	t, ok := f.table.Load().at[f.place(h)]
	if !ok || subtle.ConstantTimeCompare(t.Hash[:], h[:]) != 1 || t.Expired(f.now()) {
		return Token{}, false
	}
	return *t, true
}

func (f *File) place(h Hash) [sha256.Size]byte {
	return sha256.Sum256(append(f.salt[:len(f.salt):len(f.salt)], h[:]...))
}

// fresh reads the file again if it was changed since the last look.
func (f *File) fresh() {
	now, next := f.now().UnixNano(), f.look.Load()
	if now < next && next-now <= int64(lookEvery) || !f.look.CompareAndSwap(next, now+int64(lookEvery)) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	info, err := os.Stat(f.path)
	if err != nil {
		f.wrong = fmt.Errorf("look at the tokens: %w", err)
		return
	}
	if f.wrong == nil && os.SameFile(info, f.as) && info.ModTime().Equal(f.as.ModTime()) && info.Size() == f.as.Size() && info.Mode() == f.as.Mode() {
		return
	}
	_ = f.reload() // Wrong tells
}

// read reads a file of tokens, if nobody else can write to it.
func read(path string) ([]Token, fs.FileInfo, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("there is no file of tokens %s: make one with: weir token new --name you --role admin --auth-file %s: %w", path, path, fs.ErrNotExist)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read tokens: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, nil, fmt.Errorf("read tokens: %w", err)
	}
	if err := checkMode(path, info); err != nil {
		return nil, info, err
	}
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, info, fmt.Errorf("read tokens: %w", err)
	}
	list, err := Parse(path, string(text))
	return list, info, err
}

// checkMode refuses a file that somebody else may write, which would be to make
// tokens, or that everybody may read. A group may read it: orchestrators hand
// out secrets so.
func checkMode(path string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no file", path)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o037 != 0 {
		return fmt.Errorf("%s has mode %04o, and others may get at it: chmod 600 %s", path, info.Mode().Perm(), path)
	}
	return nil
}
