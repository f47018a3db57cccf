package bench

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Cards writes n card payments of about 200 bytes, distinct, in time order,
// over the given number of cards, uniformly.
func Cards(w io.Writer, n, cards int) error {
	out := bufio.NewWriterSize(w, 1<<20)
	r := rand.New(rand.NewPCG(1, 2))
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	countries := []string{"DE", "FR", "US", "GB", "JP", "BR", "IN", "ZA"}
	entries := []string{"chip", "contactless", "cnp", "magstripe"}
	var line []byte
	for i := range n {
		card := r.IntN(cards)
		decision := "approved"
		if r.IntN(8) == 0 {
			decision = "declined"
		}
		line = append(line[:0], `{"type":"Auth","auth_id":"a`...)
		line = strconv.AppendInt(line, 1_000_000_000+int64(i), 10)
		line = append(line, `","at":"`...)
		line = at.AppendFormat(line, "2006-01-02T15:04:05.000Z")
		line = fmt.Appendf(line, `","card_id":"c%07d","merchant_id":"m%05d","amount":%d.%02d,"decision":"%s","entry":"%s","country":"%s","ip":"10.%d.%d.%d"}`,
			card, r.IntN(50_000), r.IntN(400), r.IntN(100), decision, entries[r.IntN(4)], countries[card%7+r.IntN(2)], r.IntN(256), r.IntN(256), r.IntN(256))
		line = append(line, '\n')
		if _, err := out.Write(line); err != nil {
			return err
		}
		at = at.Add(time.Duration(1+r.IntN(20)) * time.Millisecond)
	}
	return out.Flush()
}

// Others writes n events of the types that gen's stream lacks: transfers,
// deposits and ticks, over the given number of accounts, as
// rules/library/common.cep declares them.
func Others(w io.Writer, n, accounts int) error {
	out := bufio.NewWriterSize(w, 1<<20)
	r := rand.New(rand.NewPCG(3, 4))
	at := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	price := 100.0
	for i := range n {
		stamp := at.Format("2006-01-02T15:04:05.000Z")
		var err error
		switch i % 3 {
		case 0:
			_, err = fmt.Fprintf(out, `{"type":"Transfer","transfer_id":"t%d","at":"%s","from_account":"u%06d","to_account":"u%06d","amount":%d.00}`+"\n",
				i, stamp, r.IntN(accounts), r.IntN(accounts), 50+r.IntN(6000))
		case 1:
			_, err = fmt.Fprintf(out, `{"type":"Deposit","at":"%s","customer_id":"u%06d","branch":"b%d","amount":%d.00,"method":"cash"}`+"\n",
				stamp, r.IntN(accounts), r.IntN(50), 8000+r.IntN(3000))
		default:
			price *= 1 + (r.Float64()-0.49)/50
			_, err = fmt.Fprintf(out, `{"type":"Tick","at":"%s","symbol":"S%03d","price":%.4f}`+"\n", stamp, r.IntN(200), price)
		}
		if err != nil {
			return err
		}
		at = at.Add(time.Duration(1+r.IntN(500)) * time.Millisecond)
	}
	return out.Flush()
}

// cardEvent declares the events of Cards.
const cardEvent = `enum Decision { approved, declined }
enum Entry { chip, contactless, cnp, magstripe }
event Auth {
  time at
  at: timestamp
  auth_id: string
  card_id: string
  merchant_id: string
  amount: money(USD)
  decision: Decision
  entry: Entry
  country: string
  ip: ip
}
`

// cardRules are ten rules as card fraud teams write them. %[1]d numbers a copy
// and varies its thresholds, so that a hundred rules share nothing by accident.
var cardRules = []string{
	`rule testing_%[1]d { by card_id pattern { small: at least 3 Auth where decision == declined and amount < %[2]d.50 USD then big: Auth where decision == approved and amount > 3%[2]d.00 USD and country != small.last.country } within 10m alert {} }`,
	`rule velocity_%[1]d { by card_id on Auth when count() over last 5m > 1%[2]d suppress for 30m alert {} }`,
	`rule large_%[1]d { by card_id on Auth where entry == cnp when amount > 39%[2]d.00 USD alert {} }`,
	`rule countries_%[1]d { by card_id on Auth where entry == cnp and decision == approved when newly distinct(country) over last 1h >= 3 and amount > 2%[2]d.00 USD alert {} }`,
	`rule spend_%[1]d { by card_id on Auth where entry == contactless and decision == approved when newly sum(amount) over last 24h > 12%[2]d0.00 USD alert {} }`,
	`rule retry_%[1]d { by card_id pattern { d: Auth where decision == declined then a: Auth where decision == approved and amount > 35%[2]d.00 USD } within 1h alert {} }`,
	`rule merchant_%[1]d { by card_id on Auth where entry == magstripe when count() per (card_id, merchant_id) over previous 30d == 0 and amount > 39%[2]d.00 USD alert {} }`,
	`rule silence_%[1]d { by card_id pattern { a: Auth where amount > 39%[2]d.00 USD then no Auth where decision == approved within 2m } alert {} }`,
	`rule streak_%[1]d { by card_id pattern { d: 3 consecutive Auth where decision == declined and amount > %[2]d.00 USD } within 30m alert {} }`,
	`rule odd_%[1]d { by card_id on Auth where decision == approved when count() over previous 24h >= 1%[2]d and amount > 5 * (avg(amount) over previous 24h) alert {} }`,
}

// CardRules is a rule file of n rules over Cards.
func CardRules(n int) string {
	var b strings.Builder
	b.WriteString(cardEvent)
	for i := range n {
		fmt.Fprintf(&b, cardRules[i%len(cardRules)]+"\n", i, i/len(cardRules)%10)
	}
	return b.String()
}

// Machine describes the processor and toolchain that figures are measured on.
func Machine() string {
	model := "unknown processor"
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, ok := strings.CutPrefix(line, "model name"); ok {
				model = strings.TrimSpace(strings.TrimLeft(name, "\t :"))
				break
			}
		}
	}
	return fmt.Sprintf("%s, %d processors, %s %s/%s", model, runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
