// Package access knows who may use a server: roles, tokens, and the file that
// tokens are kept in.
//
// Invariant: a token itself is nowhere kept, only its SHA-256. That is enough,
// without salt or a slow hash, because a token is 256 random bits that no list
// and no search finds; a password would need more.
//
// The package knows nothing of HTTP: sessions, cookies and what a role may do
// at which route are the server's.
package access
