package dsl

// Aggregates describes the aggregates as the catalogue of functions describes
// those: f(x) over WINDOW, or over the events of a step. They are grammar: none
// has a Check or an example that stands alone.
func Aggregates() []*Func { return aggregates }

// leftOut is what every aggregate does with a missing argument.
const leftOut = "events without it are left out"

var aggregates = []*Func{
	{Name: "count", Signature: "count(condition) int", Doc: "How many events there are, or for how many the condition holds. Never missing.", Missing: "does not arise"},
	{Name: "sum", Signature: "sum(x: int, number, money or duration) the same", Doc: "The sum; 0 over no events, never missing. Sums of money are exact.", Missing: leftOut},
	{Name: "avg", Signature: "avg(x: int, number, money or duration) number, money or duration?", Doc: "The mean; of money rounded half to even at a millionth. Missing over no events.", Missing: leftOut},
	{Name: "min", Signature: "min(x) the same?", Doc: "The smallest value of an ordered type. Missing over no events.", Missing: leftOut},
	{Name: "max", Signature: "max(x) the same?", Doc: "The largest value of an ordered type. Missing over no events.", Missing: leftOut},
	{Name: "stddev", Signature: "stddev(x: int, number, money or duration) number, money or duration?", Doc: "The standard deviation, dividing by n − 1. Missing over fewer than two events.", Missing: leftOut},
	{Name: "zscore", Signature: "zscore(x: int, number, money or duration) number?", Doc: "How many standard deviations the current event's x lies above the window's mean. Missing over fewer than two events, and where they are all equal. Needs a window.", Missing: leftOut},
	{Name: "distinct", Signature: "distinct(x) int", Doc: "How many different values there are. Never missing.", Missing: leftOut},
	{Name: "first", Signature: "first(x) the same?", Doc: "The earliest event's value. Missing over no events.", Missing: leftOut},
	{Name: "last", Signature: "last(x) the same?", Doc: "The latest event's value. Missing over no events.", Missing: leftOut},
	{Name: "percentile", Signature: "percentile(x: int, number, money or duration, p) the same?", Doc: "The value at nearest rank p, 0 to 100. Only over N events or a step's.", Missing: leftOut},
	{Name: "median", Signature: "median(x: int, number, money or duration) number, money or duration?", Doc: "The middle value; of an even count the mean of the middle two. Only over N events or a step's.", Missing: leftOut},
}
