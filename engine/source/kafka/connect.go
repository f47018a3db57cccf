package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	kgo "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
)

// clientID is what the brokers' logs call this client.
const clientID = "weir"

const (
	dialTimeout = 5 * time.Second
	callTimeout = 10 * time.Second
	// layoutTTL is how old the knowledge of who leads which partition can be.
	layoutTTL = 4 * time.Second
)

// cluster is the connection to the brokers during one Run. What kafka-go keeps
// of failures goes with it.
type cluster struct {
	brokers   []string
	addr      net.Addr
	transport *kgo.Transport
	client    *kgo.Client
	dialer    *kgo.Dialer // of the group's membership
}

// connect makes a cluster; it connects to nothing yet. The secret is read anew.
func (s *source) connect() (*cluster, error) {
	mechanism, err := s.mechanism()
	if err != nil {
		return nil, err
	}
	dial := (&net.Dialer{Timeout: dialTimeout, KeepAlive: 15 * time.Second}).DialContext
	c := &cluster{
		brokers: s.brokers,
		addr:    kgo.TCP(s.brokers...),
		transport: &kgo.Transport{
			Dial: dial, DialTimeout: dialTimeout, ClientID: clientID, TLS: s.tls, SASL: mechanism,
			MetadataTTL: layoutTTL, MetadataTopics: []string{s.topic},
		},
		dialer: &kgo.Dialer{DialFunc: dial, Timeout: dialTimeout, ClientID: clientID, TLS: s.tls, SASLMechanism: mechanism},
	}
	c.client = &kgo.Client{Addr: c.addr, Transport: c.transport, Timeout: callTimeout}
	return c, nil
}

func (c *cluster) close() { c.transport.CloseIdleConnections() }

// mechanism is how to log in, nil if that is not needed.
func (s *source) mechanism() (sasl.Mechanism, error) {
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

// partitions returns how many partitions the topic has. It is the first call of
// a Run, so its error is the one that tells why nothing is read.
func (c *cluster) partitions(ctx context.Context, topic string) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	m, err := c.client.Metadata(ctx, &kgo.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return 0, c.explain("ask for the topic "+topic, err)
	}
	for _, t := range m.Topics {
		if t.Name != topic {
			continue
		}
		if errors.Is(t.Error, kgo.UnknownTopicOrPartition) {
			return 0, fmt.Errorf("there is no topic %s on %s: create it, or correct the source's option topic", topic, strings.Join(c.brokers, ", "))
		}
		if t.Error != nil {
			return 0, c.explain("ask for the topic "+topic, t.Error)
		}
		return len(t.Partitions), nil
	}
	return 0, fmt.Errorf("%s said nothing about the topic %s", strings.Join(c.brokers, ", "), topic)
}

// span returns the oldest offset of a partition and the one behind its newest.
func (c *cluster) span(ctx context.Context, topic string, partition int) (oldest, end int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	res, err := c.client.ListOffsets(ctx, &kgo.ListOffsetsRequest{Topics: map[string][]kgo.OffsetRequest{
		topic: {kgo.FirstOffsetOf(partition), kgo.LastOffsetOf(partition)}}})
	if err != nil {
		return 0, 0, c.explain(fmt.Sprintf("ask for the offsets of %s/%d", topic, partition), err)
	}
	for _, p := range res.Topics[topic] {
		if p.Partition == partition {
			if p.Error != nil {
				return 0, 0, c.explain(fmt.Sprintf("ask for the offsets of %s/%d", topic, partition), p.Error)
			}
			return p.FirstOffset, p.LastOffset, nil
		}
	}
	return 0, 0, fmt.Errorf("%s said nothing about the offsets of %s/%d", strings.Join(c.brokers, ", "), topic, partition)
}

// explain says what was tried where, and what the usual causes are.
func (c *cluster) explain(what string, err error) error {
	hint := ""
	switch {
	case errors.Is(err, kgo.SASLAuthenticationFailed):
		hint = " (user or password are not right)"
	case errors.Is(err, kgo.UnsupportedSASLMechanism):
		hint = " (the brokers want another way to log in: option sasl)"
	case errors.Is(err, kgo.TopicAuthorizationFailed), errors.Is(err, kgo.GroupAuthorizationFailed):
		hint = " (the user may not read it: see the cluster's access lists)"
	case errors.Is(err, context.DeadlineExceeded):
		hint = " (no answer: is it a Kafka broker, and is the option tls right?)"
	case errors.Is(err, io.ErrUnexpectedEOF):
		hint = " (it hangs up: is the option tls right?)"
	}
	return fmt.Errorf("%s at %s: %w%s", what, strings.Join(c.brokers, ", "), err, hint)
}
