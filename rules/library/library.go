// Package library holds ready rules with their tests, and sample events to try
// them on. The rules are ordinary rule files: copy them, and change the event
// declarations of common.cep to your own.
package library

import "embed"

// Files are the rule files and the sample data, by path.
//
//go:embed *.cep aws/*.cep data/*
var Files embed.FS
