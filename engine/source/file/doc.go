// Package file reads events from files: NDJSON or CSV, plain or packed with
// gzip or zstd, one path or a pattern of several, or standard input.
//
// Every path is a partition. Its cursor says in which file it stands (device,
// inode, and what the file's first bytes and those before the place are) and
// behind which byte of the unpacked text. Who reads on behind a cursor reads
// every record once, also when the file was renamed in between or copied to
// another machine.
//
// With follow the source waits at the end for more. It looks every 10 to 250
// milliseconds; nothing of the operating system is needed to be told. A file
// that was renamed is read to its end, then those that were rotated in
// between, then the new one at the path; so is one that was cut off and begun
// anew, whose rest is looked for in its copy. A last line without its end waits
// until it is complete, or until the file is over.
//
// Without follow a file is read to its end and that is all; another file at the
// same path is an error then, as nobody can say whether it is meant as more or
// as a mistake.
//
// The package does not look into records: only where they end.
package file
