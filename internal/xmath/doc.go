// Package xmath has the elementary functions that the rule language and its
// windows need, computed the same on every processor. The standard library's
// are not: on some processors they are assembly that differs in the last bit,
// and a compiler may fuse a multiplication with an addition.
//
// Invariant: only operations that IEEE 754 rounds exactly are used (+ - × ÷,
// square root, scaling by powers of two), and every product is converted to
// float64 explicitly, which the Go specification defines as a rounding that
// forbids fusing. Write every product here as float64(a * b).
//
// Results are within one unit in the last place of the true value, the arc
// sine within four; Pow's are nearly always the nearest float.
package xmath
