package cep

import (
	"errors"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseDuration(t *testing.T) {
	for _, c := range []struct {
		text string
		want int64
		err  error
	}{
		{"1h30m", 90 * Minute, nil},
		{"7d", 7 * Day, nil},
		{"2w1d", 15 * Day, nil},
		{"250ms", 250 * Millisecond, nil},
		{"-5m", -5 * Minute, nil},
		{"0s", 0, nil},
		{"1us2ns", 1002, nil},
		{"", 0, ErrDuration},
		{"-", 0, ErrDuration},
		{"5", 0, ErrDuration},
		{"m", 0, ErrDuration},
		{"1.5h", 0, ErrDuration},
		{"5 m", 0, ErrDuration},
		{"1y", 0, ErrDuration},
		{"99999999999w", 0, ErrRange},
		{"106751d24h", 0, ErrRange},
	} {
		got, err := ParseDuration(c.text)
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("ParseDuration(%q) = %d, %v; want %d, %v", c.text, got, err, c.want, c.err)
		}
	}
}

func TestDurationReadsBackWhatItWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ns := rapid.OneOf(rapid.Int64(), rapid.Int64Range(-1e12, 1e12)).Draw(t, "ns")
		got, err := ParseDuration(string(AppendDuration(nil, ns)))
		if ns != math.MinInt64 && (err != nil || got != ns) {
			t.Fatalf("%d came back as %d, %v", ns, got, err)
		}
	})
	for ns, want := range map[int64]string{
		90 * Minute:                 "1h30m",
		7 * Day:                     "7d",
		Second + 250*Millisecond:    "1s250ms",
		-Minute:                     "-1m",
		0:                           "0s",
		24*Hour + 1:                 "1d1ns",
		10*Minute + 3*Microsecond/3: "10m1us",
	} {
		if got := string(AppendDuration(nil, ns)); got != want {
			t.Errorf("AppendDuration(%d) = %s, want %s", ns, got, want)
		}
	}
}

func mustZone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestParseTime(t *testing.T) {
	paris := time.FixedZone("CET", 3600)
	for _, c := range []struct {
		text, format string
		zone         *time.Location
		want         string // "" if refused
	}{
		{"2026-01-31T10:00:00Z", "", time.UTC, "2026-01-31T10:00:00Z"},
		{"2026-01-31t10:00:00z", "", time.UTC, "2026-01-31T10:00:00Z"},
		{"2026-01-31 10:00:00+01:00", "", time.UTC, "2026-01-31T09:00:00Z"},
		{"2026-01-31T10:00:00.5-00:30", "", paris, "2026-01-31T10:30:00.500Z"},
		{"2026-01-31T10:00:00.1234567894Z", "", time.UTC, "2026-01-31T10:00:00.123456789Z"},
		{"2026-01-31T10:00:00", "", time.UTC, "2026-01-31T10:00:00Z"},
		{"2026-01-31T10:00:00", "", nil, "2026-01-31T10:00:00Z"},
		{"2026-01-31T10:00:00.25", "", paris, "2026-01-31T09:00:00.250Z"},
		{"2024-02-29T23:59:59Z", "", time.UTC, "2024-02-29T23:59:59Z"},
		{"1969-12-31T23:59:59.999Z", "", time.UTC, "1969-12-31T23:59:59.999Z"},
		{"1678-01-01T00:00:00Z", "", time.UTC, "1678-01-01T00:00:00Z"},
		{"2261-12-31T23:59:59.999999999Z", "", time.UTC, "2261-12-31T23:59:59.999999999Z"},
		{"2262-01-01T00:00:00Z", "", time.UTC, ""},
		{"0001-01-01T00:00:00Z", "", time.UTC, ""},
		{"2026-02-29T10:00:00Z", "", time.UTC, ""},
		{"2026-04-31T10:00:00Z", "", time.UTC, ""},
		{"2026-00-10T10:00:00Z", "", time.UTC, ""},
		{"2026-13-10T10:00:00Z", "", time.UTC, ""},
		{"2026-01-00T10:00:00Z", "", time.UTC, ""},
		{"2026-01-31T24:00:00Z", "", time.UTC, ""},
		{"2026-01-31T10:60:00Z", "", time.UTC, ""},
		{"2026-01-31T10:00:60Z", "", time.UTC, ""},
		{"2026-01-31T10:00:00.Z", "", time.UTC, ""},
		{"2026-01-31T10:00:00+0100", "", time.UTC, ""},
		{"2026-01-31T10:00:00+24:00", "", time.UTC, ""},
		{"2026-01-31T10:00:00ZZ", "", time.UTC, ""},
		{"2026-01-31", "", time.UTC, ""},
		{"-026-01-31T10:00:00Z", "", time.UTC, ""},
		{"2x26-01-31T10:00:00Z", "", time.UTC, ""},
		{"", "", time.UTC, ""},
		{"1769853600", UnixSeconds, time.UTC, "2026-01-31T10:00:00Z"},
		{"1769853600.25", UnixSeconds, time.UTC, "2026-01-31T10:00:00.250Z"},
		{"1.7698536e9", UnixSeconds, time.UTC, "2026-01-31T10:00:00Z"},
		{"-0.5", UnixSeconds, time.UTC, "1969-12-31T23:59:59.500Z"},
		{"1769853600123", UnixMillis, time.UTC, "2026-01-31T10:00:00.123Z"},
		{"1769853600123.4567891", UnixMillis, time.UTC, "2026-01-31T10:00:00.123456789Z"},
		{"1769853600123", UnixSeconds, time.UTC, ""},
		{"x", UnixSeconds, time.UTC, ""},
		{"2026-01-31 10:00:00", "2006-01-02 15:04:05", paris, "2026-01-31T09:00:00Z"},
		{"31/01/2026 10:00 +0200", "02/01/2006 15:04 -0700", paris, "2026-01-31T08:00:00Z"},
		{"20260131", "20060102", time.UTC, "2026-01-31T00:00:00Z"},
		{"20261331", "20060102", time.UTC, ""},
		{"15000101", "20060102", time.UTC, ""},
		{"2026-01-31 10:00 +0000", "2006-01-02 15:04 -0700", paris, "2026-01-31T10:00:00Z"},
		{"2026-01-31 10:00 GMT", "2006-01-02 15:04 MST", paris, "2026-01-31T10:00:00Z"},
		{"2026-01-31 10:00 CET", "2006-01-02 15:04 MST", paris, "2026-01-31T09:00:00Z"},
		{"2026-01-31 10:00 PST", "2006-01-02 15:04 MST", paris, ""},
	} {
		ns, err := ParseTime(c.text, c.format, c.zone)
		got := ""
		if err == nil {
			got = string(AppendTime(nil, ns))
		}
		if got != c.want {
			t.Errorf("ParseTime(%q, %q) = %q, %v; want %q", c.text, c.format, got, err, c.want)
		}
	}
}

// TestZoneWithSummerTime reads wall clock text of a zone that changes.
func TestZoneWithSummerTime(t *testing.T) {
	zone := mustZone(t, "Europe/Paris")
	for text, want := range map[string]string{
		"2026-01-31T10:00:00": "2026-01-31T09:00:00Z",
		"2026-07-31T10:00:00": "2026-07-31T08:00:00Z",
	} {
		ns, err := ParseTime(text, "", zone)
		if got := string(AppendTime(nil, ns)); err != nil || got != want {
			t.Errorf("%s = %s, %v; want %s", text, got, err, want)
		}
	}
}

// TestTimesAgreeWithThePackageTime checks both directions against time.
func TestTimesAgreeWithThePackageTime(t *testing.T) {
	low := time.Date(minYear, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()
	high := time.Date(maxYear, 12, 31, 23, 59, 59, 999_999_999, time.UTC).UnixNano()
	rapid.Check(t, func(t *rapid.T) {
		ns := rapid.Int64Range(low, high).Draw(t, "ns")
		text := time.Unix(0, ns).UTC().Format("2006-01-02T15:04:05.000000000Z07:00")
		got, err := ParseTime(text, "", time.UTC)
		if err != nil || got != ns {
			t.Fatalf("ParseTime(%s) = %d, %v; want %d", text, got, err, ns)
		}
		back, err := time.Parse(time.RFC3339Nano, string(AppendTime(nil, ns)))
		if err != nil || back.UnixNano() != ns {
			t.Fatalf("AppendTime(%d) = %s", ns, AppendTime(nil, ns))
		}
	})
}

func TestParseTimeAllocatesNothing(t *testing.T) {
	n := testing.AllocsPerRun(100, func() {
		for _, s := range []string{"2026-01-31T10:00:00Z", "2026-01-31T10:00:00.123+02:00"} {
			if _, err := ParseTime(s, "", time.UTC); err != nil {
				t.Fatal(err)
			}
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}
