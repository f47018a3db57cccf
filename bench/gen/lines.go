package gen

import (
	"fmt"
	"strconv"

	"github.com/weir-cep/weir/cep"
)

// The counters of ids.
const (
	idOrder = iota // of events, for ties
	idAuth
	idLogin
	idPurchase // order ids
)

func (s *Stream) id(letter string, counter int) string {
	s.ids[counter]++
	return fmt.Sprintf("%s%07d", letter, s.ids[counter])
}

// fields writes the members of an event one after another.
type fields struct{ b []byte }

func begin(kind string, at int64) *fields {
	b := append(make([]byte, 0, 256), `{"type":"`...)
	b = append(append(b, kind...), `","at":"`...)
	return &fields{append(cep.AppendTime(b, at), '"')}
}

func (f *fields) name(name string) {
	f.b = append(append(append(f.b, `,"`...), name...), `":`...)
}

func (f *fields) text(name, v string) *fields {
	f.name(name)
	f.b = cep.AppendJSONString(f.b, v)
	return f
}

func (f *fields) flag(name string, v bool) *fields {
	f.name(name)
	f.b = strconv.AppendBool(f.b, v)
	return f
}

// amount writes cents as a decimal number.
func (f *fields) amount(name string, cents int64) *fields {
	f.name(name)
	f.b = fmt.Appendf(f.b, "%d.%02d", cents/100, cents%100)
	return f
}

// number writes hundredths as a decimal number.
func (f *fields) number(name string, hundredths int64) *fields {
	f.name(name)
	f.b = cep.AppendNumber(f.b, float64(hundredths)/100)
	return f
}

func (f *fields) end() []byte { return append(f.b, "}\n"...) }

// noIncident marks background events.
const noIncident = -1

// auth is an authorization of a card.
type auth struct {
	merchant string
	cents    int64
	decision string
	entry    string
	country  string
	ip       string // "" if the card was there
}

func (s *Stream) auth(at int64, incident int, c *card, a auth) {
	id := s.id("a", idAuth)
	f := begin("Auth", at).text("auth_id", id).text("card_id", c.id).text("customer_id", c.customer).text("merchant_id", a.merchant).
		amount("amount", a.cents).text("decision", a.decision).text("entry", a.entry).text("country", a.country)
	if a.ip != "" {
		f.text("ip", a.ip)
	}
	s.emit(at, incident, id, f.end())
}

func (s *Stream) order(at int64, incident int, c *card, order string, cents int64) {
	s.emit(at, incident, "", begin("Order", at).text("order_id", order).text("customer_id", c.customer).amount("total", cents).end())
}

func (s *Stream) payment(at int64, order string, cents int64) {
	s.emit(at, noIncident, "", begin("Payment", at).text("order_id", order).amount("amount", cents).end())
}

func (s *Stream) refund(at int64, incident int, c *card, order string, cents int64) {
	s.emit(at, incident, "", begin("Refund", at).text("customer_id", c.customer).text("order_id", order).amount("amount", cents).end())
}

// login is one attempt to log in.
type login struct {
	ok, newDevice bool
	device, ip    string
	lat, lon      float64
	placed        bool // the place is known
}

func (s *Stream) login(at int64, incident int, u *user, l login) {
	id := s.id("l", idLogin)
	f := begin("Login", at).text("login_id", id).text("user_id", u.id).flag("ok", l.ok)
	if l.device != "" {
		f.text("device", l.device)
	}
	f.flag("new_device", l.newDevice).text("ip", l.ip)
	if l.placed {
		f.b = fmt.Appendf(f.b, `,"geo":{"lat":%.3f,"lon":%.3f}`, l.lat, l.lon)
	}
	s.emit(at, incident, id, f.end())
}

func (s *Stream) passwordChange(at int64, incident int, u *user, device string) {
	s.emit(at, incident, "", begin("PasswordChange", at).text("user_id", u.id).text("device", device).end())
}

func (s *Stream) payout(at int64, incident int, u *user, cents int64, beneficiary string) {
	s.emit(at, incident, "", begin("Payout", at).text("owner_id", u.id).amount("amount", cents).text("beneficiary", beneficiary).end())
}

func (s *Stream) reading(at int64, incident int, id string, hundredths int64) {
	s.emit(at, incident, "", begin("Reading", at).text("sensor_id", id).number("temperature", hundredths).end())
}

func (s *Stream) heartbeat(at int64, incident int, id string) {
	s.emit(at, incident, "", begin("Heartbeat", at).text("sensor_id", id).end())
}
