//go:build unix

package app

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// diskFree is the room that this user has on the disk of a path, bytes.
func diskFree(path string) (free int64, ok bool) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return 0, false
	}
	return int64(st.Bavail) * int64(st.Bsize), true
}

func isReadOnly(err error) bool { return errors.Is(err, syscall.EROFS) }
