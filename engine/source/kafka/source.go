package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	kgo "github.com/segmentio/kafka-go"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/engine"
	"github.com/weir-cep/weir/engine/source/flight"
	"github.com/weir-cep/weir/engine/source/option"
	"github.com/weir-cep/weir/internal/decode"
)

// source reads one topic as a member of a group.
type source struct {
	name    string
	brokers []string
	topic   string
	group   string
	latest  bool // where a new group begins
	sasl    string
	user    string
	secret  option.Secret
	tls     *tls.Config
	log     *slog.Logger
	times   times

	fetchBytes int32 // how much is asked for at once

	mu      sync.Mutex
	flights map[int]*flight.Flight // by partition, of this run and those before
}

// times are how long the source waits for what.
type times struct {
	maxWait   time.Duration // an answer without records is not waited for longer
	slack     time.Duration // it may come so much later
	patience  time.Duration // failing fetches are an error after so long
	commit    time.Duration // between commits of offsets
	landing   time.Duration // for what is on its way when partitions are taken away
	heartbeat time.Duration
	session   time.Duration // a member that is silent for so long is dead
	rebalance time.Duration // the members have so long to give their partitions back
	leaving   time.Duration // the broker is not waited for longer when leaving the group
}

var usual = times{
	maxWait:   500 * time.Millisecond,
	slack:     10 * time.Second,
	patience:  10 * time.Second,
	commit:    time.Second,
	landing:   3 * time.Second,
	heartbeat: 3 * time.Second,
	session:   10 * time.Second,
	rebalance: 20 * time.Second,
	leaving:   3 * time.Second,
}

// Open makes a source of kind kafka.
func Open(c engine.SourceConfig) (engine.Source, error) {
	o := option.Source(c.IR)
	s := &source{
		name:    c.Name,
		brokers: o.Texts("brokers", "localhost:9092"),
		topic:   o.Required("topic"),
		group:   o.Text("group", "weir-"+c.Name),
		latest:  o.Word("from", "earliest", "earliest", "latest") == "latest",
		sasl:    o.Word("sasl", "", "plain", "scram_sha_256", "scram_sha_512"),
		user:    o.Text("user", ""),
		secret:  o.Secret("secret_file"),
		tls:     o.TLS(),
		log:     c.Logger,
		times:   usual,
		flights: map[int]*flight.Flight{},

		fetchBytes: 1 << 20, // a few chunks
	}
	if o.Input().Format == decode.CSV {
		o.Bad("format", "csv has a header, which a record of Kafka has not; write the records as JSON")
	}
	switch {
	case s.sasl == "" && (s.user != "" || s.secret.Given()):
		o.Bad("sasl", "is missing, but a user or a secret is given: plain, scram_sha_256 or scram_sha_512?")
	case s.sasl != "" && (s.user == "" || !s.secret.Given()):
		o.Bad("sasl", "needs user and secret_file")
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.log = s.log.With("source", s.name, "topic", s.topic)
	return s, o.Err()
}

// Run reads the partitions that fall to this member until ctx ends or something
// fails.
func (s *source) Run(ctx context.Context, in engine.Intake) error {
	if s.sasl == "plain" && s.tls == nil {
		s.log.Warn("the password goes over the network as it is: set tls: true")
	}
	c, err := s.connect()
	if err != nil {
		return err
	}
	defer c.close()
	n, err := c.partitions(ctx, s.topic)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return err
	}
	if n > cep.MaxPartitions {
		return fmt.Errorf("topic %s has %d partitions, a source can have %d", s.topic, n, cep.MaxPartitions)
	}
	group, err := kgo.NewConsumerGroup(kgo.ConsumerGroupConfig{
		ID: s.group, Brokers: s.brokers, Topics: []string{s.topic}, Dialer: c.dialer,
		HeartbeatInterval: s.times.heartbeat, SessionTimeout: s.times.session, RebalanceTimeout: s.times.rebalance,
		JoinGroupBackoff: time.Second, WatchPartitionChanges: true, Timeout: callTimeout,
		StartOffset: kgo.FirstOffset, ErrorLogger: kgo.LoggerFunc(s.debugf), Logger: kgo.LoggerFunc(s.debugf),
	})
	if err != nil {
		return err
	}
	defer s.leave(group)
	err = s.generations(ctx, group, c, in)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (s *source) debugf(format string, args ...any) {
	s.log.Debug(fmt.Sprintf(format, args...))
}

// leave leaves the group. That needs the broker, which may be away, so it is
// not waited for long: a member that is silent is dropped from the group.
func (s *source) leave(group *kgo.ConsumerGroup) {
	done := make(chan struct{})
	go func() {
		group.Close()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(s.times.leaving):
	}
}

// generations reads what each generation of the group assigns.
func (s *source) generations(ctx context.Context, group *kgo.ConsumerGroup, c *cluster, in engine.Intake) error {
	for {
		gen, err := group.Next(ctx)
		if errors.Is(err, kgo.RebalanceInProgress) {
			continue
		}
		if err != nil {
			return c.explain("join the group "+s.group, err)
		}
		if err := s.generation(ctx, gen, c, in); err != nil {
			return err
		}
	}
}
