package app

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestTextLog(t *testing.T) {
	var out bytes.Buffer
	log := logging{"text", "info"}.logger(&out)
	log.Debug("unseen")
	log.With("source", "txns").Error("rules refused", "diagnostics", "a.cep:1:2: E105\n  | x\n  | ^\n", "kept", 3)
	got := out.String()
	_, got, _ = strings.Cut(got, " ")
	want := `level=ERROR msg="rules refused" source=txns kept=3` + "\n  a.cep:1:2: E105\n    | x\n    | ^\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestJSONLog(t *testing.T) {
	var out bytes.Buffer
	log := logging{"json", "debug"}.logger(&out)
	log.Debug("rules refused", "diagnostics", "a\nb")
	var line struct{ Msg, Diagnostics string }
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	if line.Msg != "rules refused" || line.Diagnostics != "a\nb" {
		t.Errorf("%+v", line)
	}
}

func TestByteSize(t *testing.T) {
	for text, want := range map[string]byteSize{"4096": 4096, "512MiB": 512 << 20, "1.5GiB": 3 << 29, "10 GB": 1e10, "64k": 64 << 10, "0": 0, "7b": 7} {
		var b byteSize
		if err := b.UnmarshalText([]byte(text)); err != nil || b != want {
			t.Errorf("%s: %d, %v", text, b, err)
		}
	}
	for _, text := range []string{"", "x", "-1", "1XB", "9999999TiB", "NaN"} {
		var b byteSize
		if err := b.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is %d", text, b)
		}
	}
}

func TestInterval(t *testing.T) {
	for text, want := range map[string]interval{"5s": 5e9, "1h30m": 5400e9, "7d": 7 * 86400e9} {
		var i interval
		if err := i.UnmarshalText([]byte(text)); err != nil || i != want {
			t.Errorf("%s: %d, %v", text, i, err)
		}
	}
	var i interval
	if err := i.UnmarshalText([]byte("soon")); err == nil {
		t.Error("soon is a duration")
	}
}
