package server

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/weir-cep/weir/alerts/feed"
)

// The page on the feed has every field that a client can send, every type of
// message and the limits.
func TestPageOfTheFeed(t *testing.T) {
	text, err := os.ReadFile("../docs/feed.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	for _, field := range []string{"id", "topic", "filter", "after", "actions", "snapshot", "every"} {
		if !strings.Contains(page, "\n| `"+field+"`") && !strings.Contains(page, "`, `"+field+"`") {
			t.Errorf("docs/feed.md lacks the field %s", field)
		}
	}
	for _, typ := range []string{"snapshot", "batch", "update", "notice", "gap", "hb", "error"} {
		if !strings.Contains(page, "\n| `"+typ+"` |") || !strings.Contains(page, `"type":"`+typ+`"`) {
			t.Errorf("docs/feed.md lacks the message %s, or an example of it", typ)
		}
	}
	l := feed.DefaultLimits
	want := fmt.Sprintf("%d,%03d clients, %d subscriptions each, %d KiB a message of theirs, %d alerts in a message, %d,%03d alerts behind, %d seconds",
		l.Clients/1000, l.Clients%1000, l.Subs, maxClientMessage>>10, l.Page, l.Behind/1000, l.Behind%1000, int(streamWrite.Seconds()))
	if !strings.Contains(page, want) {
		t.Errorf("docs/feed.md does not say: %s", want)
	}
}
