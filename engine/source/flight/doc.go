// Package flight follows a partition's chunks on their way into the journal.
//
// A chunk that was put is not in the journal yet: the cursor that the source
// would go on behind is that of an earlier one. So before a source takes up a
// partition again it waits until nothing of it is on its way; otherwise the
// same records would enter twice. And once a chunk was refused, no later one
// may enter, or there would be a hole: a Flight takes nothing more then, and
// the source begins anew behind the cursor.
//
// It holds no data and has no bound of its own: how much can be on its way is
// what the intake lets through.
package flight
