package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/engine"
	"github.com/weir-cep/weir/internal/decode"
	"github.com/weir-cep/weir/internal/lookup"
)

type tryCmd struct {
	Out  string `short:"o" placeholder:"FILE" help:"Write the declaration to this rule file, which must not exist yet."`
	File string `arg:"" help:"Event file: NDJSON or CSV, plain, gzip or zstd."`
}

func (tryCmd) Help() string {
	return `Guesses how the events of a file of yours are declared, checks that the file can be read so, tries the
library's rules on its first records, names those that could not be tried and the field that each lacks, and
says what to type next.

Examples:
  weir try payments.csv
  weir try events.ndjson.gz --out my.cep`
}

// Run is the command.
func (c tryCmd) Run(ctx context.Context, s Streams) error {
	sample, err := readSample(c.File)
	if err != nil {
		return err
	}
	all := guesses(sample)
	d, err := declaration(c.File, sample, all)
	if err != nil {
		return err
	}
	text := d.text
	fmt.Fprintf(s.Out, "%s: %s looked at, %s\n\n%s\n", c.File, plural(len(sample.records), "record"), plural(len(sample.paths), "field"), text)
	if err := c.check(ctx, s, sample, &d); err != nil {
		return err
	}
	list, known, err := tryRules(ctx, sample, all)
	if err != nil {
		return err
	}
	tellTried(s.Out, list, known, sample)
	rules := "my.cep"
	if c.Out != "" {
		rules = c.Out
		f, err := os.OpenFile(c.Out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if errors.Is(err, os.ErrExist) {
			return fmt.Errorf("--out: %s is there already and is left as it is; name another file", c.Out)
		}
		if err == nil {
			_, err = f.WriteString(text)
			err = errors.Join(err, f.Close())
		}
		if err != nil {
			return err
		}
	}
	fmt.Fprintln(s.Out, "\nNEXT")
	if slices.ContainsFunc(all, (*guess).decimalCommas) {
		fmt.Fprintf(s.Out, "  # decimal commas into points, then again\n  %s %s > points.csv && weir try points.csv\n", decimalPoints(sample.delimiter), quoted(c.File))
	}
	if c.Out == "" {
		fmt.Fprintf(s.Out, "  weir try %s --out %s\n", quoted(c.File), rules)
	}
	by, message := "global", "Many in a minute"
	if d.key != nil {
		by, message = "by "+d.key.name, "{"+d.key.name+"}"
	}
	fmt.Fprintf(s.Out, "  printf 'rule many \"Many in a minute\" {\\n  %s\\n  on %s when count() over last 1m > 20\\n  alert { message \"%s\" }\\n}\\n' >> %s\n", by, d.event, message, rules)
	from := "--events " + quoted(c.File)
	if d.field == "" {
		from = "--events Record=" + quoted(c.File)
	} else if d.field != "type" {
		from += " --type-field " + quoted(d.field)
	}
	fmt.Fprintf(s.Out, "  weir run %s %s%s\n", rules, from, flags(c.File, sample))
	return nil
}

// flags are those that a command needs to read the file.
func flags(path string, s *sample) (text string) {
	if s.format == decode.CSV && decode.FormatOf(path) != decode.CSV {
		text += " --format csv"
	}
	if s.format == decode.JSON && decode.FormatOf(path) != decode.JSON {
		text += " --format json"
	}
	if s.delimiter != ',' && s.format == decode.CSV {
		text += " --delimiter '" + strings.ReplaceAll(string(s.delimiter), "\t", `\t`) + "'"
	}
	return text
}

// decimalPoints is a command that writes 1.234,50 as 1234.50 where that is all
// of a cell.
func decimalPoints(delimiter byte) string {
	end := `"`
	if delimiter == '\t' {
		end += `\t`
	} else if delimiter != ',' {
		end += `\` + string(delimiter)
	}
	return `perl -pe 's/(?<![^` + end + `])(-?\d[\d.]*),(\d+)(?=[` + end + `\r\n]|$)/(my $w = $1) =~ tr{.}{}d; "$w.$2"/ge'`
}

// quoted writes a path for a shell.
func quoted(path string) string {
	if path != "" && !strings.ContainsAny(path, " '\"\\$&;|<>()*?[]{}!#~`\t\n") {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

// declared is what is written of a sample.
type declared struct {
	text   string
	events []string // their names
	event  string   // the one that most records are
	key    *guess   // its best key; nil: none
	field  string   // that says a record's type; "": all are of one
}

// declaration writes the rule file: an event for each type of the sample.
func declaration(path string, s *sample, all []*guess) (d declared, err error) {
	var b strings.Builder
	fmt.Fprintf(&b, "# Guessed from %s: change what is wrong.\n", oneLine(filepath.Base(path)))
	at := typePath(all)
	if at < 0 {
		d.event, d.events = "Record", []string{"Record"}
		d.key, err = declare(&b, path, d.event, "", s, all, nil)
		d.text = b.String()
		return d, err
	}
	d.field = all[at].path
	most, taken := 0, map[string]bool{}
	for _, u := range userTypes(s, all) {
		one := *s
		one.records = nil
		for _, r := range s.records {
			if typeOf(r, at) == u.name {
				one.records = append(one.records, r)
			}
		}
		name := eventName(u.name, taken)
		key, err := declare(&b, path, name, u.name, &one, guesses(&one), all[at])
		if err != nil {
			return d, err
		}
		d.events = append(d.events, name)
		if len(one.records) > most {
			most, d.event, d.key = len(one.records), name, key
		}
	}
	d.text = b.String()
	return d, nil
}

// eventName makes a name of an event for a type: order.created is OrderCreated.
func eventName(text string, taken map[string]bool) string {
	name := ""
	for _, part := range strings.FieldsFunc(text, func(r rune) bool {
		return r > 'z' || !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9')
	}) {
		name += strings.ToUpper(part[:1]) + part[1:]
	}
	if name == "" || name[0] >= '0' && name[0] <= '9' || name == "Outcome" {
		name = "E" + name
	}
	for taken[name] {
		name += "X"
	}
	taken[name] = true
	return name
}

// declare writes one event, and returns its best key. skip is the field of its
// type.
func declare(b *strings.Builder, path, name, tag string, s *sample, all []*guess, skip *guess) (*guess, error) {
	var at, id *guess
	for _, g := range all {
		if g.isTime() && !strings.HasSuffix(g.kind, "?") && (at == nil || timeLike.MatchString(g.path) && !timeLike.MatchString(at.path)) {
			at = g
		}
		if g.kind == "string" && idLike(g.path) && len(g.distinct) == len(s.records) && len(s.records) > 1 && id == nil {
			id = g
		}
	}
	if at == nil {
		what := ""
		if tag != "" {
			what = fmt.Sprintf(" of type %q", tag)
		}
		return nil, fmt.Errorf("no field of %s holds a time in every record%s, and rules run on the time of events; Weir reads RFC 3339, seconds or milliseconds since 1970, and layouts like 2006-01-02 15:04:05. %s", path, what, nearestTime(s, all))
	}
	fmt.Fprintf(b, "event %s", name)
	if tag != "" && tag != name {
		fmt.Fprintf(b, " as %s", literal(tag))
	}
	b.WriteString(" {\n")
	if id != nil {
		fmt.Fprintf(b, "  id %s\n", id.name)
	}
	fmt.Fprintf(b, "  time %s", at.name)
	if at.back > 0 {
		whole := (time.Duration(at.back) + time.Second).Truncate(time.Second)
		fmt.Fprintf(b, " late %s", cep.AppendDuration(nil, int64(whole)))
	}
	b.WriteByte('\n')
	for _, g := range all {
		switch {
		case skip != nil && (g.path == skip.path || g.seen == 0):
			continue
		case g.kind == "":
			fmt.Fprintf(b, "  # %s: objects in a list, or values of several shapes\n", oneLine(g.path))
			continue
		}
		fmt.Fprintf(b, "  %s: %s", g.name, g.kind)
		if g.name != g.path {
			fmt.Fprintf(b, " from %s", literal(g.path))
		}
		if g.decimalCommas() {
			b.WriteString("  # decimal commas: a number once they are points")
		}
		b.WriteByte('\n')
	}
	b.WriteString("}\n")
	ks := keys(all, id)
	for _, k := range ks[:min(3, len(ks))] {
		fmt.Fprintf(b, "# key? %s: %s, %.1f records each\n", k.name, plural(len(k.distinct), "value"), float64(k.seen)/float64(len(k.distinct)))
	}
	if len(ks) == 0 {
		return nil, nil
	}
	return ks[0], nil
}

// check reads the whole file with the declaration.
func (c tryCmd) check(ctx context.Context, s Streams, sample *sample, d *declared) error {
	text := d.text
	for i, name := range d.events {
		text += fmt.Sprintf("rule all_%d { global on %s when count() over last 1m < 0 alert { message \"\" } }\n", i, name)
	}
	prog, err := compile(s, engine.RuleText("guessed.cep", text))
	if err != nil {
		return err
	}
	lookups, _, err := lookup.Load(prog)
	if err != nil {
		return err
	}
	f := engine.File{Path: c.File, Format: sample.format, Delimiter: sample.delimiter, TypeField: d.field}
	if d.field == "" {
		f.Type = schemaOf(prog, "Record")
	}
	cfg := engine.RunConfig{Files: []engine.File{f}}
	cfg.Lookups, cfg.Shards = lookups, 1
	first := ""
	cfg.Dead = func(_ int, base uint64, letters []decode.DeadLetter) {
		if first == "" && len(letters) > 0 {
			first = firstRejected(&f, base, &letters[0])
		}
	}
	start := time.Now()
	sum, err := engine.Run(ctx, prog, cfg)
	if err != nil {
		return err
	}
	r := newReport(&sum, time.Since(start))
	r.first = first
	fmt.Fprintf(s.Out, "The whole file read so: %s\n", plural(int(r.Events), "event"))
	r.missing(s.Out)
	return nil
}

// literal writes a text as a rule file has it.
func literal(text string) string {
	return string(dsl.AppendValue(nil, cep.Str(text)))
}

// oneLine is a text as it stands in a comment.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}
