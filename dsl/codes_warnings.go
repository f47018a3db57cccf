package dsl

// warningCodes are the warnings of lint, by number. A comment
// "# allow W203" in a rule silences one.
var warningCodes = []Code{
	{"W201", "a pattern without a time limit",
		`A run that has begun waits for its next step for ever, and its state is never given up. Put
a "within" behind the pattern, or a limit on each step.`,
		`rule pairs {
  by card_id
  pattern {
    a: Auth where decision == declined
    then b: Auth where decision == approved
  }
  alert { severity low }
}
`, `rule pairs {
  by card_id
  pattern {
    a: Auth where decision == declined
    then b: Auth where decision == approved
  } within 1h
  alert { severity low }
}
`},
	{"W203", "a rule that can miss matches",
		`A step takes the first event that fits. A later step that refers back to it is tested against
that choice only. Move the test into the earlier step, or try every combination with
"match each limit 50" and "then any".`,
		`rule through {
  by card_id
  pattern {
    a: Auth where decision == declined
    then b: Auth where decision == approved
    then c: Auth where decision == approved and amount == b.amount
  } within 1h
  alert { severity low }
}
`, `rule through {
  by card_id
  pattern {
    a: Auth where decision == declined
    then any b: Auth where decision == approved
    then any c: Auth where decision == approved and amount == b.amount
  } within 1h
  match each limit 50
  alert { severity low }
}
`},
	{"W204", "a loop that stops at once",
		`A loop hands over to the next step as soon as that can take an event. A next step without a
condition takes the very next one. Give it a "where", or let the loop be greedy.`,
		`rule many {
  by card_id
  pattern {
    a: at least 3 Auth where decision == declined
    then b: Auth
  } within 1h
  alert { severity low }
}
`, `rule many {
  by card_id
  pattern {
    a: at least 3 Auth where decision == declined
    then b: Auth where decision == approved
  } within 1h
  alert { severity low }
}
`},
	{"W205", "a condition that is always true or always false",
		`Whatever the event, the condition has one answer; most often "and" and "or" are mixed up, or
two limits exclude each other.`,
		`rule odd {
  by card_id
  on Auth
  when amount > 100.00 USD and amount < 50.00 USD
  alert { severity low }
}
`, `rule odd {
  by card_id
  on Auth
  when amount > 100.00 USD or amount < 50.00 USD
  alert { severity low }
}
`},
	{"W207", "a value that no test gives",
		`The rule looks for a value that no event of its tests has, so no test shows whether it is
spelt right or does what it should.`,
		`rule foreign {
  by card_id
  on Auth
  when country in ["KP", "IR"]
  alert { severity low }
}
defaults Auth { auth_id: auto, card_id: "c", customer_id: "u", merchant_id: "m", amount: 1.00 USD, decision: approved }
test "from IR" for foreign {
  given
    at 0s Auth { country: "IR" }
  expect 1 alert
}
`, `rule foreign {
  by card_id
  on Auth
  when country in ["KP", "IR"]
  alert { severity low }
}
defaults Auth { auth_id: auto, card_id: "c", customer_id: "u", merchant_id: "m", amount: 1.00 USD, decision: approved }
test "from IR and KP" for foreign {
  given
    at 0s Auth { country: "IR" }
    at 1s Auth { country: "KP" }
  expect 2 alerts
}
`},
	{"W208", "an else that is never used",
		`The value before the "else" is never missing: counts, sums and required fields always have
one.`,
		`rule many {
  by card_id
  on Auth
  when newly (count() over last 1h else 0) > 3
  alert { severity low }
}
`, `rule many {
  by card_id
  on Auth
  when newly count() over last 1h > 3
  alert { severity low }
}
`},
	{"W209", "a rule without a test",
		`Without a test nobody notices when a change breaks the rule. A test stands in the same file:
events in, alerts expected.`,
		`rule paid {
  by order_id
  on Payment
  when amount > 100.00 USD
  alert { severity low }
}
`, `rule paid {
  by order_id
  on Payment
  when amount > 100.00 USD
  alert { severity low }
}
test "a large payment" for paid {
  given
    at 0s Payment { order_id: "o1", amount: 200.00 USD }
    at 1m Payment { order_id: "o1", amount: 100.00 USD }
  expect 1 alert at 0s
}
`},
	{"W210", "a window longer than the source keeps",
		`After a restart from the source the window begins empty, and the rule sees less than it says.
Shorten it, or let the source keep more.`,
		`source payments of Payment from kafka { topic: "payments", retains: 7d }
rule often {
  by order_id
  on Payment
  when newly count() over last 30d > 3
  alert { severity low }
}
`, `source payments of Payment from kafka { topic: "payments", retains: 40d }
rule often {
  by order_id
  on Payment
  when newly count() over last 30d > 3
  alert { severity low }
}
`},
	{"W211", "a long exact window",
		`Windows are exact: the state holds what is in them, so it grows with the events of a key.
"explain" prints the bound. Whether something happened at all is cheap in any window.`,
		`rule often {
  by order_id
  on Payment
  when newly distinct(amount) over last 365d > 3
  alert { severity low }
}
`, `rule often {
  by order_id
  on Payment
  when newly distinct(amount) over last 30d > 3
  alert { severity low }
}
`},
	{"W212", "a rule that fires on every event",
		`A total that has passed its limit stays there for a while, and every further event fires
again. "when newly" fires once, "suppress for" at most once in a time.`,
		`rule velocity {
  by card_id
  on Auth
  when count() over last 1h > 10
  alert { severity medium }
}
`, `rule velocity {
  by card_id
  on Auth
  when count() over last 1h > 10
  suppress for 1h
  alert { severity medium }
}
`},
	{"W213", "a rule by an event's id",
		`Events with one id are the same event, and later ones are dropped as duplicates. A key that is
the id never has a second event.`,
		`rule repeated {
  by auth_id
  on Auth
  when newly count() over last 1h > 1
  alert { severity low }
}
`, `rule repeated {
  by card_id
  on Auth
  when newly count() over last 1h > 1
  alert { severity low }
}
`},
	{"W214", "a decision that can't count a rule",
		`A decision is answered when its event arrives. A rule in time order waits for late events and
answers later, so the decision does not count it. Let the event's sources say
"order: arrival", and leave deadlines to other rules.`,
		`source auths of Auth from kafka { topic: "auths" }
rule large {
  by card_id
  on Auth
  when amount > 100.00 USD
  alert { severity high  score 90 }
}
decision payments on Auth {
  decline when score >= 90
  default approve
}
`, `source auths of Auth from kafka { topic: "auths", order: arrival }
rule large {
  by card_id
  on Auth
  when amount > 100.00 USD
  alert { severity high  score 90 }
}
decision payments on Auth {
  decline when score >= 90
  default approve
}
`},
	{"W215", "an alert event that nobody raises",
		`The rule reads an alert event, but no rule that runs raises it: rules run only from files
named on the command line.`,
		`import "visits.cep"
rule often {
  by user
  on Visited
  when newly count() over last 1h > 3
  alert { severity low }
}
`, `rule payments {
  by order_id
  on Payment
  when amount > 100.00 USD
  alert as LargePayment { severity low }
}
rule often {
  by order_id
  on LargePayment
  when newly count() over last 1h > 3
  alert { severity low }
}
`},
	{"W216", "a field that hides a name",
		`In the scope of the event the bare name is always the field, and the list, param, feature or
predicate of that name can't be reached.`,
		`list country of string = ["US"]
`, `list home_countries of string = ["US"]
`},
}
