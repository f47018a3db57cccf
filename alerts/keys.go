package alerts

import (
	"encoding/binary"

	"github.com/weir-cep/weir/cep"
)

// The keys of the database, by their first byte. Numbers are big endian, so
// that keys sort as what they stand for.
const (
	keyAlert    = 'a' // number → row
	keyCursor   = 'c' // reader's name → cursor
	keyDead     = 'd' // number → dead letter
	keyDeadAt   = 'D' // place → number of the dead letter
	keyGone     = 'g' // store, source, partition → position of the last that went
	keyEvent    = 'e' // reference of the event that an alert is → number
	keyID       = 'i' // alert id, number → nothing
	keyLate     = 'l' // number → late event
	keyLateAt   = 'L' // place → number of the late event
	keyMeta     = 'm' // name → what the log knows of itself
	keyTotal    = 't' // store, source, reason → count
	keyText     = 'x' // reference of an event that no alert is → text
	keyAlertEnd = keyAlert + 1
)

func alertKey(dst []byte, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, keyAlert), seq)
}

func eventKey(dst []byte, ref cep.Ref) []byte {
	return binary.BigEndian.AppendUint64(append(dst, keyEvent), uint64(ref))
}

func textKey(dst []byte, ref cep.Ref) []byte {
	return binary.BigEndian.AppendUint64(append(dst, keyText), uint64(ref))
}

func idKey(dst []byte, id [16]byte, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(append(append(dst, keyID), id[:]...), seq)
}

func metaKey(name string) []byte { return append([]byte{keyMeta}, name...) }

// number reads the number that a key ends with.
func number(key []byte) uint64 { return binary.BigEndian.Uint64(key[len(key)-8:]) }
