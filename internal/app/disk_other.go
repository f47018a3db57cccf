//go:build !unix

package app

// diskFree is not known here.
func diskFree(string) (free int64, ok bool) { return 0, false }

func isReadOnly(error) bool { return false }
