package main

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/mail"
)

type browser struct {
	t   *testing.T
	url string
	http.Client
}

// open opens a browser without cookies.
func open(t *testing.T, url string) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, url, http.Client{Jar: jar}}
}

// sees sends a form, or a GET without one, follows redirects, and reports missing texts.
func (b *browser) sees(status int, path string, form url.Values, texts ...string) {
	b.t.Helper()
	r, err := http.NewRequest("GET", b.url+path, nil)
	if form != nil {
		r, err = http.NewRequest("POST", b.url+path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	res, err := b.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	if res.StatusCode != status {
		b.t.Errorf("%s: status %d, want %d", path, res.StatusCode, status)
	}
	for _, text := range texts {
		if !strings.Contains(string(page), text) {
			b.t.Errorf("%s: missing %q in\n%s", path, text, page)
		}
	}
}

var mailed = regexp.MustCompile(`http://\S+\?t=(\S+)`)

func TestAccounts(t *testing.T) {
	outbox := new(mail.Outbox)
	server := httptest.NewUnstartedServer(nil)
	app, err := newApp("http://"+server.Listener.Addr().String(), outbox)
	if err != nil {
		t.Fatal(err)
	}
	if err := app.Check(); err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = app
	server.Start()
	defer server.Close()
	token := func(subject string) string {
		t.Helper()
		newest := outbox.Messages()[0]
		found := mailed.FindStringSubmatch(newest.Text)
		if !strings.Contains(newest.Subject, subject) || found == nil {
			t.Fatalf("the newest mail is %+v", newest)
		}
		return found[1]
	}

	b := open(t, server.URL)
	b.sees(200, "/profile", nil, "Welcome back", "Please log in")
	b.sees(200, "/signup", url.Values{"email": {"ann@example.com"}}, "Look at your mail")
	link := token("Join the members")
	b.sees(200, "/signup/finish?t="+link, nil, "Make your account", "ann@example.com")
	b.sees(200, "/signup/finish", url.Values{"t": {link}, "name": {"ann"}, "password": {"correct horse"}}, "Welcome, ann.")
	b.sees(200, "/profile", url.Values{"about": {"I like <b>horses</b>."}}, "Your profile has been saved.")
	b.sees(200, "/logout", url.Values{}, "You are logged out.")
	b.sees(200, "/", nil, "Our members", "I like &lt;b&gt;horses&lt;/b&gt;.")

	b.sees(200, "/forgot", url.Values{"email": {"ann@example.com"}}, "Look at your mail")
	link = token("A new password")
	b.sees(200, "/reset?t="+link, nil, "New password")
	b.sees(200, "/reset", url.Values{"t": {link}, "password": {"battery staple"}}, "Your password has been changed")
	b.sees(403, "/reset", url.Values{"t": {link}, "password": {"battery staple"}}, "This link does not work")
	b.sees(200, "/logout", url.Values{})

	b.sees(401, "/login", url.Values{"name": {"ann"}, "password": {"correct horse"}}, "The name or the password is wrong.")
	login := url.Values{"name": {"ann@example.com"}, "password": {"battery staple"}, "remember": {"1"}, "next": {"/profile"}}
	b.sees(200, "/login", login, "Welcome back, ann.", "I like")
	b.sees(200, "/account", nil, "stays logged in")
}
