// Package file reads event files: it unpacks them and cuts their text into
// chunks of whole records, so that chunks can be decoded side by side.
//
// Invariant: the chunks of a file, one behind the other, are the file's text,
// whatever the chunk size. The package does not know what is in a record.
package file
