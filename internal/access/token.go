package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// Hash is the SHA-256 of a token.
type Hash [sha256.Size]byte

// ID is the start of the hash, by which people name a token.
func (h Hash) ID() string { return hex.EncodeToString(h[:4]) }

// Token is what is kept of a token.
type Token struct {
	Name    string // of whom it is; stands in audit trails
	Role    Role
	Hash    Hash
	Created time.Time
	Expires time.Time // zero: never
}

// Prefix is what tokens begin with, so that people and scanners of repositories
// know one when they see it.
const Prefix = "weir_pat_"

// maxToken bounds what is taken for a token at all, bytes.
const maxToken = 256

// MaxName is the length of a token's name at most, bytes.
const MaxName = 64

// New makes a token. secret is shown once and kept nowhere. expires zero: never.
func New(name string, role Role, now, expires time.Time) (secret string, t Token, err error) {
	if err := checkName(name); err != nil {
		return "", t, err
	}
	if !expires.IsZero() && !expires.After(now) {
		return "", t, fmt.Errorf("the token would have expired already, at %s", expires.UTC().Format(time.RFC3339))
	}
	var b [32]byte
	rand.Read(b[:]) // never fails
	secret = Prefix + base64.RawURLEncoding.EncodeToString(b[:])
	return secret, Token{Name: name, Role: role, Hash: Sum(secret), Created: now.UTC().Truncate(time.Second), Expires: expires.UTC().Truncate(time.Second)}, nil
}

// Sum is the hash of a token.
func Sum(secret string) Hash { return sha256.Sum256([]byte(secret)) }

// Expired says whether a token is not good any more.
func (t *Token) Expired(now time.Time) bool { return !t.Expires.IsZero() && !now.Before(t.Expires) }

// checkName wants a word that can stand in a line, a header and a log.
func checkName(name string) error {
	ok := name != "" && len(name) <= MaxName
	for _, c := range []byte(name) {
		ok = ok && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_.@", c) >= 0)
	}
	if !ok {
		return fmt.Errorf("%q is no name of a token: letters, digits and -_.@ without blanks, at most %d", name, MaxName)
	}
	return nil
}
