// Package redis fetches lists and tables from a Redis server: a list is the
// members of a set; a table is a hash, whose fields are the table's keys and
// whose values are JSON objects with the columns, or the plain value of the one
// column that the table has.
//
// Invariant: a fetch returns the key's value as it was at one moment, however
// large, and always in the same order, so that the same content is the same
// text.
//
// It does not subscribe to changes: the caller fetches again when it is time.
package redis
