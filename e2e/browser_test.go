// Package e2e drives the demo, the examples and a new application with real browsers, and
// checks their pages and the pictures of the documents. It is a module of its own, so that
// no other module depends on the packages that drive a browser.
//
// The tests write a contact sheet of the pages that they checked: bin/pages/index.html.
package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
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
	status := m.Run()
	if err := writeSheet(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return status
}

// A tab is a page in Chromium or Firefox.
type tab struct {
	t        *testing.T
	site     *site
	evaluate func(expression string) []byte // to JSON
}

// value evaluates an expression in a page.
func value[T any](t tab, expression string) (result T) {
	t.t.Helper()
	if err := json.Unmarshal(t.evaluate(expression), &result); err != nil {
		t.t.Fatalf("%s: %v", expression, err)
	}
	return result
}

// texts evaluates an expression that is a list of texts.
func (t tab) texts(expression string) []string {
	t.t.Helper()
	return value[[]string](t, expression)
}

// at fails the test unless the browser is at the path of the site.
func (t tab) at(path string) {
	t.t.Helper()
	if got := value[string](t, "location.href"); got != t.site.url+path {
		t.t.Fatalf("at %s, want %s", got, path)
	}
}

// shows reports an error for each text that is not on the page.
func (t tab) shows(texts ...string) {
	t.t.Helper()
	shown := value[string](t, "document.body.innerText")
	for _, text := range texts {
		if !strings.Contains(shown, text) {
			t.t.Errorf("missing %q on the page:\n%s", text, shown)
		}
	}
}

// fits reports an error if the page is wider than the window, or if a button is narrower
// than one of its words.
func (t tab) fits() {
	t.t.Helper()
	const overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
	if n := value[int](t, overflow); n > 0 {
		t.t.Errorf("%s is %d px wider than the window", value[string](t, "location.href"), n)
	}
	for _, word := range t.texts(brokenWords) {
		t.t.Errorf("%s: a button breaks the word %q", value[string](t, "location.href"), word)
	}
}

// brokenWords is a script that lists the words on buttons that do not fit on one line.
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

// A browser is one tab of a Chromium, with cookies of its own.
type browser struct {
	tab
	ctx context.Context

	mu       sync.Mutex
	messages []chromedp.ConsoleMessage
}

// open opens a browser without cookies.
func open(t *testing.T, s *site) *browser {
	t.Helper()
	ctx, cancel := context.WithTimeout(chromium, 5*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	b := &browser{ctx: ctx}
	b.tab = tab{t, s, func(expression string) []byte {
		t.Helper()
		return run(b, chromedp.Evaluate[[]byte](expression))
	}}
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
	return b.load(chromedp.Navigate(b.site.url + path))
}

// load runs the steps, the last of which loads a page, and returns the status of that
// page.
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

// quiet reports an error for each message of the browser: violations of the policy,
// missing files, broken markup. If errorsExpected is set, it ignores responses with an
// error status.
func (b *browser) quiet(errorsExpected bool) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, message := range b.messages {
		if strings.Contains(message.Text, "Autofocus processing was blocked") {
			continue // the test typed before the browser set the focus
		}
		if !errorsExpected || message.Source != "network" {
			b.t.Errorf("%s (%s) at %s", message, message.Source, message.URL)
		}
	}
	b.messages = nil
}

// look emulates a window of that width in light or dark colours.
func (b *browser) look(width int64, scheme string) {
	b.t.Helper()
	b.resize(width)
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// resize sets the width of the window.
func (b *browser) resize(width int64) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(width, 800))
}

// shoot adds a picture of the page to the contact sheet. A wide page is at half its size.
func (b *browser) shoot(section, name, form string) {
	b.t.Helper()
	size := value[[]float64](b.tab, "[document.documentElement.clientWidth, document.documentElement.scrollHeight]")
	clip := &page.Viewport{Width: size[0], Height: size[1], Scale: 1}
	if clip.Width > 1000 {
		clip.Scale = .5
	}
	beyond, quality := true, int64(75)
	picture, err := chromedp.Call(b.ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{
		Format: page.CaptureScreenshotFormatJpeg, Quality: &quality, Clip: clip, CaptureBeyondViewport: &beyond,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	keepShot(b.t, section, name, form, picture.Data)
}
