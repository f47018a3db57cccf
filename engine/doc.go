// Package engine runs a compiled program over batches of events and hands out
// alerts: it orders rows by event time, keeps watermarks, spreads keys over
// shards, drives windows, machines and timers, suppresses, chains alerts into
// further rules, and builds what is sent.
//
// Invariant: what comes out is a pure function of the ordered input. Neither
// the number of shards nor the size of the batches changes a byte of it: rows
// are released in total order up to a watermark, every shard works through the
// keys that are its own, and what the shards found is merged by (at, level,
// rule, key, first event) before anybody sees it. Levels run one after the
// other, so that a rule that reads alerts sees them in their place among the
// events. No clock is read and nothing depends on chance or on the scheduler.
//
// Sources that some rule looks at together wait for each other and are a
// watermark group; others are not held up by them (Config.Apart). Partitions
// come, fall silent, return and end while the engine runs: each of these calls,
// like the passing of time, is part of the input. What a group has released is
// never asked of a partition again, so whatever comes, no rule sees its time go
// back.
//
// Programs, and the values of lists and tables, change while the engine runs
// (Deploy, SetLookups), each at one place of the input too: for all rows that are
// not released yet. A state belongs to a number that stays (ids), so that what
// has not changed goes on with its state where it lies.
//
// The package knows nothing of rule text, HTTP, or what becomes of an alert.
package engine
