package redis

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/weir-cep/weir/engine"
	"github.com/weir-cep/weir/engine/source/flight"
	"github.com/weir-cep/weir/engine/source/option"
	"github.com/weir-cep/weir/internal/decode"
)

// source reads one stream.
type source struct {
	name    string
	address string
	user    string
	secret  option.Secret
	tls     *tls.Config
	stream  string
	group   string
	latest  bool   // where a new group begins
	field   string // that holds the event
	log     *slog.Logger
	times   times
	count   int // entries asked for at once

	mu     sync.Mutex
	flight *flight.Flight // of the run before
	// consumer is this member's name while the journal holds none.
	consumer string
}

// times are how long the source waits for what.
type times struct {
	block   time.Duration // for new entries
	answer  time.Duration // for an answer of Redis, beyond block
	ack     time.Duration // between acknowledgements
	lag     time.Duration // between looks at how much waits
	silent  time.Duration // a member that is silent for so long is dead
	claim   time.Duration // between looks for dead members
	landing time.Duration // at the end, for what is on its way
}

var usual = times{
	block:   500 * time.Millisecond,
	answer:  5 * time.Second,
	ack:     100 * time.Millisecond,
	lag:     2 * time.Second,
	silent:  time.Minute,
	claim:   15 * time.Second,
	landing: 3 * time.Second,
}

// quiet keeps go-redis from writing to standard error what its errors say too.
type quiet struct{}

func (quiet) Printf(ctx context.Context, format string, v ...any) {
	slog.DebugContext(ctx, "go-redis: "+fmt.Sprintf(format, v...))
}

var silence = sync.OnceFunc(func() { goredis.SetLogger(quiet{}) })

// Open makes a source of kind redis.
func Open(c engine.SourceConfig) (engine.Source, error) {
	silence()
	o := option.Source(c.IR)
	s := &source{
		name:    c.Name,
		address: o.Text("address", "localhost:6379"),
		user:    o.Text("user", ""),
		secret:  o.Secret("secret_file"),
		tls:     o.TLS(),
		stream:  o.Required("stream"),
		group:   o.Text("group", "weir-"+c.Name),
		latest:  o.Word("from", "earliest", "earliest", "latest") == "latest",
		field:   o.Text("field", ""),
		log:     c.Logger,
		times:   usual,
		count:   500,
	}
	if o.Input().Format == decode.CSV {
		o.Bad("format", "csv has a header, which a stream's entry has not; write the entries as fields or as JSON")
	}
	if s.user != "" && !s.secret.Given() {
		o.Bad("user", "needs secret_file")
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.log = s.log.With("source", s.name, "stream", s.stream, "group", s.group)
	s.consumer = newConsumer()
	return s, o.Err()
}

// newConsumer makes a name in the group that no other member has.
func newConsumer() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	b := make([]byte, 6)
	rand.Read(b)
	return "weir-" + host + "-" + hex.EncodeToString(b)
}

// Run reads the stream until ctx ends or something fails.
func (s *source) Run(ctx context.Context, in engine.Intake) error {
	err := s.run(ctx, in)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (s *source) run(ctx context.Context, in engine.Intake) error {
	client, err := s.connect()
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.Ping(ctx).Err(); err != nil {
		return s.explain("connect", err)
	}
	if s.flight != nil {
		_ = s.flight.Wait(ctx) // what was refused is read again
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	p, err := in.Partition(s.stream, -1)
	if err != nil {
		return err
	}
	s.flight = flight.New(p)
	cur, err := decodeCursor(p.Cursor(), s.stream, s.group)
	if err != nil {
		return err
	}
	known := cur != nil
	if !known {
		cur = &cursor{Version: cursorVersion, Stream: s.stream, Group: s.group, Consumer: s.consumer}
	}
	if err := s.createGroup(ctx, client, known); err != nil {
		return err
	}
	r := &reader{s: s, client: client, part: p, flight: s.flight, cur: *cur, known: known}
	return r.run(ctx)
}

// connect makes a client; it connects to nothing yet. The secret is read anew.
func (s *source) connect() (*goredis.Client, error) {
	password, err := s.secret.Read()
	if err != nil {
		return nil, err
	}
	return goredis.NewClient(&goredis.Options{
		Addr: s.address, Username: s.user, Password: password, TLSConfig: s.tls,
		Protocol:    2,
		MaxRetries:  -1, // an answer that is lost has consequences
		DialTimeout: 5 * time.Second, DialerRetries: 1,
		ReadTimeout: s.times.block + s.times.answer, WriteTimeout: s.times.answer,
		ContextTimeoutEnabled: true, DisableIdentity: true, PoolSize: 4,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}), nil
}

// createGroup makes the group if it is not there. If the journal knows of
// entries, Redis has forgotten the group: it is read from the beginning, and
// what is known is passed over.
func (s *source) createGroup(ctx context.Context, client *goredis.Client, known bool) error {
	from := "0"
	if s.latest && !known {
		from = "$"
	}
	err := client.XGroupCreateMkStream(ctx, s.stream, s.group, from).Err()
	if err != nil && !strings.HasPrefix(err.Error(), "BUSYGROUP") {
		return s.explain("make the group "+s.group, err)
	}
	return nil
}

// explain says what was tried where, and what the usual causes are.
func (s *source) explain(what string, err error) error {
	hint := ""
	switch text := err.Error(); {
	case strings.HasPrefix(text, "WRONGPASS"):
		hint = " (user or password are not right)"
	case strings.HasPrefix(text, "NOAUTH"):
		hint = " (a password is needed: secret_file)"
	case strings.HasPrefix(text, "NOPERM"):
		hint = " (the user may not do that: see the server's access lists)"
	case strings.HasPrefix(text, "WRONGTYPE"):
		hint = " (the key is no stream)"
	case strings.HasPrefix(text, "NOGROUP"):
		hint = " (the stream or its group was removed; it is made anew)"
	case errors.Is(err, context.DeadlineExceeded), strings.Contains(text, "i/o timeout"):
		hint = " (no answer: is it a Redis, and is the option tls right?)"
	}
	return fmt.Errorf("%s at %s, stream %s: %w%s", what, s.address, s.stream, err, hint)
}
