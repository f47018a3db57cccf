package alerts

import (
	"bytes"
	"testing"
)

// FuzzRow takes any bytes for a row: they are refused, or read as a row is.
func FuzzRow(f *testing.F) {
	f.Add(appendRow(nil, 7, 8, testAlert(1), ""))
	f.Add(appendRow(nil, 7, 8, testAlert(2), ""))
	f.Add(appendRow(nil, 7, 8, testAlert(3), "sil_1"))
	f.Add([]byte{rowVersion, 0xff, 4})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parseRow(bytes.Clone(b))
		if err != nil {
			return
		}
		names := r.sinks()
		for _, name := range names {
			if !r.goes(name) {
				t.Fatalf("goes to %q of %q", name, names)
			}
		}
		e, err := r.entry(3, Triage{})
		if err == nil && !bytes.Contains(e.JSON, []byte(`","seq":3`)) {
			t.Fatalf("%s", e.JSON)
		}
		if _, ok := parsePlace(b); ok {
			splitPlace(b)
		}
	})
}

func TestRow(t *testing.T) {
	for n := uint64(1); n < 20; n++ {
		a := testAlert(n)
		r, err := parseRow(appendRow(nil, 77, 88, a, ""))
		if err != nil {
			t.Fatal(err)
		}
		e, err := r.entry(n, Triage{})
		if err != nil {
			t.Fatal(err)
		}
		if e.ID != a.ID || e.Journal != 77 || e.Logged != 88 || e.Rule != a.Rule || e.Severity != a.Severity || e.At != a.At || e.Key != string(a.AppendKey(nil)) ||
			e.Event != a.Event || len(e.To) != len(a.To) || !bytes.Equal(e.JSON, wantText(n)) {
			t.Fatalf("%+v", e)
		}
	}
	long := testAlert(1)
	long.Key[0].Value.Text = string(bytes.Repeat([]byte("k"), 300))
	r, err := parseRow(appendRow(nil, 1, 1, long, ""))
	if err != nil || string(r.key) != string(long.AppendKey(nil)) {
		t.Fatalf("%q %v", r.key, err)
	}
	full := appendRow(nil, 1, 1, testAlert(2), "")
	for n := range full {
		if n < len(full)-len(testAlert(2).AppendJSON(nil)) {
			if _, err := parseRow(full[:n]); err == nil {
				t.Fatalf("%d bytes of a row are taken for one", n)
			}
		}
	}
}
