package lookup

import (
	"github.com/zeebo/xxh3"
)

// Text is the content of one outside list or table at one time, as it goes into
// the journal. It is never changed.
type Text struct {
	Name  string `json:"name"`            // of the declaration
	Rules string `json:"rules"`           // the rule file with the declaration: names are a file's own
	Table bool   `json:"table,omitempty"` // else a list
	From  string `json:"from"`            // kind: file, redis, http
	// Origin says where it was fetched, for messages: a path, a URL, a server
	// and key. It never holds a secret.
	Origin    string `json:"origin"`
	Format    string `json:"format"`              // json, csv or text
	Delimiter rune   `json:"delimiter,omitempty"` // of csv
	Data      []byte `json:"data"`
	Hash      uint64 `json:"hash"`         // of format, delimiter and data, set by Seal
	At        int64  `json:"at,omitempty"` // when it was fetched, ns since 1970; nothing depends on it
}

// Seal returns the text with its hash.
func (t Text) Seal() Text {
	var h xxh3.Hasher
	_, _ = h.WriteString(t.Format)
	_, _ = h.WriteString(string(t.Delimiter))
	_, _ = h.Write(t.Data)
	t.Hash = h.Sum64()
	return t
}

// Key names the list or table among all of a program: by its rule file and its
// name. Edits of a list have a key of their own.
func (t Text) Key() string {
	if t.From == fromEdits {
		return keyOf(t.Rules, t.Name) + editsMark
	}
	return keyOf(t.Rules, t.Name)
}

func keyOf(rules, name string) string { return rules + ":" + name }

// What names the list or table in a message: "list blocked".
func (t Text) What() string {
	if t.Table {
		return "table " + t.Name
	}
	return "list " + t.Name
}

// Empty is the text in the place of t when the list or table is to be treated
// as missing: it has no values.
func (t Text) Empty() Text {
	t.Format, t.Delimiter, t.Data = "json", 0, []byte("[]")
	return t.Seal()
}

// MaxText is the size of the largest text that is fetched into the journal,
// bytes.
const MaxText = 64 << 20
