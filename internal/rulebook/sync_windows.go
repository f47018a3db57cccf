package rulebook

// syncDir has nothing to do: NTFS logs renames.
func syncDir(string) error { return nil }
