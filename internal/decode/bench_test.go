package decode

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/weir-cep/weir/cep"
)

var decisions = &cep.Enum{Name: "Decision", Words: []string{"approved", "declined", "referred"}}
var entries = &cep.Enum{Name: "Entry", Words: []string{"chip", "contactless", "cnp", "magstripe"}}

func schema(name string, fields ...cep.Field) *cep.Schema {
	s := &cep.Schema{Name: name, Fields: fields, ID: -1, Time: -1}
	for i, f := range fields {
		if f.Name == "at" {
			s.Time = i
		}
	}
	s.Seal()
	return s
}

func field(name string, k cep.Kind) cep.Field { return cep.Field{Name: name, Type: cep.Type{Kind: k}} }

func authSchema() *cep.Schema {
	return schema("Auth",
		field("auth_id", cep.KindString), field("at", cep.KindTimestamp), field("card_id", cep.KindString),
		field("customer_id", cep.KindString), field("merchant_id", cep.KindString),
		cep.Field{Name: "amount", Type: cep.Type{Kind: cep.KindMoney, Currency: "USD"}},
		cep.Field{Name: "decision", Type: cep.Type{Kind: cep.KindEnum, Enum: decisions}},
		cep.Field{Name: "entry", Type: cep.Type{Kind: cep.KindEnum, Enum: entries}},
		field("country", cep.KindString),
		cep.Field{Name: "ip", Type: cep.Type{Kind: cep.KindIP, Optional: true}})
}

func loginSchema() *cep.Schema {
	return schema("Login",
		field("login_id", cep.KindString), field("at", cep.KindTimestamp), field("user_id", cep.KindString),
		field("ok", cep.KindBool), cep.Field{Name: "device", Type: cep.Type{Kind: cep.KindString, Optional: true}},
		field("new_device", cep.KindBool), field("ip", cep.KindIP),
		cep.Field{Name: "geo", Type: cep.Type{Kind: cep.KindPoint, Optional: true}})
}

func readingSchema() *cep.Schema {
	return schema("Reading", field("at", cep.KindTimestamp), field("sensor_id", cep.KindString), field("temperature", cep.KindNumber))
}

func appendAuth(b []byte, r *rand.Rand, i int) []byte {
	return fmt.Appendf(b, `{"type":"Auth","auth_id":"a%08d","at":"2026-01-%02dT%02d:%02d:%02d.%03dZ","card_id":"c%07d","customer_id":"u%06d","merchant_id":"m%05d","amount":%d.%02d,"decision":"%s","entry":"%s","country":"US","ip":"10.%d.%d.%d"}`+"\n",
		i, 1+r.IntN(28), r.IntN(24), r.IntN(60), r.IntN(60), r.IntN(1000), r.IntN(1e7), r.IntN(1e6), r.IntN(1e5),
		r.IntN(900), r.IntN(100), decisions.Words[r.IntN(3)], entries.Words[r.IntN(4)], r.IntN(256), r.IntN(256), r.IntN(256))
}

func appendLogin(b []byte, r *rand.Rand, i int) []byte {
	return fmt.Appendf(b, `{"type":"Login","login_id":"l%08d","at":"2026-01-%02dT%02d:%02d:%02dZ","user_id":"u%06d","ok":%v,"device":"d%d","new_device":%v,"ip":"10.%d.%d.%d","geo":{"lat":%.4f,"lon":%.4f}}`+"\n",
		i, 1+r.IntN(28), r.IntN(24), r.IntN(60), r.IntN(60), r.IntN(1e6), r.IntN(2) == 0, r.IntN(1e4), r.IntN(2) == 0,
		r.IntN(256), r.IntN(256), r.IntN(256), r.Float64()*180-90, r.Float64()*360-180)
}

func appendReading(b []byte, r *rand.Rand, i int) []byte {
	return fmt.Appendf(b, `{"type":"Reading","at":"2026-01-%02dT%02d:%02d:%02d.%03dZ","sensor_id":"s%05d","temperature":%.2f}`+"\n",
		1+r.IntN(28), r.IntN(24), r.IntN(60), r.IntN(60), r.IntN(1000), r.IntN(1e5), r.Float64()*100)
}

// chunks makes distinct data of about total bytes, cut as the reader cuts it.
func chunks(total int, one func([]byte, *rand.Rand, int) []byte) (list [][]byte) {
	r := rand.New(rand.NewPCG(1, 2))
	for i, n := 0, 0; n < total; {
		b := make([]byte, 0, ChunkSize+4096)
		for len(b) < ChunkSize {
			b = one(b, r, i)
			i++
		}
		list = append(list, b)
		n += len(b)
	}
	return list
}

func mixed(b []byte, r *rand.Rand, i int) []byte {
	switch r.IntN(3) {
	case 0:
		return appendLogin(b, r, i)
	case 1:
		return appendReading(b, r, i)
	}
	return appendAuth(b, r, i)
}

// BenchmarkDecode decodes distinct data larger than the caches: Auth events of
// about 220 bytes, and Auth, Login and Reading at random.
func BenchmarkDecode(b *testing.B) {
	for _, c := range []struct {
		name    string
		one     func([]byte, *rand.Rand, int) []byte
		schemas []*cep.Schema
	}{
		{"json/auth", appendAuth, []*cep.Schema{authSchema()}},
		{"json/mixed", mixed, []*cep.Schema{authSchema(), loginSchema(), readingSchema()}},
	} {
		b.Run(c.name, func(b *testing.B) {
			d, err := New(Config{Schemas: c.schemas})
			if err != nil {
				b.Fatal(err)
			}
			list := chunks(48<<20, c.one)
			benchmark(b, d, list)
		})
	}
	b.Run("csv/auth", func(b *testing.B) {
		d, list := csvBench(b)
		benchmark(b, d, list)
	})
}

func benchmark(b *testing.B, d *Decoder, list [][]byte) {
	var batch cep.Batch
	var res Result
	d.Decode(list[0], &batch, &res)
	events, bytes, i := 0, 0, 0
	b.ReportAllocs()
	for b.Loop() {
		chunk := list[i%len(list)]
		i++
		d.Decode(chunk, &batch, &res)
		if len(res.Dead) > 0 {
			b.Fatalf("%s: %s", res.Dead[0].Detail, res.Dead[0].Raw)
		}
		events += len(batch.Rows)
		bytes += len(chunk)
	}
	s := b.Elapsed().Seconds()
	b.ReportMetric(float64(events)/s, "events/s")
	b.ReportMetric(s*1e9/float64(events), "ns/event")
	b.ReportMetric(float64(bytes)/float64(events), "bytes/event")
}

func csvBench(tb testing.TB) (*Decoder, [][]byte) {
	d, err := New(Config{Format: CSV, Schemas: []*cep.Schema{authSchema()},
		Header: []string{"type", "auth_id", "at", "card_id", "customer_id", "merchant_id", "amount", "decision", "entry", "country", "ip"}})
	if err != nil {
		tb.Fatal(err)
	}
	return d, chunks(16<<20, func(b []byte, r *rand.Rand, i int) []byte {
		return fmt.Appendf(b, "Auth,a%08d,2026-01-%02dT%02d:%02d:%02d.%03dZ,c%07d,u%06d,m%05d,%d.%02d,%s,%s,US,10.%d.%d.%d\n",
			i, 1+r.IntN(28), r.IntN(24), r.IntN(60), r.IntN(60), r.IntN(1000), r.IntN(1e7), r.IntN(1e6), r.IntN(1e5),
			r.IntN(900), r.IntN(100), decisions.Words[r.IntN(3)], entries.Words[r.IntN(4)], r.IntN(256), r.IntN(256), r.IntN(256))
	})
}
