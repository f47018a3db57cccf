package option

import (
	"fmt"
	"os"
	"strings"
)

// maxSecret is how long a secret can be, bytes.
const maxSecret = 64 << 10

// Secret is where a secret is found. The zero Secret is none.
type Secret struct {
	o    *Options
	name string
	path string // of its file
	env  string // or the variable that holds it
}

// Secret returns where the secret of an option lies: the option names a file
// that holds it, or is env("NAME") and NAME holds it. It is read once, so that
// one that is missing is told at the start.
func (o *Options) Secret(name string) Secret {
	op, ok := o.find(name)
	if !ok {
		return Secret{}
	}
	s := Secret{o: o, name: name, env: op.EnvName}
	if s.env == "" {
		s.path = o.Path(name)
	}
	if _, err := s.Read(); err != nil {
		o.errs = append(o.errs, err)
	}
	return s
}

// Given says whether there is a secret.
func (s Secret) Given() bool { return s.path != "" || s.env != "" }

// Read returns the secret, "" if none is given. A line end behind it is not
// part of it.
func (s Secret) Read() (string, error) {
	if !s.Given() {
		return "", nil
	}
	if s.env != "" {
		v, err := variable(s.env)
		if err != nil {
			return "", s.o.errorf(s.name, "%w", err)
		}
		return v, nil
	}
	v, err := readSecret(s.path)
	if err != nil {
		return "", s.o.errorf(s.name, "%w", err)
	}
	return v, nil
}

func readSecret(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if info.Size() > maxSecret {
		return "", fmt.Errorf("%s is longer than %d bytes", path, maxSecret)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	v := strings.TrimRight(string(b), "\r\n")
	if v == "" {
		return "", fmt.Errorf("%s is empty", path)
	}
	return v, nil
}
