package gen

import "fmt"

// card pays at the merchants of its habits, online ones by an order first.
type card struct {
	agenda
	random
	id, customer string
	home         int
	ip           string
	merchants    []int
	mean         float64 // ns between payments, while awake at the busiest hour
	spends       float64 // factor on the merchants' amounts
	refunds      int
	fresh        bool // has not paid yet
}

func newCard(s *Stream, i int) *card {
	c := &card{random: seeded(s.opt.Seed, 1<<32+uint64(i)), fresh: true}
	c.id, c.customer = fmt.Sprintf("c%05d", i+1), fmt.Sprintf("u%05d", i+1)
	c.home = c.pick(cityWeights)
	c.ip = homeIP(&c.random)
	c.merchants = habits(&c.random, s.merchants, c.home, 8)
	c.mean = float64(8*hourNS) / (1 + 4*c.unit())
	c.spends = 0.6 + 1.2*c.unit()
	c.rhythm = s.opt.Start + c.wait(c.mean)
	return c
}

func (c *card) act(s *Stream) {
	if c.take() {
		return
	}
	at := c.rhythm
	c.rhythm += c.wait(c.mean)
	if !awake(&c.random, at, cities[c.home].lon) || c.silent(at) {
		return
	}
	m := &s.merchants[c.merchants[c.below(1+c.below(len(c.merchants)))]]
	if c.chance(0.08) {
		m = &s.merchants[c.below(len(s.merchants))]
	}
	if !m.trade.online && m.city != c.home {
		m = &s.merchants[c.merchants[0]]
	}
	cents := c.cents(m.trade.median*c.spends, m.trade.spread)
	if c.fresh { // the stream begins with a card's monthly shopping, so that it has a history to be compared with
		c.fresh = false
		cents = c.between(140_00, 240_00)
	}
	if m.trade.online {
		c.shop(s, at, m, cents)
		return
	}
	c.pay(s, at, m, cents)
}

// pay emits an authorization and tells whether it was approved.
func (c *card) pay(s *Stream, at int64, m *merchant, cents int64) bool {
	a := auth{merchant: m.id, cents: cents, decision: "approved", country: cities[m.city].country}
	a.entry = entryWords[c.random.pick(m.trade.entries)]
	if a.entry == "cnp" {
		a.ip = c.ip
	}
	switch {
	case c.chance(0.035):
		a.decision = "declined"
	case c.chance(0.005):
		a.decision = "referred"
	}
	s.auth(at, noIncident, c, a)
	return a.decision == "approved"
}

// shop orders, pays within a minute, tries a second time if declined, and
// sometimes sends something back.
func (c *card) shop(s *Stream, at int64, m *merchant, cents int64) {
	order := s.id("o", idPurchase)
	s.order(at, noIncident, c, order, cents)
	paid := func(at int64) {
		c.later(at+c.between(1, 4)*secondNS, func(at int64) { s.payment(at, order, cents) })
		if c.refunds < 2 && c.chance(0.06) {
			c.refunds++
			c.later(at+c.between(30, 600)*minuteNS, func(at int64) { s.refund(at, noIncident, c, order, cents) })
		}
	}
	c.later(at+c.between(10, 60)*secondNS, func(at int64) {
		if c.pay(s, at, m, cents) {
			paid(at)
			return
		}
		c.later(at+c.between(30, 120)*secondNS, func(at int64) {
			// The second try is made with the right code.
			s.auth(at, noIncident, c, auth{m.id, cents, "approved", "cnp", cities[m.city].country, c.ip})
			paid(at)
		})
	})
}
