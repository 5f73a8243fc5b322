package oidclogin_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/auth/oidc"
	"github.com/webapp2go/webapp2go/auth/oidc/oidctest"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/handlers/oidclogin"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/templates"
)

// A world is a site and a provider, each on a real port.
type world struct {
	*httptest.Server
	site     *handlers.Site
	provider *oidctest.Provider
}

func start(t *testing.T, change func(site *handlers.Site)) *world {
	t.Helper()
	provider, err := oidctest.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(provider.Close)
	provider.Accounts = []oidctest.Account{
		{Subject: "1", Email: "ann@example.com", EmailVerified: true, Name: "Ann"},
		{Subject: "2", Email: "bob@example.com", EmailVerified: false, Name: "Bob"},
		{Subject: "3"},
	}
	manager, err := sessions.New(sessions.Config{
		Keys:     []sessions.Key{sessions.RandomKey()},
		Sessions: []sessions.Spec{{Backend: sessions.NewMemory(), Insecure: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := templates.Parse(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{Server: httptest.NewUnstartedServer(nil), provider: provider}
	w.site = &handlers.Site{
		Sessions: manager, Templates: pages, Users: auth.NewMemory(),
		Passwords: auth.Passwords{Argon2: auth.Argon2Params{Time: 1, MemoryKiB: 8, Threads: 1}},
	}
	if change != nil {
		change(w.site)
	}
	app := framework.New()
	app.Log = slog.New(slog.DiscardHandler)
	app.Init, app.BaseURL = w.site.Init, "http://"+w.Listener.Addr().String()
	login, err := oidc.New(oidc.Config{
		Name: "test", Issuer: provider.Issuer(), ClientID: provider.ClientID, ClientSecret: auth.Secret(provider.ClientSecret),
		RedirectURL: oidclogin.CallbackURL(app, "test"), Keys: manager.Derive("oidc"), Insecure: true,
		Authoritative: func(string, map[string]any) bool { return true },
	})
	if err != nil {
		t.Fatal(err)
	}
	oidclogin.Add(app, w.site, "Test", login)
	w.site.Routes(app)
	if err := app.Check(); err != nil {
		t.Fatal(err)
	}
	w.Config.Handler = app
	w.Start()
	t.Cleanup(w.Close)
	return w
}

// A browser does not follow redirects.
type browser struct {
	t *testing.T
	w *world
	http.Client
}

func (w *world) open(t *testing.T) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	stop := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &browser{t, w, http.Client{Jar: jar, CheckRedirect: stop}}
}

type response struct {
	status         int
	location, body string
	header         http.Header
}

func (b *browser) send(method, to string, form url.Values) response {
	b.t.Helper()
	if strings.HasPrefix(to, "/") {
		to = b.w.URL + to
	}
	r, err := http.NewRequest(method, to, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	if method == "POST" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := b.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return response{res.StatusCode, res.Header.Get("Location"), string(body), res.Header}
}

// begin presses a button and returns the address of the provider.
func (b *browser) begin(form url.Values) string {
	b.t.Helper()
	r := b.send("POST", "/login/test", form)
	if r.status != http.StatusSeeOther || !strings.HasPrefix(r.location, b.w.provider.Issuer()) {
		b.t.Fatalf("status %d to %q\n%s", r.status, r.location, r.body)
	}
	return r.location
}

// login presses a button, chooses an account at the provider and comes back.
func (b *browser) login(subject string, pairs ...string) response {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	back, err := b.w.provider.Authorize(b.begin(form), subject)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.send("GET", back, nil)
}

// goes fails unless the response is a redirect to path.
func (r response) goes(t *testing.T, to string) {
	t.Helper()
	if r.status/100 != 3 || r.location != to {
		t.Errorf("status %d to %q, want a redirect to %q\n%s", r.status, r.location, to, r.body)
	}
}

// shows fails unless the response has the status and the texts.
func (r response) shows(t *testing.T, status int, texts ...string) {
	t.Helper()
	if r.status != status {
		t.Errorf("status %d, want %d\n%s", r.status, status, r.body)
	}
	for _, text := range texts {
		if !strings.Contains(r.body, text) {
			t.Errorf("missing %q in\n%s", text, r.body)
		}
	}
}

func (b *browser) post(path string, pairs ...string) response {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return b.send("POST", path, form)
}

// A person without an account gets one, and the auth id leads to it at the next login.
func TestFirstLoginMakesAUser(t *testing.T) {
	w := start(t, nil)
	b := w.open(t)
	page := b.send("GET", "/login?next=/account", nil)
	page.shows(t, 200, "Log in with Test", `action="/login/test"`)
	if policy := page.header.Get("Content-Security-Policy"); !strings.Contains(policy, "form-action 'self' "+w.provider.Issuer()) {
		t.Errorf("the policy is %q", policy)
	}
	if policy := b.send("GET", "/signup", nil).header.Get("Content-Security-Policy"); strings.Contains(policy, w.provider.Issuer()) {
		t.Errorf("the policy of another page is %q", policy)
	}
	b.login("1", "next", "/account").goes(t, "/account")
	b.send("GET", "/account", nil).shows(t, 200, "Welcome, Ann.", "Logins elsewhere", "Remove")
	user, err := w.site.Users.ByKey(t.Context(), auth.AuthIDKey("test:1"))
	if err != nil || user.Email != "ann@example.com" || !user.Verified || user.Name != "Ann" {
		t.Errorf("%+v, %v", user, err)
	}
	other := w.open(t)
	other.login("1").goes(t, "/")
	other.send("GET", "/account", nil).shows(t, 200, "Welcome back, Ann.")

	// The address of bob is not verified there, and the third account has none.
	w.open(t).login("2").goes(t, "/")
	if bob, err := w.site.Users.ByKey(t.Context(), auth.AuthIDKey("test:2")); err != nil || bob.Verified {
		t.Errorf("%+v, %v", bob, err)
	}
	third := w.open(t)
	third.login("3").goes(t, "/")
	third.send("GET", "/account", nil).shows(t, 200, "<h1>Member</h1>", "Log out")
}

// A verified address does not log in to the account that has it here. The user links the login
// on the account page.
func TestNoLinkByAddress(t *testing.T) {
	w := start(t, nil)
	user := &auth.User{Name: "ann", Email: "ann@example.com", Verified: true}
	if err := w.site.Passwords.SignUp(t.Context(), w.site.Users, user, "correct horse"); err != nil {
		t.Fatal(err)
	}
	b := w.open(t)
	b.login("1").shows(t, 409, "Log in as before, and add Test on your account page")
	b.send("GET", "/account", nil).goes(t, "/login?next=%2Faccount")
	b.post("/login/test", "purpose", "link").shows(t, 401)
	b.post("/login", "name", "ann", "password", "correct horse").goes(t, "/")
	other := w.open(t)
	other.post("/login", "name", "ann", "password", "correct horse").goes(t, "/")
	b.login("1", "purpose", "link").goes(t, "/account")
	b.send("GET", "/account", nil).shows(t, 200, "You can now log in with Test.", "Remove")
	other.send("GET", "/account", nil).goes(t, "/login?next=%2Faccount") // a change of logins ends the others
	other.login("1").goes(t, "/")
	other.send("GET", "/account", nil).shows(t, 200, "Welcome back, ann.")

	// Another user cannot link it.
	eve := w.open(t)
	eve.post("/signup", "name", "eve", "password", "correct horse")
	eve.login("1", "purpose", "link").shows(t, 409, "Another user logs in with this account")
	eve.post("/account", "action", "unlink", "id", "test:1").goes(t, "/account")
	other.send("GET", "/account", nil).shows(t, 200)

	b.post("/login", "name", "ann", "password", "correct horse")
	b.post("/account", "action", "unlink", "id", "test:1").goes(t, "/account")
	b.send("GET", "/account", nil).shows(t, 200, "You can no longer log in with that account.", "Add")
	w.open(t).login("1").shows(t, 409)
}

// The last way to log in cannot be removed.
func TestLastLoginStays(t *testing.T) {
	w := start(t, nil)
	b := w.open(t)
	b.login("2").goes(t, "/")
	b.post("/account", "action", "unlink", "id", "test:2").shows(t, 409, "This is your only way to log in.")
	b.post("/account", "action", "password", "new", "correct horse").goes(t, "/account")
	b.post("/account", "action", "unlink", "id", "test:2").goes(t, "/account")
}

// A user without a name and a verified address can only log in with the provider, not with a
// password.
func TestPasswordNeedsALogin(t *testing.T) {
	b := start(t, nil).open(t)
	b.login("3").goes(t, "/")
	b.post("/account", "action", "password", "new", "correct horse").shows(t, 409, "Confirm your mail address first")
	b.post("/account", "action", "delete").goes(t, "/login?out=deleted")
}

// A user confirms with the linked account at the provider, and with no other.
func TestConfirm(t *testing.T) {
	w := start(t, nil)
	b := w.open(t)
	b.login("1").goes(t, "/")
	b.send("GET", "/confirm?next=/account", nil).shows(t, 200, "Confirm with Test")
	b.login("2", "purpose", "confirm", "next", "/account").shows(t, 403, "another account")
	b.login("1", "purpose", "confirm", "next", "/account").goes(t, "/account")
	// The user has logged out meanwhile.
	back, err := w.provider.Authorize(b.begin(url.Values{"purpose": {"confirm"}}), "1")
	if err != nil {
		t.Fatal(err)
	}
	b.post("/logout")
	b.send("GET", back, nil).shows(t, 403, "Another user was logged in")
}

func TestRefusals(t *testing.T) {
	w := start(t, nil)
	b := w.open(t)
	b.login("nobody").goes(t, "/login")
	b.send("GET", "/login", nil).shows(t, 200, "The login with Test was cancelled.")
	b.post("/login/test", "purpose", "steal").shows(t, 400)
	b.send("GET", "/login/test", nil).shows(t, 405)
	b.send("GET", "/login/test/callback?state=x&code=y", nil).shows(t, 403, "This login was not begun in this browser")
	b.login("1", "next", "https://evil.example/").goes(t, "/")

	back, err := w.provider.Authorize(b.begin(nil), "1")
	if err != nil {
		t.Fatal(err)
	}
	w.open(t).send("GET", back, nil).shows(t, 403, "not begun in this browser") // in another browser
	b.send("GET", back, nil).goes(t, "/")
	b.send("GET", back, nil).goes(t, "/") // a double click: the user is logged in

	user, err := w.site.Users.ByKey(t.Context(), auth.AuthIDKey("test:1"))
	if err != nil {
		t.Fatal(err)
	}
	user.Disabled = true
	if err := w.site.Users.Update(t.Context(), user); err != nil {
		t.Fatal(err)
	}
	w.open(t).login("1").shows(t, 403, "cannot log in")
}

// If a provider is down, only its button fails.
func TestProviderIsDown(t *testing.T) {
	w := start(t, nil)
	w.provider.Close()
	b := w.open(t)
	b.send("GET", "/login", nil).shows(t, 200, "Log in with Test")
	b.post("/login/test").shows(t, 503)
	b.post("/signup", "name", "ann", "password", "correct horse").goes(t, "/")
}

// A site whose sign-up is closed creates no users.
func TestClosedSite(t *testing.T) {
	w := start(t, func(site *handlers.Site) { site.SignUp = handlers.SignUpClosed })
	w.open(t).login("1").shows(t, 403, "not open for new users")
	if users, _, err := w.site.Users.List(t.Context(), "", "", 10); err != nil || len(users) != 0 {
		t.Errorf("%d users, %v", len(users), err)
	}
}
