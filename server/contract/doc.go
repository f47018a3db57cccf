// Package contract holds a server to the description of its API: the
// description is OpenAPI, and what a server answers is what it says. There is
// nothing in it but tests, apart from those of the server so that only they
// need a validator.
package contract
