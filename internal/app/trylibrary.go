package app

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/engine"
	"github.com/weir-cep/weir/internal/lookup"
	"github.com/weir-cep/weir/rules/library"
)

// The library's rules are tried on other people's events by writing these as
// the library's: each field that a rule reads comes from the field that names
// the same, and what no rule reads is left at nothing.

// tried is a rule of the library that the events have the fields for, or not.
type tried struct {
	rule  *dsl.RuleIR
	needs map[*cep.Schema][]int // fields that it reads, by type
	lacks string                // what the events have not; "": nothing
	of    map[string]string     // by the library's type: the user's, "" where there is one
	count int                   // alerts
	first string                // the first one's message
}

// fieldOf is where a field of the library comes from.
type fieldOf struct {
	to int // in the library's type
	g  *guess
}

// tryRules finds out which rules of the library can be tried on a sample, and
// tries them.
func tryRules(ctx context.Context, s *sample, all []*guess) ([]*tried, map[string][]fieldOf, error) {
	set, err := librarySet()
	if err != nil {
		return nil, nil, err
	}
	list, err := libraryRules(set)
	if err != nil {
		return nil, nil, err
	}
	types := userTypes(s, all)
	maps := map[string][]fieldOf{} // by the user's type and the library's
	for _, t := range list {
		t.fit(all, types, maps)
	}
	return list, maps, runTried(ctx, set, list, s, all, types, maps)
}

// librarySet is the library with all its rules off.
func librarySet() (engine.RuleSet, error) {
	names, err := fs.Glob(library.Files, "*.cep")
	if err != nil {
		return engine.RuleSet{}, err
	}
	set, err := engine.ReadRules(library.Files, names...)
	if err != nil {
		return set, err
	}
	for name, text := range set.Files {
		set.Files[name] = demoSource.ReplaceAllString(text, "")
	}
	prog, err := set.Compile()
	if err != nil {
		return set, err
	}
	set.Status = map[string]dsl.Status{}
	for _, r := range prog.Rules {
		set.Status[r.Name] = dsl.Off
	}
	return set, nil
}

// libraryRules are the rules that need no other's alerts, with the fields that
// each reads.
func libraryRules(set engine.RuleSet) (list []*tried, err error) {
	for _, name := range slices.Sorted(maps.Keys(set.Status)) {
		one := set
		one.Status = maps.Clone(set.Status)
		one.Status[name] = dsl.Live
		prog, err := one.Compile()
		if err != nil {
			return nil, err
		}
		need := engine.Need(prog)
		t := &tried{needs: map[*cep.Schema][]int{}, of: map[string]string{}}
		for _, r := range prog.Rules {
			if r.Name == name {
				t.rule = r
			}
		}
		if t.rule.Level > 0 {
			continue
		}
		for i, schema := range prog.Schemas {
			for f, on := range need[i] {
				if on && f != schema.ID && f != schema.Time {
					t.needs[schema] = append(t.needs[schema], f)
				}
			}
			if len(t.needs[schema]) > 0 {
				t.needs[schema] = append(t.needs[schema], schema.Time)
			}
		}
		list = append(list, t)
	}
	return list, nil
}

// userType is one type of a sample's events.
type userType struct {
	name string
	has  map[int]bool // indexes of the paths that most of its records have
}

// typePath finds the field that holds an event's type, -1 if there is none.
func typePath(all []*guess) int {
	for _, name := range []string{"type", "eventtype", "event", "eventname", "kind"} {
		for i, g := range all {
			if plainName(g.path) == name && g.kind == "string" && len(g.distinct) > 1 && len(g.distinct) <= 100 {
				return i
			}
		}
	}
	return -1
}

// userTypes are the types of a sample, one of no name where nothing tells them
// apart.
func userTypes(s *sample, all []*guess) []userType {
	at := typePath(all)
	count, seen := map[string]int{}, map[string]map[int]int{}
	for _, record := range s.records {
		name := typeOf(record, at)
		if seen[name] == nil {
			seen[name] = map[int]int{}
		}
		count[name]++
		for _, c := range record {
			if c.kind != cellNull {
				seen[name][c.path]++
			}
		}
	}
	var list []userType
	for _, name := range slices.Sorted(maps.Keys(count)) {
		t := userType{name, map[int]bool{}}
		for path, n := range seen[name] {
			t.has[path] = n*2 > count[name]
		}
		list = append(list, t)
	}
	return list
}

func typeOf(record []cell, at int) string {
	for _, c := range record {
		if c.path == at && at >= 0 {
			return c.text
		}
	}
	return ""
}

// fit decides whether the events have what a rule reads.
func (t *tried) fit(all []*guess, types []userType, known map[string][]fieldOf) {
	for schema, fields := range t.needs {
		var lacks string
		found := false
		for _, u := range types {
			if len(types) > 1 && plainName(u.name) != plainName(schema.Name) {
				continue
			}
			var list []fieldOf
			if list, lacks = mapped(schema, fields, all, u); lacks == "" {
				t.of[schema.Name], found = u.name, true
				key := u.name + "\x00" + schema.Name
				for _, f := range list {
					if !slices.ContainsFunc(known[key], func(o fieldOf) bool { return o.to == f.to }) {
						known[key] = append(known[key], f)
					}
				}
				break
			}
		}
		if !found {
			if lacks == "" {
				lacks = fmt.Sprintf("events like %s", schema.Name)
			}
			if t.lacks == "" || lacks < t.lacks {
				t.lacks = lacks
			}
		}
	}
	if len(t.needs) > 1 && len(types) == 1 {
		t.lacks = fmt.Sprintf("events of %d types: %s", len(t.needs), strings.Join(typesOfRule(t), ", "))
	}
}

func typesOfRule(t *tried) (names []string) {
	for s := range t.needs {
		names = append(names, s.Name)
	}
	slices.Sort(names)
	return names
}

// mapped finds the user's field for each of the library's; lacks names those
// that there is none for.
func mapped(schema *cep.Schema, fields []int, all []*guess, u userType) (list []fieldOf, lacks string) {
	var none []string
	for _, f := range fields {
		best, rank := (*guess)(nil), 0
		for i, g := range all {
			if !u.has[i] || !canBe(&schema.Fields[f], g, f == schema.Time) {
				continue
			}
			r := alike(g.path, schema.Fields[f].Name)
			if f == schema.Time {
				r = 2
				if timeLike.MatchString(g.path) {
					r = 1
				}
			}
			if r > 0 && (best == nil || r < rank) {
				best, rank = g, r
			}
		}
		if best == nil {
			none = append(none, schema.Name+"."+schema.Fields[f].Name)
			continue
		}
		list = append(list, fieldOf{f, best})
	}
	return list, strings.Join(none, ", ")
}

// canBe says whether a field of the library can hold what a path does.
func canBe(f *cep.Field, g *guess, time bool) bool {
	kind := strings.TrimSuffix(g.kind, "?")
	switch f.Type.Kind {
	case cep.KindTimestamp:
		return time && g.isTime()
	case cep.KindMoney, cep.KindNumber, cep.KindInt:
		return kind == "number" || kind == "int"
	case cep.KindIP:
		return kind == "ip"
	case cep.KindBool:
		return kind == "bool" || said(g, yes, no)
	case cep.KindEnum:
		if f.Name == "decision" {
			return kind == "bool" || said(g, yes, no)
		}
		return f.Name == "entry" && saidMode(g)
	case cep.KindString:
		return kind == "string" || kind == "int" || kind == "ip"
	}
	return false
}

// said says whether all values of a path are words of the two kinds.
func said(g *guess, a, b map[string]bool) bool {
	if len(g.distinct) == 0 || len(g.distinct) > 20 {
		return false
	}
	known := 0
	for text := range g.distinct {
		if w := plainName(text); a[w] || b[w] {
			known++
		}
	}
	return known > 0 && known*2 >= len(g.distinct)
}

func saidMode(g *guess) bool {
	for text := range g.distinct {
		if modeOf(text) != "" {
			return len(g.distinct) <= 20
		}
	}
	return false
}

func modeOf(text string) string {
	for name, set := range modes {
		if set[plainName(text)] {
			return name
		}
	}
	return ""
}

// runTried runs the rules that fit over the sample.
func runTried(ctx context.Context, set engine.RuleSet, list []*tried, s *sample, all []*guess, types []userType, known map[string][]fieldOf) error {
	set.Status = maps.Clone(set.Status)
	byName := map[string]*tried{}
	for _, t := range list {
		if t.lacks == "" {
			set.Status[t.rule.Name] = dsl.Live
			byName[t.rule.Name] = t
		}
	}
	if len(byName) == 0 {
		return nil
	}
	prog, err := set.Compile()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "weir-try-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "events.ndjson")
	if err := writeAs(path, prog, s, all, known); err != nil {
		return err
	}
	lookups, _, err := lookup.Load(prog)
	if err != nil {
		return err
	}
	cfg := engine.RunConfig{Files: []engine.File{{Path: path}}}
	cfg.Lookups, cfg.Shards = lookups, 1
	cfg.Emit = func(batch []*cep.Alert) error {
		for _, a := range batch {
			t := byName[a.Rule]
			if t.count++; t.count == 1 {
				t.first = a.Message
			}
		}
		return nil
	}
	_, err = engine.Run(ctx, prog, cfg)
	return err
}

// writeAs writes a sample's events as the library's, in the order of their
// times, so that none is late.
func writeAs(path string, prog *dsl.Program, s *sample, all []*guess, known map[string][]fieldOf) (err error) {
	schemas := map[string]*cep.Schema{}
	for _, sc := range prog.Schemas {
		schemas[sc.Name] = sc
	}
	at := typePath(all)
	type line struct {
		at   int64
		text []byte
	}
	var lines []line
	for i, record := range s.records {
		name := typeOf(record, at)
		for _, key := range slices.Sorted(maps.Keys(known)) {
			from, to, _ := strings.Cut(key, "\x00")
			if from != name && len(from) > 0 {
				continue
			}
			if when, text, ok := asLibrary(schemas[to], known[key], record, s, i); ok {
				lines = append(lines, line{when, text})
			}
		}
	}
	slices.SortStableFunc(lines, func(a, b line) int { return cmp.Compare(a.at, b.at) })
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	for _, l := range lines {
		w.Write(l.text)
	}
	err = w.Flush()
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// asLibrary writes a record as an event of the library; false: a field that is
// needed has no value in it.
func asLibrary(schema *cep.Schema, fields []fieldOf, record []cell, s *sample, n int) (at int64, line []byte, ok bool) {
	event := map[string]any{"type": schema.Tag}
	for f := range schema.Fields {
		if sf := &schema.Fields[f]; !sf.Type.Optional && f != schema.Time {
			event[sf.Name] = nothing(sf, n)
		}
	}
	for _, m := range fields {
		var c *cell
		for i := range record {
			if record[i].path == s.index[m.g.path] {
				c = &record[i]
			}
		}
		if c == nil || c.kind == cellNull {
			return 0, nil, false
		}
		f := &schema.Fields[m.to]
		if f.Type.Kind == cep.KindTimestamp {
			t, ok := m.g.time(c.text)
			if !ok {
				return 0, nil, false
			}
			at = t.UnixNano()
			event[f.Name] = string(cep.AppendTime(nil, at))
			continue
		}
		v, ok := valueAs(f, c)
		if !ok {
			return 0, nil, false
		}
		event[f.Name] = v
	}
	line, err := json.Marshal(event)
	return at, append(line, '\n'), err == nil && at != 0
}

// nothing is a value of a field that no rule reads.
func nothing(f *cep.Field, n int) any {
	switch f.Type.Kind {
	case cep.KindBool:
		return false
	case cep.KindEnum:
		return f.Type.Enum.Words[0]
	case cep.KindString:
		return "r" + strconv.Itoa(n) // an id must be none of another
	case cep.KindIP:
		return "0.0.0.0"
	}
	return 0
}

// valueAs is a value as the library writes it.
func valueAs(f *cep.Field, c *cell) (any, bool) {
	word := plainName(c.text)
	switch f.Type.Kind {
	case cep.KindMoney, cep.KindNumber, cep.KindInt:
		v, err := strconv.ParseFloat(c.text, 64)
		if f.Type.Kind == cep.KindMoney {
			return json.Number(strconv.FormatFloat(v, 'f', 2, 64)), err == nil
		}
		return json.Number(c.text), err == nil
	case cep.KindBool:
		return yes[word], yes[word] || no[word]
	case cep.KindEnum:
		if f.Name == "decision" {
			if yes[word] {
				return "approved", true
			}
			return "declined", no[word]
		}
		mode := modeOf(c.text)
		return mode, mode != ""
	}
	return c.text, c.text != ""
}

// time reads a value of a path that holds times.
func (g *guess) time(text string) (time.Time, bool) {
	switch kind := strings.TrimSuffix(g.kind, "?"); {
	case strings.Contains(kind, cep.UnixMillis):
		n, err := strconv.ParseInt(text, 10, 64)
		return time.UnixMilli(n), err == nil
	case strings.Contains(kind, cep.UnixSeconds):
		n, err := strconv.ParseInt(text, 10, 64)
		return time.Unix(n, 0), err == nil
	}
	for _, form := range timeForms {
		if g.fits["time "+form] {
			t, err := parseForm(form, text)
			return t, err == nil
		}
	}
	return time.Time{}, false
}

// tellTried prints what the library's rules found, and which could not be
// tried.
func tellTried(out io.Writer, list []*tried, known map[string][]fieldOf, s *sample) {
	var can, not []*tried
	for _, t := range list {
		if t.lacks == "" {
			can = append(can, t)
		} else {
			not = append(not, t)
		}
	}
	fmt.Fprintf(out, "\nLIBRARY  %d of its %d rules find the fields here that they read", len(can), len(list))
	if len(can) > 0 {
		fmt.Fprintf(out, "; over the %s looked at:", plural(len(s.records), "record"))
	}
	fmt.Fprintln(out)
	slices.SortStableFunc(can, func(a, b *tried) int { return cmp.Compare(b.count, a.count) })
	for _, t := range can {
		fmt.Fprintf(out, "  %-22s %s", t.rule.Name, plural(t.count, "alert"))
		if t.count > 0 {
			fmt.Fprintf(out, ", the first: %s", t.first)
		}
		fmt.Fprintln(out)
	}
	for _, key := range slices.Sorted(maps.Keys(known)) {
		from, to, _ := strings.Cut(key, "\x00")
		if !slices.ContainsFunc(can, func(t *tried) bool { _, ok := t.of[to]; return ok }) {
			continue
		}
		var parts []string
		for _, f := range known[key] {
			parts = append(parts, fmt.Sprintf("%s from %s", libraryField(list, to, f.to), f.g.path))
		}
		if from == "" {
			from = "a record"
		}
		fmt.Fprintln(out, hang(fmt.Sprintf("  %s as %s: %s", from, to, strings.Join(parts, ", ")), 4))
	}
	if len(not) > 0 {
		fmt.Fprintln(out, "NOT TRIED")
		for _, t := range not {
			fmt.Fprintf(out, "  %-22s lacks %s\n", t.rule.Name, t.lacks)
		}
	}
}

func libraryField(list []*tried, schema string, f int) string {
	for _, t := range list {
		for s := range t.needs {
			if s.Name == schema {
				return s.Fields[f].Name
			}
		}
	}
	return ""
}
