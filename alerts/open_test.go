package alerts

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

func TestLockedByAnother(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "alerts")
	l := open(t, Options{FS: vfs.Default, Dir: dir})
	_, err := Open(Options{FS: vfs.Default, Dir: dir})
	if !errors.Is(err, ErrLocked) || !strings.HasPrefix(err.Error(), dir+": the alert log is in use by another process: stop that one, or give another state directory") {
		t.Fatalf("error %v", err)
	}
	if err := Verify(vfs.Default, dir, func(string, string) {}); !errors.Is(err, ErrLocked) {
		t.Fatalf("error %v", err)
	}
	must(t, l.Close())
	l = open(t, Options{FS: vfs.Default, Dir: dir})
	must(t, l.Close())
}

func TestWrittenByANewerVersion(t *testing.T) {
	var newer *VersionError
	fs := vfs.NewMem()
	l := open(t, Options{FS: fs})
	must(t, l.db.Set(metaKey(metaFormat), binary.BigEndian.AppendUint64(nil, format+1), pebble.Sync))
	must(t, l.Close())
	_, err := Open(Options{FS: fs, Dir: "alerts"})
	if !errors.As(err, &newer) || !strings.Contains(err.Error(), "the alert log in alerts was written by a newer Weir (format 3, this one reads 2): run that one, or give another state directory") {
		t.Fatalf("error %v", err)
	}

	// A database whose own format is newer.
	fs = vfs.NewMem()
	l = open(t, Options{FS: fs})
	must(t, l.Close())
	names, err := fs.List("alerts")
	must(t, err)
	for _, name := range names {
		if strings.HasPrefix(name, "marker.format-version.") {
			must(t, fs.Rename("alerts/"+name, "alerts/"+name[:len(name)-3]+"099"))
		}
	}
	_, err = Open(Options{FS: fs, Dir: "alerts"})
	if !errors.As(err, &newer) {
		t.Fatalf("error %v", err)
	}
}

func TestDirectoryThatCannotBeWritten(t *testing.T) {
	denied := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			return &fs.PathError{Op: "open", Path: op.Path, Err: os.ErrPermission}
		}
		return nil
	}))
	_, err := Open(Options{FS: denied, Dir: "alerts"})
	if !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), "the alert log in alerts cannot be opened: give the user that runs weir the right to write there") {
		t.Fatalf("error %v", err)
	}

	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o644))
	_, err = Open(Options{FS: vfs.Default, Dir: filepath.Join(file, "alerts")})
	if err == nil || !strings.Contains(err.Error(), "open the alert log in "+file) || strings.Contains(err.Error(), "\n") {
		t.Fatalf("error %v", err)
	}
}

func TestVerifyWithoutALog(t *testing.T) {
	if err := Verify(vfs.NewMem(), "nothing", func(string, string) {}); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("error %v", err)
	}
}

func TestClosedLog(t *testing.T) {
	l := open(t, Options{})
	must(t, l.Commit(1, testAlerts(1, 3)))
	news := l.Changed()
	must(t, l.Close())
	<-news
	must(t, l.Close())
	_, err := l.After(0, 1, Filter{})
	_, _, derr := l.Derived(1, 1)
	_, cerr := l.Cursor("a")
	_, ferr := l.Find([16]byte{})
	_, gerr := l.Get(1)
	_, rerr := l.Clean()
	_, _, lerr := l.LateAfter(0, 1)
	for i, err := range []error{err, derr, cerr, ferr, gerr, rerr, lerr, l.Commit(2, testAlerts(4, 4)), l.Sync(), l.Replay(0), l.SetCursor("a", Cursor{}), l.PutDerived(1, 1, nil), l.Copy("b")} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%d: error %v", i, err)
		}
	}
	_ = l.Stats()
}
