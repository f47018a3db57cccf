package app

import (
	"bytes"
	"fmt"
	"os"

	"github.com/weir-cep/weir/dsl"
)

type fmtCmd struct {
	Check bool     `xor:"mode" help:"Only name the files that are not in canonical form; exit with 1 if there are any."`
	Write bool     `short:"w" xor:"mode" help:"Write the result back to the files."`
	Rules []string `arg:"" help:"Rule files, or folders of them."`
}

func (fmtCmd) Help() string {
	return "Comments stay. Without a flag the result goes to standard output.\n\nExample:\n  weir fmt --write rules/"
}

func (c fmtCmd) Run(s Streams) error {
	files, ds, err := dsl.ParseFiles(dsl.Files, c.Rules...)
	if err != nil {
		return err
	}
	if ds.HasErrors() {
		fmt.Fprint(s.Err, ds.Text())
		return exitError(exitRules)
	}
	different := 0
	for _, f := range files {
		text := dsl.Format(f)
		if bytes.Equal(text, f.Source.Text) {
			if !c.Check && !c.Write {
				s.Out.Write(text)
			}
			continue
		}
		different++
		if err := c.put(s, f.Source.Name, text); err != nil {
			return err
		}
	}
	if c.Check && different > 0 {
		fmt.Fprintf(s.Err, "%s not in canonical form; weir fmt --write mends that\n", plural(different, "file"))
		return exitError(exitFindings)
	}
	return nil
}

// put deals with a file whose canonical form differs.
func (c fmtCmd) put(s Streams, name string, text []byte) error {
	switch {
	case c.Check:
		fmt.Fprintln(s.Out, name)
		return nil
	case c.Write && name != "-":
		info, err := os.Stat(name)
		if err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		return os.WriteFile(name, text, info.Mode().Perm())
	}
	_, err := s.Out.Write(text)
	return err
}
