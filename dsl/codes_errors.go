package dsl

// errorCodes are the errors of reading and of types, by number.
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
}
