package redis

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/weir-cep/weir/alerts/sink"
	"github.com/weir-cep/weir/engine/source/option"
)

const (
	dialTimeout = 5 * time.Second
	callTimeout = 5 * time.Second
)

// sender is a sink of kind redis.
type sender struct {
	stream  string
	address string
	maxLen  int64 // about how many entries the stream keeps; 0: all
	client  *goredis.Client
}

// Open opens sinks of kind redis.
func Open(spec sink.Spec) (sink.Sender, error) {
	o := option.Sink(spec.IR)
	s := &sender{
		stream:  o.Required("stream"),
		address: o.Text("address", "localhost:6379"),
		maxLen:  o.Count("max_len", 0),
	}
	secret, user := o.Secret("secret_file"), o.Text("user", "")
	s.client = goredis.NewClient(&goredis.Options{
		Addr:      s.address,
		TLSConfig: o.TLS(),
		CredentialsProviderContext: func(context.Context) (string, string, error) {
			password, err := secret.Read()
			return user, password, err
		},
		MaxRetries:      -1, // the lane tries again
		DialTimeout:     dialTimeout,
		ReadTimeout:     callTimeout,
		WriteTimeout:    callTimeout,
		PoolSize:        1,
		DisableIdentity: true,
	})
	return s, o.Err()
}

// Send implements sink.Sender. The items are one transaction: a server that
// refuses some of them, since it is out of memory or still loads its data, must
// not take later ones of the same key.
func (s *sender) Send(ctx context.Context, items []sink.Item) error {
	pipe := s.client.TxPipeline()
	answers := make([]*goredis.StringCmd, len(items))
	for i := range items {
		it := &items[i]
		answers[i] = pipe.XAdd(ctx, &goredis.XAddArgs{
			Stream: s.stream, MaxLen: s.maxLen, Approx: s.maxLen > 0,
			Values: []any{"alert_id", hex.EncodeToString(it.ID[:]), "rule", it.Rule, "key", it.Key, "data", it.Text},
		})
	}
	// A server that does not answer would hold an end up.
	defer context.AfterFunc(ctx, func() { s.client.Close() })()
	_, err := pipe.Exec(ctx)
	if err == nil {
		return nil
	}
	// That the transaction is off is said of all; one has the cause.
	for _, a := range answers {
		if a.Err() != nil && !goredis.HasErrorPrefix(a.Err(), "EXECABORT") {
			return s.explain(a.Err())
		}
	}
	return s.explain(err)
}

// explain says where it was tried, and what the usual causes are.
func (s *sender) explain(err error) error {
	hint := ""
	switch {
	case goredis.HasErrorPrefix(err, "WRONGTYPE"):
		hint = " (there is something else under that key: correct the sink's option stream)"
	case goredis.HasErrorPrefix(err, "NOAUTH"), goredis.HasErrorPrefix(err, "WRONGPASS"):
		hint = " (user or password are not right: options user and secret_file)"
	case goredis.HasErrorPrefix(err, "NOPERM"):
		hint = " (the user may not write it: it needs xadd, multi and exec in the server's access lists)"
	case goredis.HasErrorPrefix(err, "READONLY"):
		hint = " (this server is a replica: the option address must name the primary)"
	case goredis.HasErrorPrefix(err, "OOM"):
		hint = " (the server's memory is full: option max_len keeps the stream short)"
	}
	return fmt.Errorf("add to the stream %s at %s: %w%s", s.stream, s.address, err, hint)
}

// Close implements sink.Sender.
func (s *sender) Close() error { return s.client.Close() }
