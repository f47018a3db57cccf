package alerts

import (
	"encoding/binary"

	"github.com/weir-cep/weir/cep"
)

// The keys of the database, by their first byte. Numbers are big endian, so
// that keys sort as what they stand for.
const (
	keyAlert      = 'a' // number → row
	keyCursor     = 'c' // reader's name → cursor
	keyDead       = 'd' // number → dead letter
	keyDeadAt     = 'D' // place → number of the dead letter
	keyAction     = 'n' // number → action
	keyGone       = 'g' // store, source, partition → position of the last that went
	keyDelivery   = 'o' // sink, number → delivery
	keyDeliveryOf = 'O' // alert, sink, number → nothing
	keyEvent      = 'e' // reference of the event that an alert is → number
	keyHistory    = 'h' // alert, action → nothing
	keyID         = 'i' // alert id, number → nothing
	keyLate       = 'l' // number → late event
	keyLateAt     = 'L' // place → number of the late event
	keyMeta       = 'm' // name → what the log knows of itself
	keySilence    = 'q' // id → silence
	keyTriage     = 's' // alert → what people have made of it
	keyTotal      = 't' // store, source, reason → count
	keyText       = 'x' // reference of an event that no alert is → text
	keyAlertEnd   = keyAlert + 1
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

func actionKey(dst []byte, n uint64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, keyAction), n)
}

func historyKey(dst []byte, seq, n uint64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(append(dst, keyHistory), seq), n)
}

func triageKey(dst []byte, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, keyTriage), seq)
}

func silenceKey(id string) []byte { return append([]byte{keySilence}, id...) }

// deliveryPrefix is what a sink's deliveries begin with. No name of a sink has
// a byte of 0.
func deliveryPrefix(sink string) []byte {
	return append(append([]byte{keyDelivery}, sink...), 0)
}

func deliveryKey(sink string, n uint64) []byte {
	return binary.BigEndian.AppendUint64(deliveryPrefix(sink), n)
}

func deliveryOfPrefix(seq uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{keyDeliveryOf}, seq)
}

func deliveryOfKey(seq uint64, sink string, n uint64) []byte {
	return binary.BigEndian.AppendUint64(append(append(deliveryOfPrefix(seq), sink...), 0), n)
}
