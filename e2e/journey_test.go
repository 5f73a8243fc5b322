package e2e

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

const password = "correct horse battery"

// A visitor goes through the whole demo in a browser.
func TestJourney(t *testing.T) {
	for _, kind := range []string{"memory", "cookie"} {
		t.Run(kind, func(t *testing.T) {
			d := start(t, "-sessions="+kind)
			b := open(t, d)

			b.visit("/")
			b.shows("Handlers, routes and sessions that fit together", "nobody yet")
			b.load(chromedp.Reload())
			if visits := run(b, chromedp.Text(chromedp.CSS("#visits"))); visits != "2" {
				t.Errorf("%s visits, want 2", visits)
			}

			b.visit("/account")
			b.at("/login?next=%2Faccount")
			b.load(chromedp.Click(chromedp.CSS(".aside a[href^='/signup']")))
			b.at("/signup?next=%2Faccount")
			b.submit(".primary", "name", "ann", "password", password)
			b.at("/account")
			b.shows("Welcome, ann.", "Where you are logged in")
			b.load(chromedp.Reload())
			if n := run(b, chromedp.Evaluate[int]("document.querySelectorAll('.flash').length")); n != 0 {
				t.Errorf("%d messages are shown twice", n)
			}

			b.visit("/cart")
			b.shows("Nothing in it yet.")
			b.load(chromedp.Click(chromedp.CSS(".products button")))
			b.at("/cart")
			b.shows("Field notebook is in your cart.", "€ 12.50", "Total")
			b.load(chromedp.Click(chromedp.CSS(".stepper button[value=more]")))
			b.at("/cart#cart")
			b.shows("€ 25.00")

			b.load(chromedp.Click(chromedp.CSS(".menu button")))
			b.at("/login?out=1")
			b.shows("You are logged out.")
			b.visit("/cart")
			b.shows("What you have put in is kept") // the cart is ann's
			b.visit("/account")
			b.at("/login?next=%2Faccount")
			b.shows("Please log in to continue.")
			b.submit(".primary", "name", "ann", "password", password)
			b.at("/account")
			b.shows("Welcome back, ann.")
			b.visit("/cart")
			b.shows("€ 25.00")
			b.visit("/account")
			b.submit("form .primary", "old", password, "new", "another "+password)
			b.at("/account")
			b.shows("Your password has been changed")
			b.quiet(false)
		})
	}
}

func TestOneBrowserEndsAnother(t *testing.T) {
	d := start(t)
	here, there := open(t, d), open(t, d)
	here.visit("/signup")
	here.submit(".primary", "name", "ann", "password", password)
	there.visit("/login?next=/account")
	there.submit(".primary", "name", "ann", "password", password)
	there.at("/account")

	here.visit("/account")
	here.shows("Chrome on Linux, this browser", "End all others")
	here.load(chromedp.Click(chromedp.CSS(".rows button")))
	here.shows("The session has been ended.")
	there.load(chromedp.Reload())
	there.at("/login?next=%2Faccount")
	here.quiet(false)
	there.quiet(false)
}

func TestAdmin(t *testing.T) {
	d := start(t)
	b := open(t, d)
	b.visit("/admin")
	b.submit(".primary", "name", "admin", "password", d.password)
	b.at("/admin")
	b.shows("Behind the counter", "created")
	b.submit(".find button", "name", "admin")
	b.shows("End the sessions of admin")
	b.quiet(false)

	stranger := open(t, d)
	stranger.visit("/signup?next=/admin")
	if status := stranger.submit(".primary", "name", "ann", "password", password); status != 403 {
		t.Errorf("a stranger gets %d", status)
	}
	stranger.shows("Forbidden", "for administrators only")
	stranger.quiet(true)
}

func TestErrorsAreShownInThePage(t *testing.T) {
	d := start(t)
	b := open(t, d)
	if status := b.visit("/nowhere"); status != 404 {
		t.Errorf("status %d", status)
	}
	b.shows("Not Found", "Go to the front page", "Log in")
	b.visit("/login")
	if status := b.submit(".primary", "name", "ann", "password", "wrong"); status != 401 {
		t.Errorf("status %d", status)
	}
	b.shows("name or the password is wrong")
	described := run(b, chromedp.Evaluate[string](
		"document.getElementById(document.activeElement.getAttribute('aria-describedby')).getAttribute('role')"))
	if described != "alert" {
		t.Errorf("the focus is on a field that %q describes", described)
	}
	b.quiet(true)
}

// The browser enforces the policy: a script or style that an attacker adds does not run, and
// the browser reports it.
func TestPolicyIsEnforced(t *testing.T) {
	b := open(t, start(t))
	b.visit("/")
	b.quiet(false)
	run(b, chromedp.Evaluate[bool](`(() => {
		const script = document.createElement('script')
		script.textContent = 'document.title = "smuggled"'
		document.body.append(script)
		const style = document.createElement('style')
		style.textContent = 'body { display: none }'
		document.body.append(style)
		return true
	})()`))
	if title := run(b, chromedp.Title()); title != "Home · webapp2go" {
		t.Errorf("the title is %q", title)
	}
	b.shows("Handlers, routes and sessions that fit together")
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		b.mu.Lock()
		heard := len(b.messages)
		b.mu.Unlock()
		if heard == 2 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the browser reported %d violations, want 2", heard)
		}
	}
}
