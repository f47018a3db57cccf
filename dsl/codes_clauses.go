package dsl

// clauseCodes are the errors of clauses, places and names, by number.
var clauseCodes = []Code{
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
