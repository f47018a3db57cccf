package cep

// ErasedTexts counts what has lost the text of an event because that was
// erased.
type ErasedTexts struct{ Alerts, Dead, Late int }
