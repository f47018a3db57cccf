package app

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/weir-cep/weir/cep"
)

// byteSize is a flag such as 512MiB, 10GB or 4096.
type byteSize int64

var byteUnits = []struct {
	suffix string
	bytes  int64
}{
	{"kib", 1 << 10}, {"mib", 1 << 20}, {"gib", 1 << 30}, {"tib", 1 << 40},
	{"kb", 1e3}, {"mb", 1e6}, {"gb", 1e9}, {"tb", 1e12},
	{"k", 1 << 10}, {"m", 1 << 20}, {"g", 1 << 30}, {"t", 1 << 40}, {"b", 1},
}

// UnmarshalText reads the flag.
func (b *byteSize) UnmarshalText(text []byte) error {
	s, unit := strings.ToLower(strings.TrimSpace(string(text))), int64(1)
	for _, u := range byteUnits {
		if rest, ok := strings.CutSuffix(s, u.suffix); ok {
			s, unit = strings.TrimSpace(rest), u.bytes
			break
		}
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || !(n >= 0 && n*float64(unit) <= 1<<62) {
		return fmt.Errorf("%q is no size; write it like 512MiB or 10GB", text)
	}
	*b = byteSize(n * float64(unit))
	return nil
}

// interval is a flag that is written like a duration of the rule language: 5s,
// 1h30m, 7d.
type interval int64

// UnmarshalText reads the flag.
func (i *interval) UnmarshalText(text []byte) error {
	ns, err := cep.ParseDuration(string(text))
	if err != nil || ns < 0 {
		return fmt.Errorf("%q is no duration; write it like 30s, 1h30m or 7d", text)
	}
	*i = interval(ns)
	return nil
}
