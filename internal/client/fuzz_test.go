package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
)

// Whatever a server says on the feed, and answers where the feed has left
// something out, is taken or is an error: no alert is handed on twice or behind
// a later one, and a message that is refused leaves the place as it was.
func FuzzFeed(f *testing.F) {
	answer := ""
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, answer) }))
	f.Cleanup(s.Close)
	c, err := New(Config{URL: s.URL})
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{
		`{"type":"snapshot","id":"cli","upto":12,"actions":3,"items":[` + items(10, 12) + `]}`,
		`{"type":"batch","id":"cli","seq":[6,7],"items":[` + items(7) + `]}`,
		`{"type":"gap","id":"cli","from":8,"to":12,"reason":"slow_client"}`,
		`{"type":"gap","id":"cli","from":14,"to":30,"reason":"gone"}`,
		`{"type":"update","id":"cli","actions":[4,5],"items":[{"seq":7,"kind":"close","state":"closed"}]}`,
		`{"type":"hb","head":20,"seq":20,"actions":4}`,
		`{"type":"error","id":"cli","code":"busy","message":"no"}`,
		`{"type":"notice","text":"hello"}`,
	} {
		f.Add([]byte(seed), `{"items":[`+items(8, 9)+`],"next":10,"head":13}`)
	}
	f.Fuzz(func(t *testing.T, text []byte, page string) {
		var m feedMessage
		if json.Unmarshal(text, &m) != nil {
			return
		}
		answer = page
		last := uint64(5)
		feed := Feed{After: last, Resume: true, Say: func(string) {}, Made: func(*Made) error { return nil }}
		feed.Alert = func(a *Alert) error {
			if a.Seq <= last {
				t.Errorf("alert %d behind %d", a.Seq, last)
			}
			last = a.Seq
			return nil
		}
		err := feed.take(t.Context(), c, &m)
		if feed.After < last {
			t.Errorf("the feed stands at %d behind alert %d", feed.After, last)
		}
		if h := (handed{}); errors.As(err, &h) {
			t.Errorf("nobody refused an alert: %v", err)
		}
	})
}
