package dsl

// errorCodes are the errors, by number.
var errorCodes = []Code{
	{"E100", "this can't be read",
		`The text is not what the language expects at this place. The message says what was
expected there; a misspelt keyword gets a "did you mean". A "{" that is never closed
is reported where it is opened, a declaration after it is still read.`,
		`rule large {
  by card_id
  on Auth
  when amount > 100.00 USD
  suppress 1h
  alert { severity low }
}
`, `rule large {
  by card_id
  on Auth
  when amount > 100.00 USD
  suppress for 1h
  alert { severity low }
}
`},
	{"E101", `"=" instead of "=="`,
		`"=" gives a name to something: let x = …, an alert's field = …. Two values are
compared with "==".`,
		`rule declined {
  by card_id
  on Auth where decision = declined
  when newly count() over last 5m > 3
  alert { severity low }
}
`, `rule declined {
  by card_id
  on Auth where decision == declined
  when newly count() over last 5m > 3
  alert { severity low }
}
`},
	{"E102", "no such field",
		`The event has no field of that name. The message lists its fields and where it is
declared. Names are case-sensitive.`,
		`rule large {
  by card_id
  on Auth
  when ammount > 100.00 USD
  alert { severity low }
}
`, `rule large {
  by card_id
  on Auth
  when amount > 100.00 USD
  alert { severity low }
}
`},
	{"E103", "types that don't go together",
		`Money is compared with money, a duration with a duration, text with text; a condition
is true or false. Nothing is converted silently, but an int may stand where a number
is wanted.`,
		`rule large {
  by card_id
  on Auth
  when amount > 100
  alert { severity low }
}
`, `rule large {
  by card_id
  on Auth
  when amount > 100.00 USD
  alert { severity low }
}
`},
	{"E104", "money in different currencies",
		`Amounts are added and compared within one currency. There is no exchange rate in a
rule: convert before the events come, or declare a second field.`,
		`rule large {
  by owner_id
  on Payout
  when amount > 100.00 EUR
  alert { severity low }
}
`, `rule large {
  by owner_id
  on Payout
  when amount > 100.00 USD
  alert { severity low }
}
`},
	{"E105", "one value wanted, a list given",
		`A repeated step stands for several events, so its fields are lists. Say which event is
meant (a.first.f, a.last.f), take all of them together (sum(a.f), distinct(a.f)), or
ask whether a value is among them (x in a.f).`,
		`rule abroad {
  by card_id
  pattern {
    small: at least 3 Auth where decision == declined
    then big: Auth where country != small.country
  } within 10m
  alert { severity high }
}
`, `rule abroad {
  by card_id
  pattern {
    small: at least 3 Auth where decision == declined
    then big: Auth where country != small.last.country
  } within 10m
  alert { severity high }
}
`},
	{"E106", `"no" without a time limit at the end`,
		`A pattern that ends in an absence fires when the time has passed without the event.
Without a limit that time never comes. Give the absence a "within", or the pattern.`,
		`rule unpaid {
  by order_id
  pattern {
    o: Order
    then no Payment
  }
  alert { severity low }
}
`, `rule unpaid {
  by order_id
  pattern {
    o: Order
    then no Payment within 15m
  }
  alert { severity low }
}
`},
	{"E107", "a value that may be missing",
		`An optional field, an average over no events, a row that a table may not have: such a
value may be missing, and then there is nothing to calculate or to order. Give a
substitute with else, or test it first: x is present and x > 3.`,
		`rule unusual {
  by card_id
  on Auth
  when amount > 10 * spend.avg_30d
  alert { severity medium }
}
`, `rule unusual {
  by card_id
  on Auth
  when amount > 10 * (spend.avg_30d else 50.00 USD)
  alert { severity medium }
}
`},
	{"E108", "a window that doesn't say whether it counts the current event",
		`"over last 1h" counts the event being looked at, which limits on how often usually
want. "over previous 1h" holds only what came before, which baselines want. There is no
default, because the wrong one is hard to see.`,
		`rule velocity {
  by card_id
  on Auth
  when newly count() over 1h > 10
  alert { severity medium }
}
`, `rule velocity {
  by card_id
  on Auth
  when newly count() over last 1h > 10
  alert { severity medium }
}
`},
	{"E109", "events without the rule's key",
		`All events of a rule share its key: "by user_id" looks at one user at a time. Where an
event calls it otherwise, its step says so with a "by" of its own. A key is text, an int,
an enum or an ip.`,
		`rule takeover {
  by user_id
  pattern {
    pw: PasswordChange
    then out: Payout where amount > 500.00 USD
  } within 1h
  alert { severity high }
}
`, `rule takeover {
  by user_id
  pattern {
    pw: PasswordChange
    then out: Payout by owner_id where amount > 500.00 USD
  } within 1h
  alert { severity high }
}
`},
	{"E110", "not a word of the enum",
		`Where an enum is expected its words stand without quotes, exactly as they are declared.`,
		`rule declined {
  by card_id
  on Auth where decision == decline
  when newly count() over last 5m > 3
  alert { severity low }
}
`, `rule declined {
  by card_id
  on Auth where decision == declined
  when newly count() over last 5m > 3
  alert { severity low }
}
`},
	{"E111", "a clause is missing before a condition",
		`A condition on an event starts with "where": a: Auth where amount > 5.00 USD. The
condition of a rule with "on" starts with "when".`,
		`rule two {
  by card_id
  pattern {
    a: Auth amount > 100.00 USD
    then b: Auth where amount > 100.00 USD
  } within 1h
  alert { severity low }
}
`, `rule two {
  by card_id
  pattern {
    a: Auth where amount > 100.00 USD
    then b: Auth where amount > 100.00 USD
  } within 1h
  alert { severity low }
}
`},
	{"E112", "no clock in rules",
		`Rules run on the time of the events, so that replaying yesterday gives yesterday's
alerts. To react to silence, end a pattern with "then no X within D".`,
		`rule silent {
  by sensor_id
  on Reading
  when now() - at > 5m
  alert { severity low }
}
`, `rule silent {
  by sensor_id
  pattern {
    r: Reading
    then no Reading within 5m
  }
  alert { severity low }
}
`},
	{"E113", "not in this version yet",
		`The language has a place for this, and it will come; this version does not run it.`,
		`rule rare {
  by card_id
  on Auth
  when rarity(merchant_id) > 0.9
  alert { severity low }
}
`, `rule rare {
  by card_id
  on Auth
  when count() per (card_id, merchant_id) over previous 180d == 0
  alert { severity low }
}
`},
	{"E114", "a clause too few or too many",
		`A rule has a key ("by …", or "global"), one trigger ("on … when …" or "pattern { … }")
and an "alert". A clause that says one thing stands once.`,
		`rule large {
  on Auth
  when amount > 100.00 USD
  alert { severity low }
}
`, `rule large {
  by card_id
  on Auth
  when amount > 100.00 USD
  alert { severity low }
}
`},
	{"E115", "not possible under this match policy",
		`"match first", "latest" and "each" differ in which runs they keep, so not every clause
goes with each of them: "then any", "limit" and "skip" need "match each"; "exactly",
"until", "all of" and "emit at end" need one of the others.`,
		`rule pairs {
  by card_id
  pattern {
    a: Auth where decision == declined
    then any b: Auth where decision == approved
  } within 1h
  alert { severity low }
}
`, `rule pairs {
  by card_id
  pattern {
    a: Auth where decision == declined
    then any b: Auth where decision == approved
  } within 1h
  match each limit 50
  alert { severity low }
}
`},
	{"E116", "a pattern without a beginning",
		`A run begins with an event. So a pattern can't begin with "no", and at least one step
must be mandatory.`,
		`rule sudden {
  by user_id
  pattern {
    no Login
    then p: PasswordChange
  } within 1h
  alert { severity low }
}
`, `rule sudden {
  by user_id
  pattern {
    l: Login
    then no Login
    then p: PasswordChange
  } within 1h
  alert { severity low }
}
`},
	{"E117", "a clause that means nothing here",
		`The clause has no effect at this place, so something else must be meant: a "gap" needs a
repeated step, "within" on a single step needs a step before it, "ending … ago" goes with
"previous".`,
		`rule repeated {
  by card_id
  pattern {
    a: Auth where decision == declined gap 1m
    then b: Auth where decision == approved
  } within 1h
  alert { severity low }
}
`, `rule repeated {
  by card_id
  pattern {
    a: at least 3 Auth where decision == declined gap 1m
    then b: Auth where decision == approved
  } within 1h
  alert { severity low }
}
`},
	{"E118", "an aggregate out of its place",
		`Windowed aggregates stand in features, and in the when, let, suppress and alert of a rule
with "on". A "where" selects the events that they range over, so it can't read them. A
pattern reads windows through a feature.`,
		`rule many {
  by card_id
  on Auth where count() over last 1h > 3
  when amount > 100.00 USD
  alert { severity low }
}
`, `rule many {
  by card_id
  on Auth
  when count() over last 1h > 3 and amount > 100.00 USD
  alert { severity low }
}
`},
	{"E119", "whose value?",
		`"per" regroups within the rule's key, so it contains the rule's key. A feature is read for
the key that the event or the rule has under its names; otherwise say which: f[key].x.`,
		`rule crowded {
  by card_id
  on Auth
  when newly count() per merchant_id over last 1h > 100
  alert { severity low }
}
`, `rule crowded {
  by card_id
  on Auth
  when newly count() per (card_id, merchant_id) over last 1h > 100
  alert { severity low }
}
`},
	{"E120", "a name that is taken, reserved or unclear",
		`A label or a let may not be called like a field or like something of the file, since a bare
name would then be read as the other. A reserved word stands in back-quotes where it is a
name of its own.`,
		`rule large {
  by card_id
  on Auth
  let amount = 5.00 USD
  when count() over last 1h > 3 and country == "US"
  alert { severity low }
}
`, `rule large {
  by card_id
  on Auth
  let limit = 5.00 USD
  when count() over last 1h > 3 and amount > limit
  alert { severity low }
}
`},
	{"E121", "an alert's field or event that is taken",
		`Every alert has rule, severity, score, at, key … and the parts of its key. Its own fields
are called otherwise. Rules that raise one alert event give it the same fields.`,
		`rule large {
  by card_id
  on Auth
  when amount > 100.00 USD
  alert {
    severity low
    rule = "large"
  }
}
`, `rule large {
  by card_id
  on Auth
  when amount > 100.00 USD
  alert {
    severity low
    reason = "large"
  }
}
`},
	{"E122", "an unknown name",
		`Nothing of that name is declared in this file or in the files it imports. An import does
not pass on what it imports itself.`,
		`rule large {
  by card_id
  on Auth
  when lowr(country) == "us" and amount > 100.00 USD
  alert { severity low }
}
`, `rule large {
  by card_id
  on Auth
  when lower(country) == "us" and amount > 100.00 USD
  alert { severity low }
}
`},
	{"E123", "a test that can't be run",
		`A test gives events and says which alerts it expects; "expect no alerts" stands alone. A
required field that the line does not give comes from "defaults".`,
		`rule paid {
  by order_id
  on Payment
  when amount > 100.00 USD
  alert { severity low }
}
test "a large payment" for paid {
  given
    at 0s Payment { order_id: "o1" }
  expect 1 alert
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
  expect 1 alert
}
`},
	{"E124", "a text that can't be read",
		`In double quotes the escapes are \" \\ \n \t; in single quotes there are none. In messages
and labels {…} holds an expression, with a format behind a colon (.2, date, time, mask);
a brace itself is {{ or }}.`,
		`rule large {
  by card_id
  on Auth
  when amount > 100.00 USD
  alert { message "{amount in {country}" }
}
`, `rule large {
  by card_id
  on Auth
  when amount > 100.00 USD
  alert { message "{amount} in {country}" }
}
`},
	{"E125", "another language's habit",
		`and, or, not, in are written in small letters; comparisons don't chain; a remainder has
blanks around "%"; lists stand in square brackets; a value is missing, not null; a comment
starts with "#". The message gives the text to type.`,
		`rule large {
  by card_id
  on Auth
  when 5.00 USD <= amount <= 100.00 USD
  alert { severity low }
}
`, `rule large {
  by card_id
  on Auth
  when amount between 5.00 USD and 100.00 USD
  alert { severity low }
}
`},
	{"E126", "a type called like a currency",
		`A number before a currency's code is money, so "3 TRY" could not be three events TRY. Give
the type another name.`,
		`event TRY { time at  at: timestamp  user_id: string }
`, `event Attempt { time at  at: timestamp  user_id: string }
`},
	{"E127", "a circle",
		`Lets, constants, imports and alert events may use each other, but not in a circle.`,
		`rule large {
  by card_id
  on Auth
  let few = many / 2
  let many = 2 * few
  when newly count() over last 1h > many
  alert { severity low }
}
`, `rule large {
  by card_id
  on Auth
  let few = 5
  let many = 2 * few
  when newly count() over last 1h > many
  alert { severity low }
}
`},
}
