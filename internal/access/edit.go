package access

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// List reads the tokens of a file.
func List(path string) ([]Token, error) {
	list, _, err := read(path)
	return list, err
}

// Add puts a token into a file, which is made if there is none.
func Add(path string, t Token) error {
	return edit(path, func(text string, list []Token) (string, error) {
		if len(list) >= MaxTokens {
			return "", fmt.Errorf("%s holds %d tokens, it can be no more: revoke some", path, len(list))
		}
		if text == "" {
			text = head
		}
		if !strings.HasSuffix(text, "\n") {
			text += "\n"
		}
		return text + t.Line() + "\n", nil
	})
}

// Revoke takes tokens out of a file: those of a name, or the one whose hash
// begins so. It returns what it took.
func Revoke(path, nameOrID string) (gone []Token, err error) {
	err = edit(path, func(text string, list []Token) (string, error) {
		var kept strings.Builder
		for line := range strings.Lines(text) {
			t, why := parseLine(strings.TrimRight(line, "\r\n"))
			if why == "" && (t.Name == nameOrID || t.Hash.ID() == nameOrID) {
				gone = append(gone, t)
				continue
			}
			kept.WriteString(line)
		}
		if len(gone) == 0 {
			return "", fmt.Errorf("%s has no token of name or id %q; weir token list --auth-file %s shows them", path, nameOrID, path)
		}
		return kept.String(), nil
	})
	if err != nil {
		return nil, err
	}
	return gone, nil
}

// edit changes a file as a whole: whoever reads it finds the old or the new
// text. The new text's file keeps a second editor out.
func edit(path string, change func(text string, list []Token) (string, error)) (err error) {
	lock := path + ".new"
	file, err := os.OpenFile(lock, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there: another weir token works on it, or was killed at it; in that case remove the file", lock)
	}
	if err != nil {
		return fmt.Errorf("change tokens: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(lock))
		}
	}()
	mode := fs.FileMode(0o600)
	list, info, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		list, err = nil, nil
	}
	if err != nil {
		return errors.Join(err, file.Close())
	}
	old := ""
	if info != nil {
		text, rerr := os.ReadFile(path)
		if rerr != nil {
			return errors.Join(rerr, file.Close())
		}
		old, mode = string(text), info.Mode().Perm()
	}
	text, err := change(old, list)
	if err == nil {
		_, err = Parse(path, text)
	}
	if err != nil {
		return errors.Join(err, file.Close())
	}
	if _, err = file.WriteString(text); err == nil {
		err = file.Chmod(mode)
	}
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("change tokens: %w", err)
	}
	if err = os.Rename(lock, path); err != nil {
		return fmt.Errorf("change tokens: %w", err)
	}
	return syncDir(filepath.Dir(path))
}
