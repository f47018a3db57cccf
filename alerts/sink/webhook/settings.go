package webhook

import (
	"fmt"
	"net/url"
	"time"

	"github.com/weir-cep/weir/alerts"
	"github.com/weir-cep/weir/alerts/sink"
	"github.com/weir-cep/weir/engine/source/option"
	"github.com/weir-cep/weir/internal/egress"
)

// order says which deliveries wait for each other.
type order string

const (
	orderNone   order = "none"
	orderKey    order = "key"
	orderStrict order = "strict"
)

// settings are the options of a sink of kind webhook.
type settings struct {
	name    string
	url     string
	secret  option.Secret
	order   order
	shape   shape
	guard   *egress.Guard
	updates bool          // whether triage is told too
	limit   int           // alerts of a rule in a minute that are sent on their own; 0: all
	group   time.Duration // for which alerts of one rule and key are gathered behind the first; 0: they are not
	disable time.Duration // of nothing but failures, after which it is switched off
}

// defaultDisable is how long an endpoint may fail.
const defaultDisable = 120 * time.Hour

// chatLimit is how many alerts of a rule a person gets in a minute, where a
// template writes to people and nothing else is said.
const chatLimit = 20

// settingsOf reads the options of a sink. Errors name the sink and the option.
func settingsOf(spec *sink.Spec) (*settings, error) {
	o := option.Sink(spec.IR)
	s := &settings{
		name:    spec.IR.Name,
		url:     o.Required("url"),
		secret:  o.Secret("secret_file"),
		order:   order(o.Word("order", string(orderNone), string(orderNone), string(orderKey), string(orderStrict))),
		updates: o.Bool("updates", true),
		group:   o.Duration("group", 0),
		disable: o.Duration("disable_after", defaultDisable),
	}
	if u, err := url.Parse(s.url); s.url != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		o.Bad("url", "%q is no address of a web server: write it like \"https://example.com/hooks\"", s.url)
	} else if err == nil && u.User != nil {
		o.Bad("url", "a password does not belong into a rule file: leave it out, and check signatures at the receiver")
	}
	if s.secret.Given() {
		if _, err := s.keys(); err != nil {
			o.Bad("secret_file", "%w", err)
		}
	}
	var err error
	if s.guard, err = egress.New(o.Texts("allow")...); err != nil {
		o.Bad("allow", "%w", err)
	}
	chat := false
	if s.shape, chat, err = shapeOf(o); err != nil {
		o.Bad("template", "%w", err)
	}
	limit := int64(0)
	if chat {
		limit = chatLimit
	}
	s.limit = int(o.Count("limit", limit))
	return s, o.Err()
}

// keys are the secrets as they are now: a changed file is taken up by the next
// message.
func (s *settings) keys() ([][]byte, error) {
	text, err := s.secret.Read()
	if err != nil {
		return nil, err
	}
	return parseSecrets(text)
}

// groupOf is the name under which a delivery waits for others.
func (s *settings) groupOf(d *alerts.Delivery) string {
	switch {
	case d.Type == TypeTest:
	case s.order == orderStrict:
		return "s"
	case s.order == orderKey && d.Seq != 0:
		return "k" + d.Key
	}
	return fmt.Sprint("n", d.N)
}
