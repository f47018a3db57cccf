package browsertest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// patience is how long something may take that takes a moment.
const patience = 45 * time.Second

// tab is a page in a browser of its own.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu      sync.Mutex
	said    []string // on the console, that is no good
	expects []*regexp.Regexp
}

// lacking skips a test for want of something, or fails it where all must be there.
func lacking(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("WEIR_REQUIRE_SERVERS") == "1" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// chromium finds the browser.
func chromium(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("WEIR_TEST_CHROMIUM"); path != "" {
		return path
	}
	path, err := exec.LookPath("chromium")
	if err != nil {
		lacking(t, "there is no chromium in PATH, and WEIR_TEST_CHROMIUM names none")
	}
	return path
}

// browser starts a browser with an empty page.
func browser(t *testing.T) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(context.WithoutCancel(t.Context()), chromedp.WithAllocatorOptions(
		chromedp.ExecPath(chromium(t)), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true)),
		chromedp.WithErrorf(t.Logf))
	b := &tab{t: t, ctx: ctx}
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank"), chromedp.EmulateViewport(1360, 820)); err != nil {
		cancel()
		t.Fatalf("start %s: %v", chromium(t), err)
	}
	messages := chromedp.Console(ctx)
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		for m, err := range messages {
			if err != nil {
				return
			}
			if m.IsException() || m.Type == "error" || m.Type == "warning" || m.Type == "assert" {
				b.mu.Lock()
				b.said = append(b.said, fmt.Sprintf("%s %s:%d", m, m.URL, m.Line+1))
				b.mu.Unlock()
			}
		}
	}()
	t.Cleanup(func() {
		if t.Failed() {
			b.shot("failed")
		}
		if err := chromedp.Cancel(ctx); err != nil {
			t.Logf("end the browser: %v", err)
		}
		cancel()
		<-heard
		b.quiet()
	})
	return b
}

// expect lets the console say what matches.
func (b *tab) expect(pattern string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expects = append(b.expects, regexp.MustCompile(pattern))
}

// quiet fails for what the console said and nobody expected.
func (b *tab) quiet() {
	b.mu.Lock()
	defer b.mu.Unlock()
said:
	for _, text := range b.said {
		for _, re := range b.expects {
			if re.MatchString(text) {
				continue said
			}
		}
		b.t.Errorf("the console: %s", text)
	}
}

// do runs steps, which must not take for ever.
func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

func (b *tab) open(url string) {
	b.t.Helper()
	b.do(chromedp.Navigate(url))
}

// eval evaluates an expression in the page.
func eval[T any](b *tab, js string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](js, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", js, err)
	}
	return v
}

// until waits for an expression to be true.
func (b *tab) until(what, js string) {
	b.t.Helper()
	end := time.Now().Add(patience)
	for !eval[bool](b, "Boolean("+js+")") {
		if time.Now().After(end) {
			b.t.Fatalf("waited in vain until %s; the page says:\n%s", what, eval[string](b, "document.body.innerText"))
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// untilText waits for a text in what a selector finds.
func (b *tab) untilText(selector, text string) {
	b.t.Helper()
	b.until(fmt.Sprintf("%q stands in %s", text, selector),
		fmt.Sprintf("[...document.querySelectorAll(%q)].some(e => e.textContent.replace(/\\s+/g, ' ').includes(%q))", selector, text))
}

// keys presses keys one after the other, wherever the focus is.
func (b *tab) keys(keys string) {
	b.t.Helper()
	b.do(chromedp.KeyEvent(keys, func(p *input.DispatchKeyEventParams) {
		// As of a keyboard: a key that the page takes for itself is not typed.
		if p.Type == input.DispatchKeyEventTypeKeyDown {
			p.Type = input.DispatchKeyEventTypeRawKeyDown
		}
	}))
}

func (b *tab) click(selector string) {
	b.t.Helper()
	b.do(chromedp.Click(chromedp.CSS(selector)))
}

// pointer moves the pointer, without pressing anything.
func (b *tab) pointer(x, y float64) {
	b.t.Helper()
	b.do(chromedp.MouseEvent("mouseMoved", x, y))
}

// live waits until the feed is up.
func (b *tab) live() {
	b.t.Helper()
	b.until("the feed is live", `document.querySelector('[data-link=live]')`)
}

// seqs are the numbers of the alerts that the list shows, from the top.
func (b *tab) seqs() []int {
	b.t.Helper()
	return eval[[]int](b, `[...document.querySelectorAll('.rows .row')].sort((x, y) => x.ariaRowIndex - y.ariaRowIndex).map(r => Number(r.dataset.seq))`)
}

// theme switches to light or dark.
func (b *tab) theme(name string) {
	b.t.Helper()
	b.until("the theme is "+name, fmt.Sprintf(`document.documentElement.dataset.theme === %q || void document.getElementById('theme').click()`, name))
}

var unfit = regexp.MustCompile(`[^a-z0-9-]+`)

// shot keeps a picture of what is to be seen.
func (b *tab) shot(name string) {
	b.t.Helper()
	dir := os.Getenv("WEIR_TEST_ARTIFACTS")
	if dir == "" {
		dir = b.t.TempDir()
	}
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Errorf("picture %s: %v", name, err)
		return
	}
	file := filepath.Join(dir, unfit.ReplaceAllString(strings.ToLower(b.t.Name()+"-"+name), "-")+".png")
	if err := os.WriteFile(file, png, 0o644); err != nil {
		b.t.Error(err)
	}
}

// axe looks for what keeps people out: nothing serious may be found.
func (b *tab) axe(where string) {
	b.t.Helper()
	path := os.Getenv("WEIR_TEST_AXE")
	if path == "" {
		lacking(b.t, "WEIR_TEST_AXE names no axe.min.js")
	}
	source, err := os.ReadFile(path)
	if err != nil {
		b.t.Fatal(err)
	}
	b.do(chromedp.Evaluate[chromedp.Void](string(source)))
	found := eval[[]string](b, `axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then(r =>
		r.violations.filter(v => v.impact === "serious" || v.impact === "critical").map(v =>
			v.id + " (" + v.impact + "): " + v.nodes.map(n => n.target + " " + (n.failureSummary || "")).slice(0, 4).join(" | ")))`)
	for _, f := range found {
		b.t.Errorf("%s: axe: %s", where, f)
	}
}
