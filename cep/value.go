package cep

// Value is one value standing alone: constants, params, table cells, key
// parts, alert fields. Never used per event on the hot path, where Words in
// columns are.
type Value struct {
	Type    Type
	Missing bool
	Word    Word    // by Type.Kind as in a column, except that string, ip, point and list use the fields below
	Text    string  // KindString
	Wide    Wide    // KindIP, KindPoint
	List    []Value // KindList
}
