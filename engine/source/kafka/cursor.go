package kafka

import (
	"encoding/json"
	"fmt"
)

// cursor is what the journal holds of a partition.
type cursor struct {
	Version int    `json:"v"`
	Topic   string `json:"topic"`
	Next    int64  `json:"next"` // the offset to go on with
}

const cursorVersion = 1

func (c cursor) encode() []byte {
	b, err := json.Marshal(c)
	if err != nil {
		panic("kafka: a cursor cannot be written: " + err.Error())
	}
	return b
}

// decodeCursor reads a cursor of a topic; ok is false if there is none.
func decodeCursor(b []byte, topic string) (c cursor, ok bool, err error) {
	if len(b) == 0 {
		return c, false, nil
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return c, false, fmt.Errorf("the journal holds a cursor that is not one of a topic: %w", err)
	}
	if c.Version != cursorVersion {
		return c, false, fmt.Errorf("the journal holds a cursor of version %d, this is version %d: it was written by a newer weir", c.Version, cursorVersion)
	}
	if c.Topic != topic {
		return c, false, fmt.Errorf("the journal holds offsets of topic %s under this source's name: a source of another topic needs another name", c.Topic)
	}
	return c, true, nil
}
