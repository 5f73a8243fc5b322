package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// A visitor has the methods of a browser that the test of the page /session uses.
type visitor interface {
	visit(path string) (status int64)
	click(selector string) (status int64)
	submit(button string, fields ...string) (status int64)
	resize(width int64)
	shoot(section, name, form string)

	at(path string)
	shows(texts ...string)
	fits()
	texts(expression string) []string
}

// The page /session shows the life of a session. Each of its buttons does what its text
// says, in two browsers.
func TestSessionPage(t *testing.T) {
	for name, open := range map[string]func(t *testing.T, s *site) visitor{
		"Chromium": func(t *testing.T, s *site) visitor {
			b := open(t, s)
			t.Cleanup(func() { b.quiet(true) })
			return b
		},
		"Firefox": func(t *testing.T, s *site) visitor { return openFirefox(t, s) },
	} {
		t.Run(name+", memory", func(t *testing.T) {
			t.Parallel()
			trySession(t, name, open(t, start(t)), true)
		})
		t.Run(name+", cookie", func(t *testing.T) {
			t.Parallel()
			trySession(t, name, open(t, start(t, "-sessions=cookie")), false)
		})
	}
}

// live fails the test unless a request of this browser appears on the open page /session.
func live(t *testing.T, b visitor) {
	t.Helper()
	until := func(element, text string) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
			shown := b.texts("[document.querySelector('" + element + "').innerText]")[0]
			if strings.Contains(shown, text) {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s shows %q", element, shown)
			}
		}
	}
	until("#live", "Live, the newest request is first.")
	// The bars show the time left until the ends of the session, and shrink.
	bars := "[...document.querySelectorAll('meter')].map(m => m.value + ' ' + m.parentElement.querySelector('time').innerText)"
	before := b.texts(bars)
	for deadline := time.Now().Add(time.Minute); len(before) == 0 || slices.Equal(b.texts(bars), before); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the bars do not run: %v", before)
		}
	}
	b.texts("(fetch('/cart', {headers: {Accept: 'text/html'}}), [])")
	until("#visits > li", "GET /cart 200")
	// The front page counts a visit, and the page shows the new number.
	values := "[...document.querySelectorAll('#side-server td')].map(cell => cell.innerText)"
	before = b.texts(values)
	b.texts("(fetch('/', {headers: {Accept: 'text/html'}}), [])")
	for deadline := time.Now().Add(time.Minute); len(before) == 0 || slices.Equal(b.texts(values), before); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the values do not change: %v", before)
		}
	}
}

// trySession uses every button of the page. backed is true if the sessions have a
// backend.
func trySession(t *testing.T, browser string, b visitor, backed bool) {
	pick := func(memory, cookie string) string {
		if backed {
			return memory
		}
		return cookie
	}
	b.visit("/")
	b.click(`nav a[href="/session"]`)
	b.at("/session")
	b.shows("Your browser", "The server", "What happened", "visits", "GET /", "created")

	b.visit("/signup")
	b.submit(".primary", "name", "ann", "password", password)
	b.visit("/session")
	b.shows("POST /signup", pick("renewed", "the response sets the cookie session"))

	var tried []string
	try := func(button string, texts ...string) {
		t.Helper()
		tried = append(tried, button)
		if status := b.click(`.tries button[value="` + button + `"]`); status != 200 {
			t.Errorf("%s: status %d", button, status)
		}
		b.at("/session")
		b.shows(texts...)
		b.fits()
	}
	follow := func(path string, want int64, texts ...string) {
		t.Helper()
		tried = append(tried, path)
		b.visit("/session")
		if status := b.click(`.tries a[href="` + path + `"]`); status != want {
			t.Errorf("%s: status %d, want %d", path, status, want)
		}
		b.at(path)
		b.shows(texts...)
	}
	try("count", pick("both are kept", "one is lost"))
	try("forge", "tampered")
	try("replay", pick(`is "gone"`, "still works"))
	try("expire", pick(`is "expired"`, "no idle timeout"))
	follow("/session/error", 500, "Something went wrong on our side.")
	follow("/session/panic", 500, "Something went wrong on our side.")
	follow("/session/late", 200, "header")
	b.visit("/session")
	b.shows("errors", "late")
	for _, width := range []int64{1280, 390, 320} {
		b.resize(width)
		b.fits()
		if browser == "Firefox" && width != 320 {
			b.shoot("Firefox", pick("session", "session in cookies"), fmt.Sprint(width))
		}
	}
	b.resize(1280)
	live(t, b)
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
			time.Sleep(500 * time.Millisecond)
		}
	}

	b.visit("/session")
	for _, button := range b.texts("[...document.querySelectorAll('.tries button, .tries a')].map(e => e.value || e.getAttribute('href'))") {
		if !slices.Contains(tried, button) {
			t.Errorf("the button %s was not tried", button)
		}
	}
	if found := b.texts("[...document.querySelectorAll('script:not([src]), style, [style]')].map(e => e.outerHTML)"); len(found) > 0 {
		t.Errorf("the page has a script or a style in its HTML: %s", strings.Join(found, " "))
	}
}
