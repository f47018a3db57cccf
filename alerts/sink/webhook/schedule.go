package webhook

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Schedule is how long a message waits for its next try after each failed one:
// ten tries over some 75 hours, as the Standard Webhooks specification proposes.
// Every wait is up to a fifth shorter or longer, at random, so that what failed
// together does not come back together.
var Schedule = []time.Duration{
	5 * time.Second,
	5 * time.Minute,
	30 * time.Minute,
	2 * time.Hour,
	5 * time.Hour,
	10 * time.Hour,
	14 * time.Hour,
	20 * time.Hour,
	24 * time.Hour,
}

// maxRetryAfter bounds how long a receiver may put us off.
const maxRetryAfter = 24 * time.Hour

// wait is how long to wait after so many failed tries; false: no more are made.
func wait(tries int) (time.Duration, bool) {
	if tries < 1 || tries > len(Schedule) {
		return 0, false
	}
	d := Schedule[tries-1]
	return d - d/5 + rand.N(2*d/5+1), true
}

// retryAfter reads the header Retry-After, seconds or a date; 0: there is none
// that makes sense.
func retryAfter(text string, now time.Time) time.Duration {
	text = strings.TrimSpace(text)
	if n, err := strconv.ParseUint(text, 10, 32); err == nil {
		return min(time.Duration(n)*time.Second, maxRetryAfter)
	}
	at, err := http.ParseTime(text)
	if err != nil || !at.After(now) {
		return 0
	}
	return min(at.Sub(now), maxRetryAfter)
}
