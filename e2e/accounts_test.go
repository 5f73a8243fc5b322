package e2e

import (
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/webapp2go/webapp2go/auth/oidc/oidctest"
)

// mail opens the outbox and returns the link of the newest mail with a subject.
func (b *browser) mail(subject string) string {
	b.t.Helper()
	b.visit("/outbox")
	link := run(b, chromedp.Evaluate[string](fmt.Sprintf(
		`[...document.querySelectorAll('.letter')].find(l => l.querySelector('h2').textContent == %q)?.querySelector('a')?.href ?? ''`, subject)))
	if link == "" {
		b.t.Fatalf("no mail %q with a link", subject)
	}
	return link
}

// open opens a link.
func (b *browser) open(link string) int64 {
	b.t.Helper()
	return b.load(chromedp.Navigate(link))
}

// restart deletes the cookies that do not outlive the browser.
func (b *browser) restart() {
	b.t.Helper()
	got, err := chromedp.Call(b.ctx, network.GetCookies, network.GetCookiesParams{})
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range got.Cookies {
		if c.Session {
			if _, err := chromedp.Call(b.ctx, network.DeleteCookies, network.DeleteCookiesParams{Name: c.Name, Domain: c.Domain, Path: c.Path}); err != nil {
				b.t.Fatal(err)
			}
		}
	}
}

// The test takes an account through its whole life: sign-up by address, forgotten
// password, remembered login, change of address, end of another browser's session,
// deletion.
func TestAccount(t *testing.T) {
	d := start(t, "-signup=email")
	b, phone := open(t, d), open(t, d)
	const address, newAddress, newPassword = "ann@example.com", "ann@new.example", "battery staple horse"

	b.visit("/signup")
	b.submit(".card .primary", "email", address)
	b.at("/sent")
	b.shows("Look at your mail")
	link := b.mail("Your account at webapp2go")
	b.open(link)
	b.shows("Make your account")
	if got := run(b, chromedp.Value(chromedp.CSS("#email"))); got != address {
		t.Errorf("the form is for %q", got)
	}
	b.submit(".card .primary", "name", "ann", "password", password)
	b.at("/")
	b.shows("Welcome, ann.")
	b.quiet(false)
	if status := b.open(link); status != 200 {
		t.Errorf("the page of a link that was used: status %d", status)
	}
	if status := b.submit(".card .primary", "name", "eve", "password", password); status != 409 {
		t.Errorf("a link that was used: status %d", status)
	}
	b.load(chromedp.Click(chromedp.CSS(".menu button")))
	b.at("/login?out=1")

	b.load(chromedp.Click(chromedp.CSS(".aside a[href='/forgot']")))
	b.submit(".card .primary", "email", address)
	b.at("/sent")
	link = b.mail("A new password at webapp2go")
	phone.open(link) // on another device
	phone.shows("New password")
	phone.submit(".card .primary", "password", newPassword)
	phone.at("/")
	phone.shows("Your password has been changed")
	if status := b.open(link); status != 403 {
		t.Errorf("a link that was used: status %d", status)
	}
	b.shows("This link does not work")

	b.visit("/login?next=/account")
	b.do(chromedp.Click(chromedp.CSS("#remember")))
	b.submit(".card .primary", "name", address, "password", newPassword)
	b.at("/account")
	b.restart()
	b.visit("/account")
	b.at("/account")
	b.shows("stays logged in", address)
	phone.restart()
	phone.visit("/account")
	phone.at("/login?next=%2Faccount")

	b.submit("form:has(#email) button", "email", newAddress)
	b.at("/sent")
	b.open(b.mail("Confirm your address at webapp2go"))
	b.shows("Use the address " + newAddress + " for the account ann?")
	b.load(chromedp.Click(chromedp.CSS(".card .primary")))
	b.at("/account")
	b.shows("Your address is " + newAddress + " now.")

	phone.submit(".card .primary", "name", newAddress, "password", newPassword)
	phone.at("/account")
	b.load(chromedp.Reload())
	b.load(chromedp.Click(chromedp.CSS(".rows button")))
	b.shows("The session has been ended.")
	phone.load(chromedp.Reload())
	phone.at("/login?next=%2Faccount")

	if status := b.submit("button.danger", "password", "wrong"); status != 403 {
		t.Errorf("deleting with a wrong password: status %d", status)
	}
	b.shows("That is not your password.")
	b.submit("button.danger", "password", newPassword)
	b.at("/login?out=deleted")
	b.shows("Your account has been deleted.")
	if status := b.submit(".card .primary", "name", newAddress, "password", newPassword); status != 401 {
		t.Errorf("a login after the deletion: status %d", status)
	}
	b.mailed("Your account at webapp2go is deleted")
	b.quiet(true)
	phone.quiet(true)
}

// mailed reports an error unless the outbox has a mail with the subject.
func (b *browser) mailed(subject string) {
	b.t.Helper()
	b.visit("/outbox")
	b.shows(subject)
}

// A login with an account of another provider creates a user, and the next one logs the
// same user in. The browser applies the page's form-action to the redirect.
func TestLoginElsewhere(t *testing.T) {
	provider, err := oidctest.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(provider.Close)
	provider.Accounts = []oidctest.Account{{Subject: "1", Email: "ann@gmail.com", EmailVerified: true, Name: "Ann"}}
	d := startWith(t, []string{"OIDC_CLIENT_SECRET=" + provider.ClientSecret}, "-oidc-issuer="+provider.Issuer(), "-oidc-client-id="+provider.ClientID)
	b := open(t, d)
	for _, greeting := range []string{"Welcome, Ann.", "Welcome back, Ann."} {
		b.visit("/login?next=/account")
		b.load(chromedp.Click(chromedp.CSS(".elsewhere button")))
		b.load(chromedp.Click(chromedp.CSS("button, a[href]")))
		b.at("/account")
		b.shows(greeting, "Logins elsewhere")
		b.load(chromedp.Click(chromedp.CSS(".menu button")))
	}
	b.quiet(true) // the provider has no favicon
}
