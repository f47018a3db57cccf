package dsl

import "github.com/weir-cep/weir/cep"

// Func is one function of the language's catalogue.
type Func struct {
	Name      string
	Signature string // as the reference prints it: "distance_km(a: point, b: point) number"
	Doc       string
	Missing   string    // what it does with a missing argument
	Examples  []Example // run by a test
	// Check types a call: it may convert arguments (OpToNumber) in place and
	// returns the result's type, or an error in the analyst's words.
	Check func(args []*Expr) (cep.Type, error)
}

// Example is a catalogue example: an expression and the text of its value.
type Example struct{ Expr, Value string }
