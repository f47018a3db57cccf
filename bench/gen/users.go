package gen

import "fmt"

// user logs in from a few devices near home, mistypes now and then, pays out
// to known beneficiaries.
type user struct {
	agenda
	random
	id       string
	home     int
	lat, lon float64
	devices  []string
	ips      []string
	known    []string // beneficiaries
	mean     float64  // ns between logins, while awake at the busiest hour
}

func newUser(s *Stream, i int) *user {
	u := &user{random: seeded(s.opt.Seed, 2<<32+uint64(i)), id: fmt.Sprintf("u%05d", i+1)}
	u.home = u.pick(cityWeights)
	u.lat, u.lon = u.near(0.15)
	for d := range 1 + u.below(3) {
		u.devices = append(u.devices, fmt.Sprintf("d%05d-%d", i+1, d+1))
		u.ips = append(u.ips, homeIP(&u.random))
	}
	for range 2 + u.below(3) {
		u.known = append(u.known, fmt.Sprintf("b%05d", 1+u.below(20_000)))
	}
	u.mean = float64(6*hourNS) / (0.5 + 2*u.unit())
	u.rhythm = s.opt.Start + u.wait(u.mean)
	return u
}

// near returns a place around home, within some degrees.
func (u *user) near(degrees float64) (lat, lon float64) {
	c := cities[u.home]
	return c.lat + float64(degrees*(2*u.unit()-1)), c.lon + float64(degrees*(2*u.unit()-1))
}

// usual is a login on one of the user's own devices.
func (u *user) usual(ok bool) login {
	d := u.below(1 + u.below(len(u.devices)))
	l := login{ok: ok, device: u.devices[d], ip: u.ips[d], lat: u.lat, lon: u.lon, placed: u.chance(0.9)}
	return l
}

func (u *user) act(s *Stream) {
	if u.take() {
		return
	}
	at := u.rhythm
	u.rhythm += u.wait(u.mean)
	if !awake(&u.random, at, cities[u.home].lon) || u.silent(at) {
		return
	}
	l := u.usual(true)
	if u.chance(0.93) {
		s.login(at, noIncident, u, l)
		u.session(s, at)
		return
	}
	l.ok = false
	s.login(at, noIncident, u, l)
	next := at + u.between(8, 25)*secondNS
	if u.chance(0.25) {
		u.later(next, func(at int64) { s.login(at, noIncident, u, l) })
		next += u.between(8, 25) * secondNS
	}
	l.ok = true
	u.later(next, func(at int64) {
		s.login(at, noIncident, u, l)
		u.session(s, at)
	})
}

// session is what a user does after logging in on a known device: mostly look.
func (u *user) session(s *Stream, at int64) {
	if u.chance(0.12) {
		cents := u.cents(90, 1)
		to := u.known[u.below(len(u.known))]
		u.later(at+u.between(30, 300)*secondNS, func(at int64) { s.payout(at, noIncident, u, cents, to) })
	} else if u.chance(0.02) {
		device := u.devices[0]
		u.later(at+u.between(60, 200)*secondNS, func(at int64) { s.passwordChange(at, noIncident, u, device) })
	}
}
