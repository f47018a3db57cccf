package kafka

import (
	"context"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	kgo "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"

	"github.com/weir-cep/weir/alerts/sink"
	"github.com/weir-cep/weir/engine/source/option"
)

const (
	clientID    = "weir"
	dialTimeout = 5 * time.Second
	callTimeout = 10 * time.Second
	linger      = time.Millisecond // a batch has all its records when it begins
	layoutTTL   = 5 * time.Second  // how old the knowledge of who leads which partition can be
	batchBytes  = 1 << 30          // how large a record may be is for the broker to say
	batchItems  = 10_000           // more than a lane sends at once, so that a send is one batch a partition
)

// sender is a sink of kind kafka.
type sender struct {
	name    string
	brokers []string
	topic   string
	sasl    string
	user    string
	secret  option.Secret
	tls     *tls.Config

	w *kgo.Writer // nil: to be made anew
	// has are the numbers of the records of the last send that failed which the
	// brokers do have.
	has map[uint64]bool
}

// Open opens sinks of kind kafka.
func Open(spec sink.Spec) (sink.Sender, error) {
	o := option.Sink(spec.IR)
	s := &sender{
		name:    spec.IR.Name,
		brokers: o.Texts("brokers", "localhost:9092"),
		topic:   o.Required("topic"),
		sasl:    o.Word("sasl", "", "plain", "scram_sha_256", "scram_sha_512"),
		user:    o.Text("user", ""),
		secret:  o.Secret("secret_file"),
		tls:     o.TLS(),
		has:     map[uint64]bool{},
	}
	if s.sasl != "" && (s.user == "" || !s.secret.Given()) {
		o.Bad("sasl", "to log in, the options user and secret_file are needed too")
	}
	if s.sasl == "" && s.user != "" {
		o.Bad("user", "to log in, the option sasl is needed too")
	}
	return s, o.Err()
}

// writer returns the writer, made anew after an error: what it knew of the
// brokers goes with it, and the secret is read again.
func (s *sender) writer() (*kgo.Writer, error) {
	if s.w != nil {
		return s.w, nil
	}
	mechanism, err := s.mechanism()
	if err != nil {
		return nil, err
	}
	dial := (&net.Dialer{Timeout: dialTimeout, KeepAlive: 15 * time.Second}).DialContext
	s.w = &kgo.Writer{
		Addr:         kgo.TCP(s.brokers...),
		Topic:        s.topic,
		Balancer:     kgo.Murmur2Balancer{}, // as Kafka's own clients do it
		MaxAttempts:  1,                     // the lane tries again
		BatchSize:    batchItems,
		BatchBytes:   batchBytes,
		BatchTimeout: linger,
		ReadTimeout:  callTimeout,
		WriteTimeout: callTimeout,
		RequiredAcks: kgo.RequireAll,
		Transport: &kgo.Transport{
			Dial: dial, DialTimeout: dialTimeout, ClientID: clientID, TLS: s.tls, SASL: mechanism,
			MetadataTTL: layoutTTL, MetadataTopics: []string{s.topic},
		},
	}
	return s.w, nil
}

// mechanism is how to log in, nil if that is not needed.
func (s *sender) mechanism() (sasl.Mechanism, error) {
	if s.sasl == "" {
		return nil, nil
	}
	password, err := s.secret.Read()
	if err != nil {
		return nil, err
	}
	switch s.sasl {
	case "plain":
		return plain.Mechanism{Username: s.user, Password: password}, nil
	case "scram_sha_256":
		return scram.Mechanism(scram.SHA256, s.user, password)
	}
	return scram.Mechanism(scram.SHA512, s.user, password)
}

// Send implements sink.Sender. After an error, those of the items that the
// brokers have are not sent again.
func (s *sender) Send(ctx context.Context, items []sink.Item) error {
	var send []int
	for i := range items {
		if !s.has[items[i].Seq] {
			send = append(send, i)
		}
	}
	refused, err := s.send(ctx, items, send)
	if err != nil {
		return err
	}
	clear(s.has)
	if refused != nil {
		return refused
	}
	return nil
}

// send writes some of the items. If one of a batch is too large for the broker,
// they go one by one, and that one is refused.
func (s *sender) send(ctx context.Context, items []sink.Item, which []int) (refused *sink.RefusedError, err error) {
	err = s.write(ctx, items, which)
	if !errors.Is(err, kgo.MessageSizeTooLarge) {
		return nil, err
	}
	for _, i := range which {
		if s.has[items[i].Seq] {
			continue
		}
		err := s.write(ctx, items, []int{i})
		switch {
		case errors.Is(err, kgo.MessageSizeTooLarge):
			if refused == nil {
				refused = &sink.RefusedError{Err: fmt.Errorf("the topic %s takes no record of %d bytes (its max.message.bytes): %w", s.topic, len(items[i].Text), err)}
			}
			refused.Items = append(refused.Items, i)
		case err != nil:
			return nil, err
		}
	}
	return refused, nil
}

// write writes some of the items and notes which of them the brokers have.
func (s *sender) write(ctx context.Context, items []sink.Item, which []int) error {
	w, err := s.writer()
	if err != nil {
		return err
	}
	records := make([]kgo.Message, len(which))
	for n, i := range which {
		records[n] = record(&items[i])
	}
	err = w.WriteMessages(ctx, records...)
	var each kgo.WriteErrors
	if errors.As(err, &each) {
		for n, i := range which {
			if each[n] == nil {
				s.has[items[i].Seq] = true
			} else if err = each[n]; errors.Is(err, kgo.MessageSizeTooLarge) {
				return err
			}
		}
	}
	if err == nil {
		for _, i := range which {
			s.has[items[i].Seq] = true
		}
		return nil
	}
	if !errors.Is(err, kgo.MessageSizeTooLarge) {
		s.drop(ctx)
	}
	return s.explain(err)
}

// record is an item as a record. Alerts of rules without a key keep the order
// of their rule.
func record(it *sink.Item) kgo.Message {
	key := it.Key
	if key == "" {
		key = it.Rule
	}
	return kgo.Message{
		Key:     []byte(key),
		Value:   it.Text,
		Headers: []kgo.Header{{Key: "alert_id", Value: []byte(hex.EncodeToString(it.ID[:]))}},
	}
}

// explain says where it was tried, and what the usual causes are.
func (s *sender) explain(err error) error {
	hint := ""
	switch {
	case errors.Is(err, kgo.UnknownTopicOrPartition):
		hint = " (create the topic, or correct the sink's option topic)"
	case errors.Is(err, kgo.SASLAuthenticationFailed):
		hint = " (user or password are not right)"
	case errors.Is(err, kgo.UnsupportedSASLMechanism):
		hint = " (the brokers want another way to log in: option sasl)"
	case errors.Is(err, kgo.TopicAuthorizationFailed):
		hint = " (the user may not write it: see the cluster's access lists)"
	case errors.Is(err, context.DeadlineExceeded):
		hint = " (no answer: is it a Kafka broker, and is the option tls right?)"
	}
	return fmt.Errorf("write to the topic %s at %s: %w%s", s.topic, strings.Join(s.brokers, ", "), err, hint)
}

// drop gives the writer and its connections up. It waits for what is on its way,
// so that nothing arrives behind what is sent next, unless ctx has ended and
// nothing is.
func (s *sender) drop(ctx context.Context) {
	if s.w == nil {
		return
	}
	w := s.w
	s.w = nil
	end := func() {
		w.Close()
		w.Transport.(*kgo.Transport).CloseIdleConnections()
	}
	if ctx.Err() != nil {
		go end()
		return
	}
	end()
}

// Close implements sink.Sender.
func (s *sender) Close() error {
	s.drop(context.Background())
	return nil
}
