// Package redis reads events from a Redis stream as a member of a consumer
// group. Redis 7.0 has all commands that are used.
//
// An entry becomes one event. If the option field names a field, its value is
// the event, a JSON object. Otherwise a field called event or data that holds a
// JSON object is the event; the entry's other fields are not looked at then.
// Otherwise the entry's fields are the event's: a value that is a JSON number,
// true, false, an object or an array is taken as that, any other as a string.
//
// Every entry enters the journal once. The group remembers what was delivered
// to whom and not acknowledged; an entry is acknowledged when it is in the
// journal. What was delivered to this member and not acknowledged when it ended
// is read again at the start, and the cursor in the journal, which holds the id
// of the last entry, tells what of it is there already.
//
// Entries of a member that has been silent for a minute are claimed. That one
// may have taken some into its own journal and not acknowledged them yet, so
// across members an entry comes at least once. They are claimed under a
// consumer name of their own, because their ids lie before the cursor's: for
// them the cursor holds a list. XAUTOCLAIM does not serve here, as it takes
// from members that live, this one included.
//
// An answer of Redis that is lost on the way leaves its entries with this
// member. So no call is ever repeated by itself: an error ends the Run, and the
// next one looks at what is pending first.
package redis
