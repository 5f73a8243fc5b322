package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// live fails the test if a request of this browser does not appear on the page /session
// while that is open.
func (b *browser) live() {
	b.t.Helper()
	until := func(element, text string) {
		b.t.Helper()
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			shown := run(b, chromedp.Evaluate[string](`document.querySelector('`+element+`').innerText`))
			if strings.Contains(shown, text) {
				return
			}
			if time.Now().After(deadline) {
				b.t.Fatalf("%s shows %q", element, shown)
			}
		}
	}
	until("#live", "Live, the newest request is first.")
	run(b, chromedp.Evaluate[bool](`fetch('/cart', {headers: {Accept: 'text/html'}}), true`))
	until("#visits > li", "GET /cart 200")
}

// The life of a session is on the page /session, and each of its buttons shows what it
// promises.
func TestSessionPage(t *testing.T) {
	for name, args := range map[string][]string{"memory": nil, "cookie": {"-sessions=cookie"}} {
		t.Run(name, func(t *testing.T) {
			d := start(t, args...)
			b := open(t, d)
			b.visit("/")
			b.do(chromedp.Click(chromedp.CSS(`nav a[href="/session"]`)))
			b.at("/session")
			b.shows("Your browser", "The server", "What happened", "visits", "GET /", "created")

			b.visit("/signup")
			b.submit(".primary", "name", "ann", "password", password)
			b.visit("/session")
			b.shows("POST /signup")
			if name == "memory" {
				b.shows("renewed")
			}

			try := func(button string, texts ...string) {
				t.Helper()
				if status := b.load(chromedp.Click(chromedp.CSS(`button[value="` + button + `"]`))); status != 200 {
					t.Errorf("%s: status %d", button, status)
				}
				b.at("/session#tried")
				b.shows(texts...)
				b.fits()
			}
			backed := name == "memory"
			pick := func(memory, cookie string) string {
				if backed {
					return memory
				}
				return cookie
			}
			try("count", pick("Both are kept.", "One is lost"))
			try("forge", "tampered")
			try("replay", pick(`is "gone"`, "still works"))
			try("expire", pick(`is "expired"`, "no idle timeout"))

			for _, width := range []int64{1280, 390, 320} {
				for _, scheme := range []string{"light", "dark"} {
					b.look(width, scheme)
					b.visit("/session")
					b.fits()
					for _, poor := range run(b, chromedp.Evaluate[[]string](poorContrast)) {
						t.Errorf("%d, %s: %s", width, scheme, poor)
					}
					b.picture(fmt.Sprintf("session-%s-%d-%s", name, width, scheme))
				}
			}
			b.look(1280, "light")

			page := run(b, chromedp.Evaluate[string]("document.documentElement.outerHTML"))
			if strings.Count(page, "<script") != 1 || strings.Count(page, "<script src=") != 1 || strings.Contains(page, "style=") {
				t.Error("the page has a script in its text, or a style of its own")
			}
			b.live()
			b.quiet(false)

			for path, status := range map[string]int64{"/session/error": 500, "/session/panic": 500, "/session/late": 200} {
				if got := b.visit(path); got != status {
					t.Errorf("%s: status %d, want %d", path, got, status)
				}
			}
			b.visit("/session")
			b.shows("errors")

			try("elsewhere", pick("you are logged out", "cannot be listed"))
			b.visit("/account")
			b.at(pick("/login?next=%2Faccount", "/account"))
			b.visit("/session")
			try("down", pick("answers 503", "no backend"))
			if backed {
				if status := b.visit("/"); status != 503 {
					t.Errorf("the front page has status %d while the backend is down", status)
				}
				deadline := time.Now().Add(30 * time.Second)
				for b.visit("/") != 200 {
					if time.Now().After(deadline) {
						t.Fatal("the backend stays down")
					}
					time.Sleep(time.Second)
				}
			}
			b.quiet(true)
		})
	}
}

// What is folded under each page, its code and what happened for it, fits the window and can
// be read.
func TestFoldsUnderPages(t *testing.T) {
	b := open(t, start(t))
	for _, width := range []int64{1280, 390} {
		for _, scheme := range []string{"light", "dark"} {
			b.look(width, scheme)
			for name, path := range map[string]string{"cart": "/cart", "login": "/login"} {
				b.visit(path)
				run(b, chromedp.Evaluate[bool](`document.querySelectorAll('footer details').forEach(d => d.open = true), true`))
				b.shows("The code of this page", "What happened for this page", "route "+path+" (tree)")
				b.fits()
				for _, poor := range run(b, chromedp.Evaluate[[]string](poorContrast)) {
					t.Errorf("%s, %d, %s: %s", path, width, scheme, poor)
				}
				b.picture(fmt.Sprintf("folds-%s-%d-%s", name, width, scheme))
			}
		}
	}
	b.quiet(false)
}
