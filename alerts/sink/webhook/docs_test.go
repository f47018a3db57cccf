package webhook

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/weir-cep/weir/internal/egress"
)

// The page on webhooks has the schedule, the types of messages and every range
// that the guard keeps shut.
func TestPage(t *testing.T) {
	text, err := os.ReadFile("../../../docs/webhooks.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	for _, r := range egress.Ranges {
		name := r.Prefix.String()
		if r.Prefix.IsSingleIP() {
			name = r.Prefix.Addr().String()
		}
		if !strings.Contains(page, "`"+name+"`") {
			t.Errorf("docs/webhooks.md lacks the range %s (%s)", name, r.Name)
		}
	}
	for _, typ := range []string{TypeOpened, TypeUpdated, TypeResolved, TypeSummary, TypeTest, TypeDisabled} {
		if !strings.Contains(page, "| `"+typ+"` |") {
			t.Errorf("docs/webhooks.md lacks the type %s", typ)
		}
	}
	row := "| wait |"
	for _, d := range Schedule {
		switch {
		case d.Hours() >= 1:
			row += fmt.Sprintf(" %g h |", d.Hours())
		case d.Minutes() >= 1:
			row += fmt.Sprintf(" %g min |", d.Minutes())
		default:
			row += fmt.Sprintf(" %g s |", d.Seconds())
		}
	}
	if !strings.Contains(page, row+"\n") {
		t.Errorf("docs/webhooks.md lacks the schedule\n%s", row)
	}
}
