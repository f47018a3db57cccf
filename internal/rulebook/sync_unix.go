//go:build unix

package rulebook

import (
	"errors"
	"os"
)

// syncDir makes a file's new name durable.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
