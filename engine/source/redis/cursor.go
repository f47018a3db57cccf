package redis

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// cursor is what the journal holds of a stream.
type cursor struct {
	Version  int    `json:"v"`
	Stream   string `json:"stream"`
	Group    string `json:"group"`
	Consumer string `json:"consumer"` // this member's name in the group
	Last     id     `json:"last"`     // the newest entry of those that were delivered to it
	// Claimed are the claimed entries that were taken in last and perhaps not
	// acknowledged yet.
	Claimed []id `json:"claimed,omitempty"`
}

const cursorVersion = 1

func (c *cursor) encode() []byte {
	b, err := json.Marshal(c)
	if err != nil {
		panic("redis: a cursor cannot be written: " + err.Error())
	}
	return b
}

// decodeCursor reads a cursor of a stream and group, nil if there is none.
func decodeCursor(b []byte, stream, group string) (*cursor, error) {
	if len(b) == 0 {
		return nil, nil
	}
	c := new(cursor)
	if err := json.Unmarshal(b, c); err != nil {
		return nil, fmt.Errorf("the journal holds a cursor that is not one of a stream: %w", err)
	}
	if c.Version != cursorVersion {
		return nil, fmt.Errorf("the journal holds a cursor of version %d, this is version %d: it was written by a newer weir", c.Version, cursorVersion)
	}
	if c.Stream != stream || c.Group != group {
		return nil, fmt.Errorf("the journal holds entries of stream %s, group %s under this source's name: a source of another stream or group needs another name", c.Stream, c.Group)
	}
	return c, nil
}

// id is an entry's id; ids ascend in a stream.
type id struct{ ms, seq uint64 }

func parseID(s string) (id, error) {
	ms, seq, ok := strings.Cut(s, "-")
	var i id
	var err error
	if i.ms, err = strconv.ParseUint(ms, 10, 64); err == nil && ok {
		i.seq, err = strconv.ParseUint(seq, 10, 64)
	}
	if err != nil || !ok {
		return id{}, fmt.Errorf("%q is not the id of a stream's entry", s)
	}
	return i, nil
}

func (i id) compare(j id) int { return cmp.Or(cmp.Compare(i.ms, j.ms), cmp.Compare(i.seq, j.seq)) }

func (i id) String() string {
	return strconv.FormatUint(i.ms, 10) + "-" + strconv.FormatUint(i.seq, 10)
}

// MarshalText writes an id as Redis does.
func (i id) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText reads an id as Redis writes it.
func (i *id) UnmarshalText(b []byte) (err error) {
	*i, err = parseID(string(b))
	return err
}
