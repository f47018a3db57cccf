package gen

import "fmt"

// plot plays one incident, or a near miss, at a time.
type plot struct {
	kind  string
	rules []string
	note  string // of a near miss
	play  func(p *plan, at int64)
}

// plots are all that is planted, in the order in which a round plays them. A
// near miss stands behind what it resembles.
var plots = []plot{
	{"card_testing", []string{"card_testing"}, "", (*plan).cardTesting},
	{"brute_force", []string{"brute_force"}, "", (*plan).bruteForce},
	{"overheating", []string{"overheating"}, "", (*plan).overheating},
	{"impossible_travel", []string{"impossible_travel"}, "", (*plan).impossibleTravel},
	{"card_testing", nil, "the large approval comes eleven minutes after the first decline", (*plan).slowCardTesting},
	{"account_takeover", []string{"account_takeover", "payout_without_login"}, "", (*plan).takeover},
	{"card_velocity", []string{"card_velocity"}, "", (*plan).velocity},
	{"heartbeat_lost", []string{"heartbeat_lost"}, "", (*plan).silentSensor},
	{"brute_force", nil, "four failures are one too few", (*plan).forgetfulUser},
	{"password_spray", []string{"password_spray"}, "", (*plan).spray},
	{"refund_abuse", []string{"refund_abuse"}, "", (*plan).refundAbuse},
	{"overheating", nil, "hot for less than four minutes", (*plan).shortHeat},
	{"order_not_paid", []string{"order_not_paid"}, "", (*plan).unpaidOrder},
	{"account_takeover", nil, "the owner logs in on a known device before the payout", (*plan).ownerIsBack},
	{"login_storm", []string{"login_storm"}, "", (*plan).loginStorm},
	{"impossible_travel", nil, "a flight of that distance takes as long", (*plan).flight},
}

// plan is the actor that plays the plots, each at its own time and with people
// and cards that no other uses.
type plan struct {
	agenda
	random
	s        *Stream
	cards    []*card // not yet used
	users    []*user
	sensor   int
	incident int // of the plot being planned
}

// newPlan spreads the plots evenly over the stream, but for its lead and tail.
func newPlan(s *Stream) *plan {
	p := &plan{random: seeded(s.opt.Seed, 5<<32), s: s}
	p.rhythm = never
	p.cards = append(p.cards, s.cards...)
	p.users = append(p.users, s.users...)
	n := s.opt.Incidents * len(plots)
	if n == 0 {
		return p
	}
	first, slot := s.opt.Start+s.opt.lead(), s.opt.slot()
	for i := range n {
		plot := &plots[i%len(plots)]
		p.incident = len(s.incidents)
		s.incidents = append(s.incidents, Incident{Kind: plot.kind, Rules: plot.rules, Note: plot.note, NearMiss: plot.note != ""})
		at := first + int64(i)*slot + p.between(0, slot/2)
		plot.play(p, at/secondNS*secondNS)
	}
	return p
}

func (p *plan) act(*Stream) { p.take() }

func (p *plan) key(key string) { p.s.incidents[p.incident].Key = key }

// card takes a card that nothing else was planted on, and keeps its own
// traffic quiet around the time.
func (p *plan) card(at, before, after int64) *card {
	i := p.below(len(p.cards))
	c := p.cards[i]
	p.cards[i] = p.cards[len(p.cards)-1]
	p.cards = p.cards[:len(p.cards)-1]
	c.silence(at-before, at+after)
	p.key(c.id)
	return c
}

func (p *plan) user(at, before, after int64) *user {
	i := p.below(len(p.users))
	u := p.users[i]
	p.users[i] = p.users[len(p.users)-1]
	p.users = p.users[:len(p.users)-1]
	u.silence(at-before, at+after)
	p.key(u.id)
	return u
}

// nextSensor takes the sensors in turn.
func (p *plan) nextSensor() *sensor {
	d := p.s.sensors[p.sensor%len(p.s.sensors)]
	p.sensor++
	p.key(d.id)
	return d
}

// ms adds up to a second, so that planted times look like others.
func (p *plan) ms(at int64) int64 { return at + p.between(0, 999)*1e6 }

// online picks an online merchant.
func (p *plan) online() *merchant {
	for {
		if m := &p.s.merchants[p.below(len(p.s.merchants))]; m.trade.online {
			return m
		}
	}
}

// abroad picks a city far from another, in another country.
func (p *plan) abroad(home int) int {
	for {
		i := p.below(len(cities))
		dLat, dLon := cities[i].lat-cities[home].lat, cities[i].lon-cities[home].lon
		if cities[i].country != cities[home].country && float64(dLat*dLat)+float64(dLon*dLon) > 50*50 && dLon < 180 && dLon > -180 {
			return i
		}
	}
}

func (p *plan) device() string { return fmt.Sprintf("x%06d", p.below(1_000_000)) }
