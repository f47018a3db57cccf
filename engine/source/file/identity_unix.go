//go:build unix

package file

import (
	"os"
	"syscall"
)

// identity returns a file's device and inode.
func identity(info os.FileInfo) (device, inode uint64) {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Dev), st.Ino
	}
	return 0, 0
}
