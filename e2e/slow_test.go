package e2e

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// On a slow line, the open page /session follows what happens, and does not take the place of
// the page that a button of it leads to.
func TestSessionPageOnASlowLine(t *testing.T) {
	direct := start(t)
	address, err := url.Parse(direct.url)
	if err != nil {
		t.Fatal(err)
	}
	var slow atomic.Bool
	proxy := httputil.NewSingleHostReverseProxy(address)
	proxy.FlushInterval = -1
	proxy.ModifyResponse = func(r *http.Response) error {
		if slow.Load() && !strings.HasPrefix(r.Header.Get("Content-Type"), "text/event-stream") {
			time.Sleep(400 * time.Millisecond)
		}
		return nil
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections) // before Close, which waits for the stream
	b := open(t, &site{url: server.URL})
	until := func(expression string) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); !value[bool](b.tab, expression); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("it stays false: %s", expression)
			}
		}
	}
	const live = "document.getElementById('live').innerText.startsWith('Live')"
	// click clicks a button of the live page, and waits for the page that it leads to.
	click := func(selector string) {
		t.Helper()
		b.visit("/session")
		until(live)
		slow.Store(true)
		defer slow.Store(false)
		b.do(chromedp.Evaluate[chromedp.Void]("window.old = true, document.querySelector('" + selector + "').click()"))
		until("document.readyState === 'complete' && !window.old")
	}

	b.visit("/signup")
	b.submit("main form button", "name", "ann", "password", "correct horse battery")

	// Who uses the keyboard stays where they are when the columns are replaced.
	b.visit("/session")
	until(live)
	b.texts("(document.querySelector('#side-browser summary').focus(), window.side = document.getElementById('side-browser'), fetch('/', {headers: {Accept: 'text/html'}}), [])")
	until("!window.side.isConnected")
	if focused := b.texts("[document.activeElement.tagName]"); focused[0] != "SUMMARY" {
		t.Errorf("the focus is on %s", focused)
	}

	click(`button[value="elsewhere"]`)
	b.at("/session")
	b.shows("The second browser has ended the session")

	b.visit("/login")
	b.submit("main form button", "name", "ann", "password", "correct horse battery")
	click(`form[action="/logout"] button`)
	b.at("/login?out=1")
	b.shows("You are logged out.")
}
