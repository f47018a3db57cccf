package sink

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/weir-cep/weir/cep"
)

// Option is one "name: value" of a sink. Env names the environment variable
// that holds the value, if the rule file says env("NAME").
type Option struct {
	Name  string
	Value cep.Value
	Env   string
}

// Options are a sink's options, which the compiler has checked: what is there
// has the right type.
type Options []Option

func (o Options) equal(p Options) bool {
	return slices.EqualFunc(o, p, func(a, b Option) bool {
		return a.Name == b.Name && a.Env == b.Env && a.Value.String() == b.Value.String()
	})
}

func (o Options) find(name string) *Option {
	for i := range o {
		if o[i].Name == name {
			return &o[i]
		}
	}
	return nil
}

// Text returns a text or word, def where there is none.
func (o Options) Text(name, def string) (string, error) {
	op := o.find(name)
	switch {
	case op == nil:
		return def, nil
	case op.Env == "":
		return op.Value.Text, nil
	}
	return op.env()
}

func (op *Option) env() (string, error) {
	v, ok := os.LookupEnv(op.Env)
	if !ok {
		return "", fmt.Errorf("%s: the environment variable %s is not set", op.Name, op.Env)
	}
	return v, nil
}

// Texts returns one or several texts; those of an environment variable are
// parted by commas.
func (o Options) Texts(name string, def ...string) ([]string, error) {
	op := o.find(name)
	if op == nil {
		return def, nil
	}
	var list []string
	if op.Env != "" {
		v, err := op.env()
		if err != nil {
			return nil, err
		}
		for s := range strings.SplitSeq(v, ",") {
			if s = strings.TrimSpace(s); s != "" {
				list = append(list, s)
			}
		}
	}
	for _, v := range op.Value.List {
		list = append(list, v.Text)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s: at least one is needed", name)
	}
	return list, nil
}

// Bool returns a yes or no, no where there is none.
func (o Options) Bool(name string) bool {
	op := o.find(name)
	return op != nil && op.Value.Word != 0
}

// Duration returns a duration, def where there is none.
func (o Options) Duration(name string, def time.Duration) time.Duration {
	if op := o.find(name); op != nil {
		return time.Duration(op.Value.Word)
	}
	return def
}

// Int returns a whole number, def where there is none.
func (o Options) Int(name string, def int64) int64 {
	if op := o.find(name); op != nil {
		return int64(op.Value.Word)
	}
	return def
}

// Secret reads the file that secret_file names, without the line's end; "" if
// no file is named.
func (s *Spec) Secret() (string, error) {
	name, err := s.Options.Text("secret_file", "")
	if name == "" || err != nil {
		return "", err
	}
	b, err := os.ReadFile(s.Path(name))
	if err != nil {
		return "", fmt.Errorf("secret_file: %w", err)
	}
	secret := strings.TrimRight(string(b), "\r\n")
	if secret == "" {
		return "", errors.New("secret_file: " + s.Path(name) + " is empty")
	}
	return secret, nil
}

// Path makes a path of the rule file absolute.
func (s *Spec) Path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(s.Dir, name)
}
