// Package e2e drives the demo with a real Chromium. It is a module of its own, so that
// what drives a browser is a dependency of nothing else.
//
// With SCREENSHOTS set to a folder, the tests leave pictures of the pages there.
package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

var (
	buildFolder string
	chromium    context.Context // the one process that all tests share
)

func TestMain(m *testing.M) {
	os.Exit(testMain(m))
}

func testMain(m *testing.M) int {
	folder, err := os.MkdirTemp("", "webapp2go-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	buildFolder = folder
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, // the tests may run as root
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
	)
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	defer cancel()
	chromium, cancel = chromedp.NewContext(allocator)
	defer cancel()
	if err := chromedp.Do(chromium); err != nil {
		fmt.Fprintln(os.Stderr, "starting Chromium:", err)
		return 1
	}
	return m.Run()
}

// A browser is one tab of a Chromium, with cookies of its own.
type browser struct {
	t    *testing.T
	ctx  context.Context
	demo *demo

	mu       sync.Mutex
	messages []chromedp.ConsoleMessage
}

// open opens a browser that has never been anywhere.
func open(t *testing.T, d *demo) *browser {
	t.Helper()
	ctx, cancel := context.WithTimeout(chromium, 5*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	b := &browser{t: t, ctx: ctx, demo: d}
	b.do(chromedp.EmulateViewport(1280, 800))
	messages := chromedp.Console(ctx)
	go func() {
		for message, err := range messages {
			if err != nil {
				return
			}
			b.mu.Lock()
			b.messages = append(b.messages, message)
			b.mu.Unlock()
		}
	}()
	return b
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

func run[T any](b *browser, action chromedp.Action[T]) T {
	b.t.Helper()
	value, err := chromedp.Run(b.ctx, action)
	if err != nil {
		b.t.Fatal(err)
	}
	return value
}

// visit goes to a page and returns the status of the response.
func (b *browser) visit(path string) int64 {
	b.t.Helper()
	return b.load(chromedp.Navigate(b.demo.url + path))
}

// load does the steps, the last of which loads a page, and returns the status of that page.
func (b *browser) load(steps ...chromedp.Action[chromedp.Void]) int64 {
	b.t.Helper()
	response, err := chromedp.RunResponse(b.ctx, steps...)
	if err != nil {
		b.t.Fatal(err)
	}
	return response.Status
}

// submit types into the empty fields, by their ids, and clicks the button.
func (b *browser) submit(button string, fields ...string) int64 {
	b.t.Helper()
	for i := 0; i < len(fields); i += 2 {
		b.do(chromedp.SendKeys(chromedp.CSS("#"+fields[i]), fields[i+1]))
	}
	return b.load(chromedp.Click(chromedp.CSS(button)))
}

// at fails the test if the browser is not at a path of the demo.
func (b *browser) at(path string) {
	b.t.Helper()
	if got := run(b, chromedp.Location()); got != b.demo.url+path {
		b.t.Fatalf("at %s, want %s", got, path)
	}
}

// shows reports the texts that are not on the page.
func (b *browser) shows(texts ...string) {
	b.t.Helper()
	page := run(b, chromedp.Evaluate[string]("document.body.innerText"))
	for _, text := range texts {
		if !strings.Contains(page, text) {
			b.t.Errorf("missing %q on the page:\n%s", text, page)
		}
	}
}

// quiet reports the messages of the browser: violations of the policy, missing files, broken
// markup. If errorsExpected is set, responses that are errors are left out.
func (b *browser) quiet(errorsExpected bool) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, message := range b.messages {
		if strings.Contains(message.Text, "Autofocus processing was blocked") {
			continue // the test has typed faster than the browser has set the focus
		}
		if !errorsExpected || message.Source != "network" {
			b.t.Errorf("%s (%s) at %s", message, message.Source, message.URL)
		}
	}
	b.messages = nil
}

// fits reports a page that is wider than the window, and a button that is narrower than one
// of its words.
func (b *browser) fits() {
	b.t.Helper()
	const overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
	if n := run(b, chromedp.Evaluate[int](overflow)); n > 0 {
		b.t.Errorf("%s is %d px wider than the window", run(b, chromedp.Location()), n)
	}
	for _, word := range run(b, chromedp.Evaluate[[]string](brokenWords)) {
		b.t.Errorf("%s: a button breaks the word %q", run(b, chromedp.Location()), word)
	}
}

// brokenWords lists the words on buttons that do not fit into one line.
const brokenWords = `(() => {
	const broken = []
	for (const button of document.querySelectorAll('button, .button')) {
		const texts = document.createTreeWalker(button, NodeFilter.SHOW_TEXT)
		while (texts.nextNode()) {
			const text = texts.currentNode
			if (text.parentElement.closest('.unseen')) continue
			for (const word of text.data.matchAll(/\S+/g)) {
				const range = document.createRange()
				range.setStart(text, word.index)
				range.setEnd(text, word.index + word[0].length)
				if (range.getClientRects().length > 1) broken.push(word[0])
			}
		}
	}
	return broken
})()`

// look emulates a window of that width in light or dark colours.
func (b *browser) look(width int64, scheme string) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(width, 800))
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// picture keeps a picture of the whole page, if SCREENSHOTS is set.
func (b *browser) picture(name string) {
	b.t.Helper()
	folder := os.Getenv("SCREENSHOTS")
	if folder == "" {
		return
	}
	png := run(b, chromedp.FullScreenshot(100))
	if err := os.MkdirAll(folder, 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}
