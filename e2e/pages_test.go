package e2e

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/webapp2go/webapp2go/auth/oidc/oidctest"
)

// Every page and state of the demo, of a new application and of the examples fits into every
// window and is accessible, in both colours. Its HTML is valid.
func TestPages(t *testing.T) {
	sources := t.TempDir()
	t.Cleanup(func() { validate(t, sources) }) // after the subtests, which are parallel
	for section, tour := range map[string]func(t *testing.T, look func(s *site) inspector){
		"demo, stranger":           tourStranger,
		"demo, user":               tourUser,
		"demo, admin":              tourAdmin,
		"demo, session":            tourSession,
		"demo, session in cookies": tourCookies,
		"demo, accounts by mail":   tourMail,
		"demo, login elsewhere":    tourElsewhere,
		"demo, debug":              tourDebug,
		"new application":          tourNew,
		"example accounts":         tourAccounts,
		"example counter":          tourCounter,
		"example guestbook":        tourGuestbook,
		"example guide":            tourGuide,
		"example hello":            tourHello,
	} {
		t.Run(section, func(t *testing.T) {
			t.Parallel()
			tour(t, func(s *site) inspector { return inspector{open(t, s), section, sources} })
		})
	}
}

// click clicks on an element that leads to a page, and returns the status of that page.
func (b *browser) click(selector string) int64 {
	b.t.Helper()
	return b.load(chromedp.Click(chromedp.CSS(selector)))
}

// js evaluates a statement in the page.
func (b *browser) js(statement string) {
	b.t.Helper()
	b.do(chromedp.Evaluate[chromedp.Void]("void (" + statement + ")"))
}

// unfold opens everything that is folded.
func (b *browser) unfold() {
	b.t.Helper()
	b.js("document.querySelectorAll('details').forEach(d => d.open = true)")
}

func tourStranger(t *testing.T, look func(*site) inspector) {
	s := start(t)
	b := look(s)
	b.visitAndInspect("home", "/", 200)
	b.unfold()
	b.shows("The code of this page", "What happened for this page", "route / (tree)")
	b.inspect("home, unfolded", 200, 200)
	b.js("document.querySelector('details.trace').open = true")
	b.inspect("trace", b.click("details.trace a"), 200)
	b.visitAndInspect("outbox, empty", "/outbox", 200)
	b.visitAndInspect("cart, empty", "/cart", 200)
	b.inspect("cart, a message", b.click(".products button"), 200)
	b.visitAndInspect("sign-up", "/signup", 200)
	b.inspect("sign-up, name taken", b.submit(".primary", "name", "admin", "password", password), 409)
	b.visit("/signup")
	b.inspect("sign-up, weak password", b.submit(".primary", "name", "ann", "password", "password1"), 400)
	b.visitAndInspect("forgotten password", "/forgot", 200)
	b.inspect("mail sent", b.submit(".primary", "email", "ann@example.com"), 200)
	b.visitAndInspect("outbox", "/outbox", 200)
	b.visitAndInspect("link that does not work", "/reset?t=x", 403)
	b.visitAndInspect("login", "/login", 200)
	b.unfold()
	b.inspect("login, unfolded", 200, 200)
	b.inspect("login, wrong", b.submit(".primary", "name", "ann", "password", "wrong password"), 401)
	b.visitAndInspect("login, why", "/login?next=/account&unprocessed=1", 200)
	b.shows("Please log in to continue. The form that you sent was not processed.")
	b.visitAndInspect("login, logged out", "/login?out=1", 200)
	b.visitAndInspect("error 404", "/nowhere", 404)
	b.visitAndInspect("error 405", "/logout", 405)
	b.visitAndInspect("error 500", "/session/error", 500)
	b.visit("/cart")
	b.js("document.querySelector('.products input').value = 'yacht'")
	b.inspect("error 400", b.click(".products button"), 400)
	b.visit("/login")
	status := int64(0)
	for range 30 {
		if status = b.submit(".primary", "name", "ann", "password", "wrong password"); status == 429 {
			break
		}
		b.visit("/login")
	}
	b.inspect("login, too often", status, 429)
	b.quiet(true)
}

func tourUser(t *testing.T, look func(*site) inspector) {
	s := start(t)
	b, phone := look(s), open(t, s)
	b.visit("/signup")
	b.inspect("home, a message", b.submit(".primary", "name", "ann", "password", password), 200)
	phone.visit("/login")
	phone.submit(".primary", "name", "ann", "password", password)
	b.visitAndInspect("account", "/account", 200)
	b.inspect("account, wrong password", b.submit("form .primary", "old", "wrong password", "new", "another "+password), 403)
	b.visit("/account")
	b.inspect("account, weak password", b.submit("form .primary", "old", password, "new", "password1"), 400)
	b.visit("/account")
	b.inspect("account, not deleted", b.submit("button.danger", "password", "wrong password"), 403)
	b.visitAndInspect("confirm", "/confirm", 200)
	b.inspect("confirm, wrong password", b.submit(".card .primary", "password", "wrong password"), 403)
	b.visitAndInspect("error 403", "/admin", 403)
	b.visit("/cart")
	for range 3 {
		b.click(".products button")
		b.click(".products li:last-child button")
	}
	b.visitAndInspect("cart", "/cart", 200)
	b.inspect("deleted", func() int64 { b.visit("/account"); return b.submit("button.danger", "password", password) }(), 200)
	b.quiet(true)

	long := look(s)
	long.visit("/signup")
	long.submit(".primary", "name", strings.Repeat("abcdefghij", 7)+"xyz", "password", password)
	long.visitAndInspect("account, a long name", "/account", 200)
	long.quiet(true)
}

func tourAdmin(t *testing.T, look func(*site) inspector) {
	s := start(t)
	b := look(s)
	b.visit("/login?next=/admin")
	b.inspect("admin", b.submit(".primary", "name", "admin", "password", s.password), 200)
	b.inspect("admin, found", b.submit(".find button", "name", "admin"), 200)
	b.visitAndInspect("admin, not found", "/admin?name=nobody", 200)
	b.quiet(true)
}

func tourSession(t *testing.T, look func(*site) inspector) {
	b := look(start(t))
	b.visitAndInspect("new visitor", "/session", 200)
	b.visit("/")
	b.visit("/signup")
	b.submit(".primary", "name", "ann", "password", password)
	b.visit("/cart")
	b.click(".products button")
	b.visitAndInspect("user", "/session", 200)
	b.unfold()
	b.inspect("user, unfolded", 200, 200)
	for _, trial := range []string{"count", "forge", "replay", "expire", "elsewhere"} {
		b.inspect("tried "+trial, b.click(`button[value="`+trial+`"]`), 200)
	}
	b.click(`button[value="down"]`) // for ten seconds
	b.visitAndInspect("error 503", "/", 503)
	b.visitAndInspect("tried down", "/session", 200)
	b.quiet(true)
}

func tourCookies(t *testing.T, look func(*site) inspector) {
	b := look(start(t, "-sessions=cookie"))
	b.visitAndInspect("new visitor", "/session", 200)
	b.visit("/")
	b.visitAndInspect("home, second visit", "/", 200)
	b.visit("/signup")
	b.submit(".primary", "name", "ann", "password", password)
	b.visitAndInspect("account", "/account", 200)
	b.visitAndInspect("user", "/session", 200)
	b.inspect("tried count", b.click(`button[value="count"]`), 200)
	b.quiet(true)
}

func tourMail(t *testing.T, look func(*site) inspector) {
	b := look(start(t, "-signup=email"))
	b.visitAndInspect("sign-up", "/signup", 200)
	b.inspect("sign-up, no address", b.submit(".card .primary", "email", "ann@example"), 400)
	b.visit("/signup")
	b.inspect("mail sent", b.submit(".card .primary", "email", "ann@example.com"), 200)
	link := b.mail("Your account at webapp2go")
	b.inspect("finish", b.open(link), 200)
	b.inspect("finish, weak password", b.submit(".card .primary", "password", "password1"), 400)
	b.open(link)
	b.submit(".card .primary", "name", "ann", "password", password)
	b.visitAndInspect("account", "/account", 200)
	b.inspect("account, no address", b.submit("form:has(#email) button", "email", "ann@example"), 400)
	b.visit("/account")
	b.submit("form:has(#email) button", "email", "ann@new.example")
	b.inspect("confirm an address", b.open(b.mail("Confirm your address at webapp2go")), 200)
	b.visit("/forgot")
	b.submit(".card .primary", "email", "ann@example.com")
	link = b.mail("A new password at webapp2go")
	b.inspect("reset", b.open(link), 200)
	b.inspect("reset, weak password", b.submit(".card .primary", "password", "password1"), 400)
	b.open(link)
	b.inspect("reset, done", b.submit(".card .primary", "password", "another "+password), 200)
	b.visitAndInspect("outbox", "/outbox", 200)
	b.quiet(true)
}

func tourElsewhere(t *testing.T, look func(*site) inspector) {
	provider, err := oidctest.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(provider.Close)
	provider.Accounts = []oidctest.Account{{Subject: "1", Email: "ann@gmail.com", EmailVerified: true, Name: "Ann"}}
	s := startWith(t, []string{"OIDC_CLIENT_SECRET=" + provider.ClientSecret}, "-oidc-issuer="+provider.Issuer(), "-oidc-client-id="+provider.ClientID)
	b := look(s)
	b.visitAndInspect("login", "/login?next=/account", 200)
	b.click(".elsewhere button")
	b.inspect("account", b.click("button, a[href]"), 200)
	b.visitAndInspect("confirm", "/confirm", 200)
}

func tourDebug(t *testing.T, look func(*site) inspector) {
	b := look(start(t, "-debug"))
	b.visitAndInspect("error", "/session/error", 500)
	b.visitAndInspect("panic", "/session/panic", 500)
	b.unfold()
	b.inspect("panic, unfolded", 500, 500)
	b.visitAndInspect("no route", "/nowhere", 404)
	b.visitAndInspect("no method", "/logout", 405)
	b.quiet(true)
}

func tourNew(t *testing.T, look func(*site) inspector) {
	folder := filepath.Join(t.TempDir(), "myapp")
	command := exec.Command(build(t, "..", "./cmd/webapp2go"), "new", folder)
	command.Dir = ".."
	command.Env = append(os.Environ(), "GOFLAGS=-mod=mod")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s := startProgram(t, folder, build(t, folder, "."), "-dev")
	b := look(s)
	b.visitAndInspect("home", "/", 200)
	b.visitAndInspect("login", "/list", 200)
	b.visit("/signup?next=/list")
	b.inspect("list, empty", b.submit(".primary", "name", "ann", "password", password), 200)
	b.inspect("list, a message", b.submit(".add button", "item", "Milk"), 200)
	b.visitAndInspect("account", "/account", 200)
	b.visitAndInspect("no route", "/nowhere", 404)
	b.visitAndInspect("traces", "/trace", 200)
	b.inspect("trace", b.click(`a[href^="/trace/"]`), 200)
	b.quiet(true)
}

func tourAccounts(t *testing.T, look func(*site) inspector) {
	s := startProgram(t, "..", build(t, "..", "./examples/accounts"))
	b := look(s)
	b.visitAndInspect("home", "/", 200)
	b.visitAndInspect("join", "/signup", 200)
	b.inspect("join, no address", b.submit(".primary", "email", "ann@example"), 400)
	b.visit("/signup")
	b.inspect("mail sent", b.submit(".primary", "email", "ann@example.com"), 200)
	link, err := url.Parse(s.logged(t, `(http://\S+)`))
	if err != nil {
		t.Fatal(err)
	}
	b.inspect("finish", b.visit(link.RequestURI()), 200)
	b.submit(".card .primary", "name", "ann", "password", password)
	b.visitAndInspect("profile", "/profile", 200)
	b.inspect("profile, a message", b.submit(".primary", "about", "I write with a pencil."), 200)
	b.visitAndInspect("members", "/", 200)
	b.visitAndInspect("account", "/account", 200)
	b.click(".menu button")
	b.visitAndInspect("login", "/login", 200)
	b.inspect("login, wrong", b.submit(".primary", "name", "ann", "password", "wrong password"), 401)
	b.visitAndInspect("error 404", "/nowhere", 404)
	b.quiet(true)
}

func tourCounter(t *testing.T, look func(*site) inspector) {
	b := look(startProgram(t, "..", build(t, "..", "./examples/counter")))
	b.visitAndInspect("home", "/", 200)
	b.quiet(true)
}

func tourGuestbook(t *testing.T, look func(*site) inspector) {
	b := look(startProgram(t, "..", build(t, "..", "./examples/guestbook")))
	b.visitAndInspect("empty", "/", 200)
	b.submit(".sign button", "content", "The first one here.\nWith two lines.")
	b.visit("/signup")
	b.submit(".primary", "name", "ann", "password", password)
	b.visit("/")
	for i := range 3 {
		b.submit(".sign button", "content", fmt.Sprintf("Greetings, number %d, from %s.", i, strings.Repeat("far, ", 30)))
	}
	b.inspect("signed", b.visit("/"), 200)
	b.visitAndInspect("error 400", "/?book=%21", 400)
	b.quiet(true)
}

func tourGuide(t *testing.T, look func(*site) inspector) {
	port := freePort(t)
	command := exec.Command(build(t, "../examples/guide", "."), "-insecure", "-addr=127.0.0.1:"+port, "-data="+filepath.Join(t.TempDir(), "board.db"))
	b := look(runSite(t, command, port))
	b.visitAndInspect("no notes", "/", 200)
	b.visit("/signup?next=/write")
	b.inspect("write", b.submit(".primary", "name", "ann", "password", password), 200)
	b.js("document.querySelector('#text').required = false")
	b.inspect("write, empty", b.click(".primary"), 422)
	b.submit(".primary", "text", "The first note.")
	b.visitAndInspect("notes", "/", 200)
	b.quiet(true)
}

// The framework alone has error pages too.
func tourHello(t *testing.T, look func(*site) inspector) {
	b := look(startProgram(t, "..", build(t, "..", "./examples/hello")))
	b.visitAndInspect("error 404", "/nowhere", 404)
	b.quiet(true)
}
