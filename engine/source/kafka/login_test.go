package kafka

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weir-cep/weir/engine/source/servertest"
	"github.com/weir-cep/weir/engine/source/sourcetest"
)

// A broker that wants certificates on both sides and a login.
func TestLogin(t *testing.T) {
	certs := servertest.NewCertificates(t)
	const login = "listener.name.sasl_ssl."
	lines := append([]string{
		login + "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
		login + `plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_alice="open sesame";`,
		login + "scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;",
		login + "scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;",
		login + "ssl.client.auth=required",
		login + "ssl.keystore.type=PEM",
		login + "ssl.keystore.location=" + certs.ServerBoth,
		login + "ssl.truststore.type=PEM",
		login + "ssl.truststore.location=" + certs.CA,
	}, impatient...)
	broker := servertest.StartBroker(t, servertest.BrokerConfig{Listener: "SASL_SSL", Lines: lines,
		Format: []string{"--add-scram", "SCRAM-SHA-256=[name=alice,password=open sesame]", "--add-scram", "SCRAM-SHA-512=[name=alice,password=open sesame]"}})
	b := newTopic(t, broker.Plain, 1)
	b.own = true
	b.produce(0, 0, values(0, 10)...)
	b.addr = broker.Addr

	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("open sesame\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"plain", "scram_sha_256", "scram_sha_512"} {
		t.Run(name, func(t *testing.T) {
			in := sourcetest.New()
			options := fmt.Sprintf(", sasl: %s, user: \"alice\", secret_file: %q, tls: true, ca_file: %q, cert_file: %q, key_file: %q",
				name, secret, certs.CA, certs.ClientCert, certs.ClientKey)
			s := b.open(options)
			s.group += name
			r := sourcetest.Start(t, s, in)
			b.expect(in, 0, values(0, 10))
			if r.Err() != nil {
				t.Error(r.Err())
			}
		})
	}

	wrong := filepath.Join(dir, "wrong")
	if err := os.WriteFile(wrong, []byte("shazam"), 0o600); err != nil {
		t.Fatal(err)
	}
	for options, want := range map[string]string{
		fmt.Sprintf(", sasl: plain, user: \"alice\", secret_file: %q, ca_file: %q, cert_file: %q, key_file: %q", wrong, certs.CA, certs.ClientCert, certs.ClientKey): "user or password are not right",
		fmt.Sprintf(", sasl: plain, user: \"alice\", secret_file: %q, tls: true", secret):                                                                            "certificate signed by unknown authority",
		fmt.Sprintf(", sasl: plain, user: \"alice\", secret_file: %q", secret):                                                                                       "is the option tls right",
	} {
		in := sourcetest.New()
		r := sourcetest.Start(t, b.open(options), in)
		in.Wait(t, "an error", func() bool { return r.Err() != nil })
		if !strings.Contains(r.Err().Error(), want) || !strings.Contains(r.Err().Error(), broker.Addr) {
			t.Errorf("%v\nlacks %s", r.Err(), want)
		}
		if strings.Contains(r.Err().Error(), "sesame") || strings.Contains(r.Err().Error(), "shazam") {
			t.Errorf("the secret is told: %v", r.Err())
		}
		r.Stop(t)
	}
}
