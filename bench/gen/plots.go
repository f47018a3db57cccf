package gen

import "fmt"

// Small declines on a stolen card number, then what it is good for.
func (p *plan) cardTesting(at int64) { p.probe(at, p.between(90, 240)*secondNS) }

// slowCardTesting waits a minute too long.
func (p *plan) slowCardTesting(at int64) { p.probe(at, 11*minuteNS+p.between(5, 50)*secondNS) }

func (p *plan) probe(at, wait int64) {
	s, incident := p.s, p.incident
	c := p.card(at, hourNS, 2*hourNS)
	m, ip := p.online(), wildIP(&p.random)
	home := cities[c.home].country
	away := cities[p.abroad(c.home)].country
	for i := range p.between(3, 5) {
		cents := p.between(50, 399)
		p.later(p.ms(at+i*20*secondNS), func(at int64) {
			s.auth(at, incident, c, auth{m.id, cents, "declined", "cnp", home, ip})
		})
	}
	shop, cents := p.online(), p.between(2_000_00, 4_800_00)
	p.later(p.ms(at+wait), func(at int64) {
		s.auth(at, incident, c, auth{shop.id, cents, "approved", "cnp", away, ip})
	})
}

// A burst of purchases at many merchants.
func (p *plan) velocity(at int64) {
	s, incident := p.s, p.incident
	c := p.card(at, hourNS, hourNS)
	ip := wildIP(&p.random)
	for i := range p.between(12, 16) {
		m, cents := p.online(), p.between(15_00, 95_00)
		p.later(p.ms(at+i*15*secondNS), func(at int64) {
			s.auth(at, incident, c, auth{m.id, cents, "approved", "cnp", cities[c.home].country, ip})
		})
	}
}

// Refund after refund to one customer.
func (p *plan) refundAbuse(at int64) {
	s, incident := p.s, p.incident
	c := p.card(at, 0, 2*hourNS)
	p.key(c.customer)
	for i := range p.between(5, 7) {
		order, cents := s.id("o", idPurchase), p.between(80_00, 260_00)
		p.later(p.ms(at+i*6*minuteNS), func(at int64) { s.refund(at, incident, c, order, cents) })
	}
}

func (p *plan) unpaidOrder(at int64) {
	s, incident := p.s, p.incident
	c := p.card(at, hourNS, hourNS)
	order, cents := s.id("o", idPurchase), p.between(20_00, 300_00)
	p.key(order)
	p.later(p.ms(at), func(at int64) { s.order(at, incident, c, order, cents) })
}

// Guessing until it fits.
func (p *plan) bruteForce(at int64) { p.guess(at, p.between(6, 8), true) }

// forgetfulUser needs four tries and gets in with the fifth.
func (p *plan) forgetfulUser(at int64) { p.guess(at, 4, true) }

// loginStorm never gets in.
func (p *plan) loginStorm(at int64) { p.guess(at, p.between(12, 18), false) }

func (p *plan) guess(at, failures int64, success bool) {
	s, incident := p.s, p.incident
	u := p.user(at, hourNS, 2*hourNS)
	device := p.device()
	ips := []string{wildIP(&p.random), wildIP(&p.random)}
	for i := range failures {
		l := login{device: device, ip: ips[p.below(2)]}
		if i == 0 {
			l.ip = ips[0]
		}
		p.later(p.ms(at+i*30*secondNS), func(at int64) { s.login(at, incident, u, l) })
	}
	if success {
		p.later(p.ms(at+failures*30*secondNS), func(at int64) {
			s.login(at, incident, u, login{ok: true, device: device, ip: ips[0]})
		})
	}
}

// One address tries one password with many users.
func (p *plan) spray(at int64) {
	s, incident := p.s, p.incident
	ip := wildIP(&p.random)
	first := p.below(len(p.users)) // others, whom something else happens to, are left alone
	for i := range p.between(24, 30) {
		u := p.users[(first+int(i))%len(p.users)]
		p.later(p.ms(at+i*15*secondNS), func(at int64) { s.login(at, incident, u, login{ip: ip}) })
	}
	p.key(ip)
}

// The same user on two continents within the hour.
func (p *plan) impossibleTravel(at int64) {
	away := p.between(25, 55) * minuteNS
	p.travel(at, away, func(u *user) int { return p.abroad(u.home) })
}

// flight lands as far away as a plane could get.
func (p *plan) flight(at int64) {
	p.travel(at, 50*minuteNS, func(u *user) int { return u.home })
}

// travel logs in at home and then in another city; in the same city of the
// home it is a trip of some hundred kilometres.
func (p *plan) travel(at, after int64, where func(*user) int) {
	s, incident := p.s, p.incident
	u := p.user(at, 0, never/2)
	to := where(u)
	p.later(p.ms(at), func(at int64) {
		l := u.usual(true)
		l.placed = true
		s.login(at, incident, u, l)
	})
	l := login{ok: true, device: u.devices[0], ip: wildIP(&p.random), lat: cities[to].lat, lon: cities[to].lon, placed: true}
	if to == u.home {
		l.lat += 6 * sign(-l.lat) // some 650 km towards the equator
	}
	p.later(p.ms(at+after), func(at int64) { s.login(at, incident, u, l) })
}

func sign(x float64) float64 {
	if x < 0 {
		return -1
	}
	return 1
}

// A new device, a new password, the money gone.
func (p *plan) takeover(at int64) { p.robbery(at, false) }

// ownerIsBack logs in on a known device before the payout.
func (p *plan) ownerIsBack(at int64) { p.robbery(at, true) }

func (p *plan) robbery(at int64, back bool) {
	s, incident := p.s, p.incident
	u := p.user(at, hourNS, 3*hourNS)
	device := p.device()
	l := login{ok: true, newDevice: true, device: device, ip: wildIP(&p.random)}
	p.later(p.ms(at), func(at int64) { s.login(at, incident, u, l) })
	pw := at + p.between(3, 9)*minuteNS
	p.later(p.ms(pw), func(at int64) { s.passwordChange(at, incident, u, device) })
	out := pw + p.between(5, 20)*minuteNS
	if back {
		p.later(p.ms(out-2*minuteNS), func(at int64) {
			l := u.usual(true)
			l.placed = false
			s.login(at, incident, u, l)
		})
	}
	cents := p.between(1_500_00, 9_000_00)
	to := fmt.Sprintf("b%05d", 20_001+p.below(900))
	p.later(p.ms(out), func(at int64) { s.payout(at, incident, u, cents, to) })
}

// Above 80 degrees for longer than five minutes.
func (p *plan) overheating(at int64) { p.heat(at, p.between(7, 11)*minuteNS) }

func (p *plan) shortHeat(at int64) { p.heat(at, 210*secondNS) }

func (p *plan) heat(at, long int64) {
	d := p.nextSensor()
	d.hot = append(d.hot, heat{span{at, at + long}, float64(p.between(84, 93)), p.incident})
}

// A sensor that says nothing any more, for a while.
func (p *plan) silentSensor(at int64) {
	d := p.nextSensor()
	q := span{at, at + p.between(4, 8)*minuteNS}
	d.beat.silent = append(d.beat.silent, silence{q, p.incident})
	d.agenda.silence(q.from, q.to)
}
