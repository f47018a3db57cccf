package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/weir-cep/weir/internal/lookup"
)

const (
	defaultAddress = "localhost:6379"
	dialTimeout    = 5 * time.Second
	// idle is how long a connection is kept for the next fetch; the next one
	// reads the secret again.
	idle = 10 * time.Second
	// small is how many members are read in one command, which the server
	// answers before any other.
	small = 1000
	// attempts is how often a large value is read in parts before it is read in
	// one command, because it changed meanwhile.
	attempts = 3
)

// The client library writes of its own accord to standard error. What it has to
// say comes as errors, too.
func init() { logging.Disable() }

// Open makes a fetcher. It is a lookup.FetcherOpener.
func Open(cfg lookup.FetcherConfig) (lookup.Fetcher, error) {
	o := cfg.Read()
	address, key, secret := o.Text("address", defaultAddress), o.Required("key"), o.Secret("secret_file")
	if err := o.Err(); err != nil {
		return nil, err
	}
	opts := &goredis.Options{
		Addr: address, DialTimeout: dialTimeout, DialerRetries: 1, MaxRetries: -1, PoolSize: 1,
		ConnMaxIdleTime: idle, ContextTimeoutEnabled: true, ReadTimeout: -1, WriteTimeout: -1,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	if secret.Given() {
		opts.CredentialsProviderContext = func(context.Context) (string, string, error) {
			password, err := secret.Read()
			return "", password, err
		}
	}
	text := cfg.Text()
	text.Origin = fmt.Sprintf("redis %s, key %s", address, key)
	return &fetcher{cfg: cfg, text: text, key: key, client: goredis.NewClient(opts)}, nil
}

type fetcher struct {
	cfg    lookup.FetcherConfig
	text   lookup.Text
	key    string
	client *goredis.Client
}

func (f *fetcher) Origin() string { return f.text.Origin }

func (f *fetcher) Close() error { return f.client.Close() }

// Fetch reads the whole set or hash. A key that does not exist is an empty one:
// Redis knows no other.
func (f *fetcher) Fetch(ctx context.Context) (lookup.Text, error) {
	want, read := "set", f.members
	if f.cfg.Table {
		want, read = "hash", f.fields
	}
	kind, err := f.client.Type(ctx, f.key).Result()
	switch {
	case err != nil:
		return lookup.Text{}, f.explain(err)
	case kind == "none":
		return f.text.Empty(), nil
	case kind != want:
		what, _, _ := strings.Cut(f.text.What(), " ")
		return lookup.Text{}, fmt.Errorf("the key holds a %s; a %s is read from a %s", kind, what, want)
	}
	t, err := read(ctx)
	if err != nil {
		return lookup.Text{}, f.explain(err)
	}
	return t, nil
}

// explain says what to do about an error.
func (f *fetcher) explain(err error) error {
	switch text := err.Error(); {
	case strings.HasPrefix(text, "NOAUTH"):
		return fmt.Errorf("the server wants a password; name the file that holds it: secret_file: \"…\" (%w)", err)
	case strings.HasPrefix(text, "WRONGPASS"), strings.Contains(text, "invalid password"):
		return fmt.Errorf("the server refuses the password of secret_file (%w)", err)
	case strings.HasPrefix(text, "NOPERM"):
		return fmt.Errorf("the server does not let this user read the key (%w)", err)
	}
	return err
}

func (f *fetcher) members(ctx context.Context) (lookup.Text, error) {
	n, err := f.client.SCard(ctx, f.key).Result()
	if err != nil {
		return lookup.Text{}, err
	}
	whole := func() ([]string, error) { return f.client.SMembers(ctx, f.key).Result() }
	if n <= small {
		members, err := whole()
		if err != nil {
			return lookup.Text{}, err
		}
		return setText(f.text, members)
	}
	var members []string
	changed, err := f.watched(ctx, func(tx *goredis.Tx) error {
		members = members[:0]
		return inParts(func(cursor uint64) ([]string, uint64, error) {
			return tx.SScan(ctx, f.key, cursor, "", small).Result()
		}, func(part []string) { members = append(members, part...) })
	})
	if err == nil && changed {
		members, err = whole()
	}
	if err != nil {
		return lookup.Text{}, err
	}
	return setText(f.text, members)
}

func (f *fetcher) fields(ctx context.Context) (lookup.Text, error) {
	n, err := f.client.HLen(ctx, f.key).Result()
	if err != nil {
		return lookup.Text{}, err
	}
	whole := func() (map[string]string, error) { return f.client.HGetAll(ctx, f.key).Result() }
	var fields map[string]string
	changed := true
	if n > small {
		changed, err = f.watched(ctx, func(tx *goredis.Tx) error {
			fields = make(map[string]string, n)
			return inParts(func(cursor uint64) ([]string, uint64, error) {
				return tx.HScan(ctx, f.key, cursor, "", small).Result()
			}, func(part []string) {
				for i := 0; i+1 < len(part); i += 2 {
					fields[part[i]] = part[i+1]
				}
			})
		})
	}
	if err == nil && changed {
		fields, err = whole()
	}
	if err != nil {
		return lookup.Text{}, err
	}
	return hashText(f.text, f.cfg.Key, f.cfg.Cols, fields)
}

// watched reads a value in parts, so that other clients need not wait for all
// of it, and makes sure that it was not changed meanwhile. changed says that it
// was, every time: then it has to be read in one command.
func (f *fetcher) watched(ctx context.Context, read func(*goredis.Tx) error) (changed bool, err error) {
	for range attempts {
		err = f.client.Watch(ctx, func(tx *goredis.Tx) error {
			if err := read(tx); err != nil {
				return err
			}
			_, err := tx.TxPipelined(ctx, func(p goredis.Pipeliner) error {
				p.Exists(ctx, f.key)
				return nil
			})
			return err
		}, f.key)
		if !errors.Is(err, goredis.TxFailedErr) {
			return false, err
		}
	}
	return true, nil
}

// inParts scans until the cursor is back at 0, or more was read than a text may
// hold.
func inParts(scan func(cursor uint64) ([]string, uint64, error), add func(part []string)) error {
	size := 0
	for cursor := uint64(0); ; {
		part, next, err := scan(cursor)
		if err != nil {
			return err
		}
		for _, s := range part {
			size += len(s)
		}
		if size > lookup.MaxText {
			return lookup.ErrTooLarge
		}
		if add(part); next == 0 {
			return nil
		}
		cursor = next
	}
}
