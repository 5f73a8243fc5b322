package handlers_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/mail"
	"github.com/webapp2go/webapp2go/sessions"
)

// A postman keeps the mails of a site. It can be switched off. It is safe for concurrent use.
type postman struct {
	down, refuses atomic.Bool

	mu    sync.Mutex
	mails []mail.Message
}

func (p *postman) Send(_ context.Context, m mail.Message) error {
	switch {
	case p.down.Load():
		return errDown
	case p.refuses.Load():
		return fmt.Errorf("%w: 550", mail.ErrRefused)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mails = append(p.mails, m)
	return nil
}

// take returns the mails since the last call.
func (p *postman) take() []mail.Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	taken := p.mails
	p.mails = nil
	return taken
}

var mailedLink = regexp.MustCompile(`https://www\.example\.com(/\S+)`)

// link takes the only mail and returns the path of its link.
func (p *postman) link(t *testing.T, to, subject string) string {
	t.Helper()
	mails := p.take()
	if len(mails) != 1 || mails[0].To != to || !strings.Contains(mails[0].Subject, subject) {
		t.Fatalf("mails %+v, want one to %s with %q in its subject", mails, to, subject)
	}
	found := mailedLink.FindStringSubmatch(mails[0].Text)
	if found == nil {
		t.Fatalf("no link in %q", mails[0].Text)
	}
	return found[1]
}

// serveMail starts a site that sends mails.
func serveMail(t *testing.T, backend sessions.Backend, signUp handlers.SignUp, more func(s *server)) (*server, *postman) {
	t.Helper()
	post := &postman{}
	return serveAccounts(t, backend, func(site *handlers.Site) { site.SignUp, site.Mail = signUp, post }, func(s *server) {
		s.app.BaseURL = "https://www.example.com"
		s.site.Throttle.Mails, s.site.Throttle.SignUps = 1000, 1000
		if more != nil {
			more(s)
		}
	}), post
}

// token returns the token of a link.
func token(t *testing.T, link string) string {
	t.Helper()
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get("t")
}

// join signs up a user by mail.
func join(t *testing.T, c *client, post *postman, email, name string) {
	t.Helper()
	c.post("/signup", "email", email).redirects(t, "/sent")
	link := post.link(t, email, "Your account")
	c.get(link).shows(t, 200, "Make your account", email)
	c.post("/signup/finish", "t", token(t, link), "name", name, "password", "correct horse").redirects(t, "/")
}

// The whole life of an account: sign-up, logout, login by address, forgotten password,
// change of address, deletion.
func TestLifeOfAnAccount(t *testing.T) {
	for kind, backend := range backends {
		t.Run(kind, func(t *testing.T) {
			var deleted []string
			s, post := serveMail(t, backend(), handlers.SignUpByEmail, func(s *server) {
				s.site.OnDelete = func(_ context.Context, user *auth.User) error { deleted = append(deleted, user.ID); return nil }
			})
			c, other := s.client(t), s.client(t)
			join(t, c, post, "Ann@example.com", "ann")
			c.get("/account").shows(t, 200, "Welcome, ann.", "Ann@example.com")
			c.post("/logout")
			other.post("/login", "name", "ann@example.COM", "password", "correct horse").redirects(t, "/")
			other.get("/account").shows(t, 200, "Welcome back, ann.")

			c.get("/login").shows(t, 200, `href="/forgot"`, "Name or mail address")
			c.post("/forgot", "email", "ANN@example.com").redirects(t, "/sent")
			link := post.link(t, "Ann@example.com", "A new password")
			c.get(link).shows(t, 200, "New password", `value="ann"`)
			c.post("/reset", "t", token(t, link), "password", "short").shows(t, 400, "at least 8")
			c.post("/reset", "t", token(t, link), "password", "battery staple").redirects(t, "/")
			if mails := post.take(); len(mails) != 1 || !strings.Contains(mails[0].Text, "was changed on") {
				t.Errorf("mails %+v, want a notice", mails)
			}
			c.get("/account").shows(t, 200, "Your password has been changed")
			other.get("/account").redirects(t, "/login?next=%2Faccount")
			c.post("/reset", "t", token(t, link), "password", "another staple").shows(t, 403, "This link does not work")
			other.post("/login", "name", "ann", "password", "correct horse").shows(t, 401)

			c.post("/account", "action", "email", "email", "ann@new.example").redirects(t, "/sent")
			mails := post.take()
			if len(mails) != 2 || mails[0].To != "ann@new.example" || mails[1].To != "Ann@example.com" || mailedLink.MatchString(mails[1].Text+"/") && strings.Contains(mails[1].Text, "t=") {
				t.Fatalf("mails %+v, want a link to the new address and a notice to the old one", mails)
			}
			link = mailedLink.FindStringSubmatch(mails[0].Text)[1]
			stranger := s.client(t) // on another device
			stranger.get(link).shows(t, 200, "Use the address ann@new.example for the account ann?")
			stranger.post("/email", "t", token(t, link)).shows(t, 403, "not your password")
			stranger.post("/email", "t", token(t, link), "password", "battery staple").redirects(t, "/account")
			stranger.get("/account").redirects(t, "/login?next=%2Faccount") // it does not log in
			if mails := post.take(); len(mails) != 1 || mails[0].To != "Ann@example.com" {
				t.Errorf("mails %+v, want a notice to the old address", mails)
			}
			c.get("/account").shows(t, 200, "ann@new.example")

			c.post("/account", "action", "delete", "password", "wrong").shows(t, 403, "That is not your password.")
			c.post("/account", "action", "delete", "password", "battery staple").redirects(t, "/login?out=deleted")
			c.get("/login?out=deleted").shows(t, 200, "Your account has been deleted.")
			c.get("/account").redirects(t, "/login?next=%2Faccount")
			if mails := post.take(); len(mails) != 1 || mails[0].To != "ann@new.example" || len(deleted) != 1 {
				t.Errorf("mails %+v, OnDelete for %q", mails, deleted)
			}
			c.post("/login", "name", "ann", "password", "battery staple").shows(t, 401)
			join(t, c, post, "ann@new.example", "ann")
		})
	}
}

// SignUpByEmail stores nothing before the link is used. If two links were sent to one address,
// only one works, and only once.
func TestSignUpByEmail(t *testing.T) {
	s, post := serveMail(t, sessions.NewMemory(), handlers.SignUpByEmail, nil)
	c := s.client(t)
	var links []string
	for range 2 {
		c.post("/signup", "email", "ann@example.com").redirects(t, "/sent")
		links = append(links, post.link(t, "ann@example.com", "Your account"))
	}
	if users, _, err := s.site.Users.List(t.Context(), "", "", 10); err != nil || len(users) != 0 {
		t.Errorf("%d users, %v", len(users), err)
	}
	if c.cookie("session") != "" {
		t.Error("a session was made")
	}
	c.post("/signup/finish", "t", token(t, links[0]), "name", "a@b", "password", "correct horse").shows(t, 400, `id="problem"`)
	c.post("/signup/finish", "t", token(t, links[0]), "password", "short").shows(t, 400, "at least 8")
	c.post("/signup/finish", "t", token(t, links[0]), "password", "correct horse").redirects(t, "/")
	c.get("/account").shows(t, 200, "Welcome, ann@example.com.", "<h1>ann@example.com</h1>")
	for _, link := range links {
		s.client(t).post("/signup/finish", "t", token(t, link), "name", "eve", "password", "correct horse").shows(t, 409, "has been used already")
	}
	bob := s.client(t)
	join(t, bob, post, "bob@example.com", "bob")
	dan := s.client(t)
	dan.get("/signup?next=/cart").shows(t, 200, `name="next" value="/cart"`)
	for next, want := range map[string]string{"/cart": "/cart", "https://evil.example/": "/", "/" + strings.Repeat("x", 300): "/"} {
		dan.post("/signup", "email", fmt.Sprintf("dan%d@example.com", len(next)), "next", next).redirects(t, "/sent")
		link := post.link(t, fmt.Sprintf("dan%d@example.com", len(next)), "")
		dan.post("/signup/finish", "t", token(t, link), "password", "correct horse").redirects(t, want)
	}
	cid := s.client(t)
	cid.post("/signup", "email", "cid@example.com")
	link := post.link(t, "cid@example.com", "")
	cid.post("/signup/finish", "t", token(t, link), "name", "BOB", "password", "correct horse").shows(t, 409, "This name is taken")
	for _, bad := range []string{"", "ann", "ann@localhost", "a@b.example, c@d.example", "a@b.example\r\nBcc: eve@evil.example", strings.Repeat("x", 300) + "@example.com"} {
		cid.post("/signup", "email", bad).shows(t, 400, `aria-invalid="true"`)
	}
	if mails := post.take(); len(mails) != 0 {
		t.Errorf("mails %+v", mails)
	}
}

// GET and HEAD do not use up a link. Its page keeps the token out of caches, search engines and
// the Referer.
func TestScannersUseNoLink(t *testing.T) {
	s, post := serveMail(t, sessions.NewMemory(), handlers.SignUpByEmail, nil)
	c := s.client(t)
	join(t, c, post, "ann@example.com", "ann")
	links := map[string]string{}
	s.client(t).post("/signup", "email", "bob@example.com")
	links["/signup/finish"] = post.link(t, "bob@example.com", "")
	c.post("/account", "action", "email", "email", "ann@new.example")
	links["/email"] = mailedLink.FindStringSubmatch(post.take()[0].Text)[1]
	s.client(t).post("/forgot", "email", "ann@example.com")
	links["/reset"] = post.link(t, "ann@example.com", "")
	for path, link := range links {
		scanner := s.client(t)
		for range 10 {
			page := scanner.get(link)
			page.shows(t, 200, "<form", `action="`+path+`"`)
			if status := scanner.do(http.MethodHead, link, nil).status; status != 200 {
				t.Errorf("HEAD %s: %d", path, status)
			}
			for name, want := range map[string]string{"Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "X-Robots-Tag": "noindex"} {
				if got := page.header.Get(name); got != want {
					t.Errorf("%s: %s is %q, want %q", path, name, got, want)
				}
			}
		}
		if scanner.cookie("session") != "" {
			t.Errorf("%s: a session was made", path)
		}
		bad := scanner.get(link + "x")
		bad.shows(t, 403, "This link does not work")
		if got := bad.header.Get("Referrer-Policy"); got != "no-referrer" {
			t.Errorf("%s: Referrer-Policy of a bad link: %q", path, got)
		}
	}
	c.post("/email", "t", token(t, links["/email"])).redirects(t, "/account")
	// The reset was bound to the old address.
	s.client(t).post("/reset", "t", token(t, links["/reset"]), "password", "battery staple").shows(t, 403)
	s.client(t).post("/signup/finish", "t", token(t, links["/signup/finish"]), "password", "correct horse").redirects(t, "/")
}

// A token for one purpose does not work for another. All invalid tokens get the same page.
func TestBadLinks(t *testing.T) {
	s, post := serveMail(t, sessions.NewMemory(), handlers.SignUpByEmail, nil)
	c := s.client(t)
	join(t, c, post, "ann@example.com", "ann")
	c.post("/forgot", "email", "ann@example.com")
	reset := token(t, post.link(t, "ann@example.com", ""))
	body := ""
	for _, path := range []string{"/signup/finish", "/email", "/verify", "/login/link", "/invitation", "/reset"} {
		for _, bad := range []string{"", "x", reset, strings.Repeat("x", 8000), "%00%ff", reset[:len(reset)-1]} {
			if path == "/reset" && bad == reset {
				continue
			}
			stranger := s.client(t)
			a := stranger.get(path + "?t=" + bad)
			a.shows(t, 403, "This link does not work")
			if body == "" {
				body = a.body
			}
			if a.body != body {
				t.Errorf("%s has another page:\n%s", path, a.body)
			}
			stranger.post(path, "t", bad, "password", "battery staple").shows(t, 403, "This link does not work")
		}
	}
}

// countingBackend counts the calls of a Backend by method.
type countingBackend struct {
	auth.Backend
	mu    sync.Mutex
	calls []string
}

func (c *countingBackend) count(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = append(c.calls, name)
}

func (c *countingBackend) take() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	calls := strings.Join(c.calls, " ")
	c.calls = nil
	return calls
}

func (c *countingBackend) ByID(ctx context.Context, id string) (*auth.User, error) {
	c.count("ByID")
	return c.Backend.ByID(ctx, id)
}

func (c *countingBackend) ByLogin(ctx context.Context, text string) (*auth.User, error) {
	c.count("ByLogin")
	return c.Backend.ByLogin(ctx, text)
}

func (c *countingBackend) ByKey(ctx context.Context, key auth.Key) (*auth.User, error) {
	c.count("ByKey")
	return c.Backend.ByKey(ctx, key)
}

func (c *countingBackend) Create(ctx context.Context, u *auth.User) error {
	c.count("Create")
	return c.Backend.Create(ctx, u)
}

func (c *countingBackend) Update(ctx context.Context, u *auth.User) error {
	c.count("Update")
	return c.Backend.Update(ctx, u)
}

// A probe is a form that a stranger, or the user "me", sends with the name or the address of
// the user ann, or with one that belongs to no user.
type probe struct {
	name           string
	loggedIn       bool
	path           string
	known, unknown []string // the fields of the form
	mails          int
}

var probes = []probe{
	{"login by name", false, "/login", []string{"name", "ann", "password", "wrong horse"}, []string{"name", "eve", "password", "wrong horse"}, 0},
	{"login by address", false, "/login", []string{"name", "ann@example.com", "password", "wrong horse"}, []string{"name", "eve@example.com", "password", "wrong horse"}, 0},
	{"sign-up", false, "/signup", []string{"email", "ann@example.com"}, []string{"email", "eve@example.com"}, 1},
	{"forgotten password", false, "/forgot", []string{"email", "ann@example.com"}, []string{"email", "eve@example.com"}, 1},
	{"change of address", true, "/account", []string{"action", "email", "email", "ann@example.com"}, []string{"action", "email", "email", "eve@example.com"}, 2},
}

// serveProbes starts a site for the probes, without limits. A hash takes hashKiB.
func serveProbes(t *testing.T, hashKiB uint32) (s *server, post *postman, users *countingBackend, send func(p probe, fields []string) answer) {
	users = &countingBackend{}
	s, post = serveMail(t, sessions.NewMemory(), handlers.SignUpByEmail, func(s *server) {
		users.Backend, s.site.Users = s.site.Users, users
		s.site.Throttle.Failures, s.site.Throttle.Address, s.site.Throttle.Name = -1, -1, -1
		s.site.Throttle.Mails, s.site.Throttle.SignUps = -1, -1
		s.site.Passwords.Argon2 = auth.Argon2Params{Time: 1, MemoryKiB: hashKiB, Threads: 1}
	})
	me := s.client(t)
	join(t, s.client(t), post, "ann@example.com", "ann")
	join(t, me, post, "me@example.com", "me")
	me.get("/account") // takes the flash
	return s, post, users, func(p probe, fields []string) answer {
		c := me
		if !p.loggedIn {
			c = s.client(t)
		}
		return c.post(p.path, fields...)
	}
}

// The response, the hashes, the calls of the Backend and the mails are the same whether or not
// an account has the address or the name.
func TestNoPageTellsWhoHasAnAccount(t *testing.T) {
	const hashKiB = 32 << 10 // much more than all other allocations of a request
	_, post, users, send := serveProbes(t, hashKiB)
	type seen struct {
		status                 int
		location, body, header string
		hashes                 uint64
		calls                  string
		mails                  int
	}
	for _, p := range probes {
		t.Run(p.name, func(t *testing.T) {
			look := func(fields []string) seen {
				var before, after runtime.MemStats
				users.take()
				post.take()
				runtime.ReadMemStats(&before)
				a := send(p, fields)
				runtime.ReadMemStats(&after)
				header := a.header.Clone()
				for _, varies := range []string{"Date", "Set-Cookie"} {
					header.Del(varies)
				}
				body := strings.ReplaceAll(a.body, "ann", "eve")
				hashes := (after.TotalAlloc - before.TotalAlloc) / (hashKiB << 10)
				return seen{a.status, a.header.Get("Location"), body, fmt.Sprint(header), hashes, users.take(), len(post.take())}
			}
			compare := func(when string) seen {
				known, unknown := look(p.known), look(p.unknown)
				if known != unknown {
					t.Errorf("%s\nknown:   %+v\nunknown: %+v", when, known, unknown)
				}
				return known
			}
			hashes := uint64(1)
			if p.mails > 0 {
				hashes = 0
			}
			if got := compare("usually"); got.mails != p.mails || got.hashes != hashes {
				t.Errorf("%d mails and %d hashes, want %d and %d", got.mails, got.hashes, p.mails, hashes)
			}
			if p.mails == 0 {
				return
			}
			post.down.Store(true)
			if got := compare("without a mail server"); got.status != 503 || got.mails != 0 {
				t.Errorf("without a mail server: status %d", got.status)
			}
			post.down.Store(false)
			post.refuses.Store(true)
			if got := compare("with a refused recipient"); got.status != 302 {
				t.Errorf("with a refused recipient: status %d", got.status)
			}
			post.refuses.Store(false)
		})
	}
}

// The times of requests are only printed, because differences below 15 ms are not visible on a
// busy machine. With -v there are 200 of each, alternating.
func TestTimesOfProbes(t *testing.T) {
	rounds := 10
	if testing.Verbose() {
		rounds = 200
	}
	_, _, _, send := serveProbes(t, 1<<10)
	for _, p := range probes {
		var times [2][]time.Duration
		for range rounds {
			for i, fields := range [][]string{p.known, p.unknown} {
				began := time.Now()
				send(p, fields)
				times[i] = append(times[i], time.Since(began))
			}
		}
		for i := range times {
			slices.Sort(times[i])
		}
		t.Logf("%-20s median %v known, %v unknown; 90%% below %v and %v", p.name,
			times[0][rounds/2].Round(time.Microsecond), times[1][rounds/2].Round(time.Microsecond), times[0][rounds*9/10].Round(time.Microsecond), times[1][rounds*9/10].Round(time.Microsecond))
	}
}

// An address gets at most three mails an hour, whoever requests them. Beyond that the pages are
// the same.
func TestMailsToOneAddressAreBounded(t *testing.T) {
	s, post := serveMail(t, sessions.NewMemory(), handlers.SignUpByEmail, func(s *server) {
		stopped(s)
		s.site.Throttle.Mails = 0
	})
	for i := range 6 {
		path := []string{"/signup", "/forgot"}[i%2]
		s.client(t).post(path, "email", "ann@example.com").redirects(t, "/sent")
	}
	if n := len(post.take()); n != 3 {
		t.Errorf("%d mails, want 3", n)
	}
	s, post = serveMail(t, sessions.NewMemory(), handlers.SignUpByEmail, func(s *server) {
		stopped(s)
		s.site.Throttle.SignUps = 5
	})
	for i := range 7 {
		a := s.client(t).post("/forgot", "email", fmt.Sprintf("ann%d@example.com", i))
		if i < 5 {
			a.redirects(t, "/sent")
		} else {
			a.shows(t, 429, "Too many mails were requested")
		}
	}
	if n := len(post.take()); n != 5 {
		t.Errorf("%d mails, want 5", n)
	}
}

// A user without an address adds one, whose link verifies it.
func TestAddAnAddress(t *testing.T) {
	s, post := serveMail(t, sessions.NewMemory(), handlers.SignUpOpen, nil)
	c := s.client(t)
	c.signUp("ann")
	c.get("/account").shows(t, 200, "You have none.")
	c.post("/forgot", "email", "ann@example.com")
	if mails := post.take(); len(mails) != 1 || !strings.Contains(strings.Join(strings.Fields(mails[0].Text), " "), "no account has this address") {
		t.Errorf("mails %+v", mails)
	}
	c.post("/account", "action", "email", "email", "ann@example.com").redirects(t, "/sent")
	link := post.link(t, "ann@example.com", "Confirm your address")
	c.post("/email", "t", token(t, link)).redirects(t, "/account")
	c.get("/account").shows(t, 200, "Your address is ann@example.com now.")
	c.post("/email", "t", token(t, link)).shows(t, 403)
	c.post("/login", "name", "ann@example.com", "password", "correct horse").redirects(t, "/")
}

// An address that another user has taken meanwhile is 409.
func TestAddressIsTakenMeanwhile(t *testing.T) {
	s, post := serveMail(t, sessions.NewMemory(), handlers.SignUpOpen, nil)
	ann, bob := s.client(t), s.client(t)
	ann.signUp("ann")
	bob.signUp("bob")
	var links []string
	for _, c := range []*client{ann, bob} {
		c.post("/account", "action", "email", "email", "us@example.com")
		links = append(links, post.link(t, "us@example.com", ""))
	}
	ann.post("/email", "t", token(t, links[0])).redirects(t, "/account")
	post.take()
	bob.post("/email", "t", token(t, links[1])).shows(t, 409, "cannot be used")
	bob.post("/account", "action", "email", "email", "us@example.com").redirects(t, "/sent")
	if mails := post.take(); len(mails) != 1 || !strings.Contains(mails[0].Text, "another account has it") {
		t.Errorf("mails %+v", mails)
	}
}

// A link that verifies an address asks for the password, unless its user is logged in.
func TestVerify(t *testing.T) {
	s, post := serveMail(t, sessions.NewMemory(), handlers.SignUpOpen, nil)
	c := s.client(t)
	c.signUp("ann")
	user, err := s.site.Users.ByLogin(t.Context(), "ann")
	if err != nil {
		t.Fatal(err)
	}
	user.Email = "ann@example.com"
	if err := s.site.Users.Update(t.Context(), user); err != nil {
		t.Fatal(err)
	}
	c.get("/account").shows(t, 200, "(not confirmed)")
	c.post("/account", "action", "verify").redirects(t, "/sent")
	link := post.link(t, "ann@example.com", "Confirm your address")
	stranger := s.client(t)
	stranger.get(link).shows(t, 200, "Password of ann")
	stranger.post("/verify", "t", token(t, link)).shows(t, 403, "not your password")
	c.get(link).hides(t, "Password of ann")
	stranger.post("/verify", "t", token(t, link), "password", "correct horse").redirects(t, "/account")
	stranger.get("/account").redirects(t, "/login?next=%2Faccount")
	c.get("/account").hides(t, "(not confirmed)")
	c.post("/verify", "t", token(t, link)).redirects(t, "/account") // a second time is harmless
}

// An attacker cannot have the owner of a mailbox confirm it for an account without a password:
// the link works only if the user of the account is logged in.
func TestVerifyWithoutAPassword(t *testing.T) {
	s, post := serveMail(t, sessions.NewMemory(), handlers.SignUpOpen, nil)
	c := s.client(t)
	c.signUp("eve")
	give(t, s, "eve", func(u *auth.User) {
		u.Email, u.AuthIDs, u.Password = "ann@example.com", []string{"test:1"}, ""
		u.Restamp()
	})
	user, err := s.site.Users.ByLogin(t.Context(), "eve")
	if err != nil {
		t.Fatal(err)
	}
	tokens := auth.NewTokens(s.site.Sessions.Derive("one-time tokens"))
	verify, err := tokens.Make(auth.VerifyEmail, user, "")
	if err != nil {
		t.Fatal(err)
	}
	stranger := s.client(t)
	stranger.get("/verify?t="+verify).shows(t, 200, "Log in as eve")
	stranger.post("/verify", "t", verify).shows(t, 403, "Log in as eve")
	change, err := tokens.Make(auth.ChangeEmail, user, "bob@example.com")
	if err != nil {
		t.Fatal(err)
	}
	stranger.get("/email?t="+change).shows(t, 200, "Log in as eve")
	stranger.post("/email", "t", change).shows(t, 403, "Log in as eve")
	if user, err := s.site.Users.ByLogin(t.Context(), "eve"); err != nil || user.Verified {
		t.Fatalf("verified by a stranger: %v, %v", user.Verified, err)
	}
	logIn, err := tokens.Make(auth.LogInByLink, user, "")
	if err != nil {
		t.Fatal(err)
	}
	c.post("/login/link", "t", logIn).redirects(t, "/")
	c.get("/verify?t="+verify).shows(t, 200, "Confirm")
	c.post("/verify", "t", verify).redirects(t, "/account")
	if len(post.take()) != 0 {
		t.Error("a mail was sent")
	}
}

// The address that a user has verified is not a new address.
func TestChangeToTheSameAddress(t *testing.T) {
	s, post := serveMail(t, sessions.NewMemory(), handlers.SignUpByEmail, nil)
	c := s.client(t)
	join(t, c, post, "ann@example.com", "ann")
	c.post("/account", "action", "email", "email", "ANN@example.com").shows(t, 400, "This is your address already.")
	if mails := post.take(); len(mails) != 0 {
		t.Errorf("mails %+v", mails)
	}
}

// A path that is too long for the link is left out of it.
func TestConfirmWithALongPath(t *testing.T) {
	s, post := serveMail(t, sessions.NewMemory(), handlers.SignUpByEmail, nil)
	c := s.client(t)
	join(t, c, post, "ann@example.com", "ann")
	c.post("/confirm", "action", "link", "next", "/account?"+strings.Repeat("x", 300)).redirects(t, "/sent")
	link := post.link(t, "ann@example.com", "Confirm that it is you")
	c.post("/login/link", "t", token(t, link)).redirects(t, "/")
}

// A link to log in again keeps a remembered login.
func TestLinkKeepsARememberedLogin(t *testing.T) {
	s, post := serveMail(t, sessions.NewMemory(), handlers.SignUpByEmail, nil)
	c := s.client(t)
	join(t, c, post, "ann@example.com", "ann")
	c.post("/login", "name", "ann", "password", "correct horse", "remember", "1").redirects(t, "/")
	c.post("/confirm", "action", "link").redirects(t, "/sent")
	link := post.link(t, "ann@example.com", "Confirm that it is you")
	c.post("/login/link", "t", token(t, link)).redirects(t, "/")
	c.get("/account").shows(t, 200, "stays logged in")
}

// A user with neither a name nor a verified address can have a password. It cannot be used to
// log in, but to confirm.
func TestPasswordOfAUserWithoutAName(t *testing.T) {
	for _, email := range []string{"", "ann@example.com"} {
		s, post := serveMail(t, sessions.NewMemory(), handlers.SignUpByEmail, requirePages)
		join(t, s.client(t), post, "ann@example.com", "ann")
		user := &auth.User{AuthIDs: []string{"test:1"}, Email: email}
		if err := s.site.Passwords.Set(t.Context(), user, "battery staple"); err != nil {
			t.Fatal(err)
		}
		if err := s.site.Users.Create(t.Context(), user); err != nil {
			t.Fatal(err)
		}
		logIn, err := auth.NewTokens(s.site.Sessions.Derive("one-time tokens")).Make(auth.LogInByLink, user, "")
		if err != nil {
			t.Fatal(err)
		}
		c := s.client(t)
		c.post("/login/link", "t", logIn).redirects(t, "/")
		c.post("/account", "action", "unlink", "id", "test:1").shows(t, 409)
		s.clock.Advance(16 * time.Minute)
		c.post("/confirm", "next", "/recent", "password", "correct horse").shows(t, 403)
		c.post("/confirm", "next", "/recent", "password", "battery staple").redirects(t, "/recent")
		c.get("/recent").shows(t, 200)
		c.post("/account", "action", "delete", "password", "wrong").shows(t, 403)
		c.post("/account", "action", "delete", "password", "battery staple").redirects(t, "/login?out=deleted")
	}
}

// An accepted invitation does not restore a role that was removed later. A newer invitation
// does.
func TestInvitationWorksOnce(t *testing.T) {
	s, post := serveMail(t, sessions.NewMemory(), handlers.SignUpByInvitation, requirePages)
	boss, ann := s.client(t), s.client(t)
	u := &auth.User{Name: "boss", Roles: []string{"admin"}}
	if err := s.site.Passwords.SignUp(t.Context(), s.site.Users, u, "correct horse"); err != nil {
		t.Fatal(err)
	}
	boss.post("/login", "name", "boss", "password", "correct horse")
	invite := func() string {
		t.Helper()
		boss.post("/invite", "email", "ann@example.com", "role", "admin").shows(t, 200)
		return token(t, post.link(t, "ann@example.com", "You are invited"))
	}
	first := invite()
	ann.post("/invitation", "t", first, "name", "ann", "password", "correct horse").redirects(t, "/")
	ann.get("/admin").shows(t, 200)
	dismiss := func() { give(t, s, "ann", func(u *auth.User) { u.Roles = nil }) }
	dismiss()
	ann.get("/invitation?t="+first).shows(t, 403, "This link does not work")
	ann.post("/invitation", "t", first).shows(t, 403, "This link does not work")
	second := invite()
	ann.post("/invitation", "t", second).redirects(t, "/")
	ann.get("/admin").shows(t, 200)
	dismiss()
	ann.post("/invitation", "t", second).shows(t, 403, "This link does not work")
	ann.get("/admin").shows(t, 403)
}

// An error page behind a link does not reveal the token either.
func TestErrorPagesOfLinks(t *testing.T) {
	s, post := serveMail(t, sessions.NewMemory(), handlers.SignUpByEmail, nil)
	join(t, s.client(t), post, "ann@example.com", "ann")
	c := s.client(t)
	c.post("/forgot", "email", "ann@example.com")
	link := post.link(t, "ann@example.com", "")
	s.site.Users = downUsers{s.site.Users}
	page := c.get(link)
	page.shows(t, 503)
	if page.header.Get("Referrer-Policy") != "no-referrer" || page.header.Get("Cache-Control") != "no-store" {
		t.Errorf("header %v", page.header)
	}
}

type downUsers struct{ auth.Backend }

func (downUsers) ByID(context.Context, string) (*auth.User, error) { return nil, errDown }

// adminPage, recentPage and verifiedPage require more than a login.
type adminPage struct{ handlers.PrivateHandler }

func (h *adminPage) Guard() error { return h.RequireRole("admin", "owner") }
func (h *adminPage) Get() error   { return h.Text("admin") }

type recentPage struct{ handlers.RecentHandler }

func (h *recentPage) Get() error  { return h.Text("recent") }
func (h *recentPage) Post() error { return h.Text("done") }

type verifiedPage struct{ handlers.VerifiedHandler }

func (h *verifiedPage) Get() error { return h.Text("verified") }

type invitePage struct{ handlers.BaseHandler }

func (h *invitePage) Post() error {
	if err := h.ParseForm(); err != nil {
		return err
	}
	return h.Invite(h.Request.PostForm.Get("email"), h.Request.PostForm["role"]...)
}

func requirePages(s *server) {
	s.app.Handle("/admin", framework.To[adminPage](s.app))
	s.app.Handle("/recent", framework.To[recentPage](s.app))
	s.app.Handle("/verified", framework.To[verifiedPage](s.app))
	s.app.Handle("/invite", framework.To[invitePage](s.app))
}

// give changes the stored user of a name.
func give(t *testing.T, s *server, name string, change func(u *auth.User)) {
	t.Helper()
	user, err := s.site.Users.ByLogin(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	change(user)
	if err := s.site.Users.Update(t.Context(), user); err != nil {
		t.Fatal(err)
	}
}

func TestRequire(t *testing.T) {
	s, _ := serveMail(t, sessions.NewMemory(), handlers.SignUpOpen, requirePages)
	stranger, c := s.client(t), s.client(t)
	for _, path := range []string{"/admin", "/recent", "/verified"} {
		stranger.get(path).redirects(t, "/login?next="+url.QueryEscape(path))
		stranger.do("GET", path, nil, "Accept", "application/json").shows(t, 401)
	}
	c.signUp("ann")
	c.get("/admin").shows(t, 403)
	give(t, s, "ann", func(u *auth.User) { u.Roles = []string{"owner"} })
	c.get("/admin").shows(t, 200, "admin")

	c.get("/verified").redirects(t, "/account")
	c.get("/account").shows(t, 200, "Confirm your mail address first.")
	c.do("GET", "/verified", nil, "Accept", "application/json").shows(t, 403, "Confirm your mail address first.")
	give(t, s, "ann", func(u *auth.User) { u.Email = "ann@example.com" })
	c.get("/verified").redirects(t, "/account")
	give(t, s, "ann", func(u *auth.User) { u.Verified = true })
	c.get("/verified").shows(t, 200, "verified")

	c.get("/recent").shows(t, 200, "recent")
	s.clock.Advance(15*time.Minute + time.Second)
	c.get("/recent?id=1").redirects(t, "/confirm?next=%2Frecent%3Fid%3D1")
	c.post("/recent").redirects(t, "/confirm?next=%2Frecent&unprocessed=1")
	c.do("GET", "/recent", nil, "Accept", "application/json").shows(t, 403, "Log in again first.")
	before := c.cookie("session")
	c.post("/confirm", "next", "/recent?id=1", "password", "wrong").shows(t, 403)
	c.post("/confirm", "next", "/recent?id=1", "password", "correct horse").redirects(t, "/recent?id=1")
	if c.cookie("session") == before {
		t.Error("the id was not renewed")
	}
	c.get("/recent").shows(t, 200)
	c.post("/confirm", "next", "https://evil.example/", "password", "correct horse").redirects(t, "/")
}

// A user without a password confirms with a link in a mail, and can choose a password.
func TestUserWithoutAPassword(t *testing.T) {
	s, post := serveMail(t, sessions.NewMemory(), handlers.SignUpByEmail, requirePages)
	c := s.client(t)
	join(t, c, post, "ann@example.com", "ann")
	give(t, s, "ann", func(u *auth.User) { u.Password = ""; u.Restamp() })
	c.get("/recent").redirects(t, "/login?next=%2Frecent")
	user, err := s.site.Users.ByLogin(t.Context(), "ann")
	if err != nil {
		t.Fatal(err)
	}
	token1, err := auth.NewTokens(s.site.Sessions.Derive("one-time tokens")).Make(auth.LogInByLink, user, "/account")
	if err != nil {
		t.Fatal(err)
	}
	c.get("/login/link?t="+token1).shows(t, 200, "Log in as ann?")
	c.post("/login/link", "t", token1).redirects(t, "/account")
	s.client(t).post("/login/link", "t", token1).shows(t, 403)
	c.get("/recent").shows(t, 200)

	s.clock.Advance(16 * time.Minute)
	c.post("/account", "action", "password", "new", "battery staple").redirects(t, "/confirm?next=%2Faccount&unprocessed=1")
	c.post("/account", "action", "delete").redirects(t, "/confirm?next=%2Faccount&unprocessed=1")
	c.get("/confirm?next=%2Faccount").shows(t, 200, "Send the link")
	c.post("/confirm", "action", "link", "next", "/account").redirects(t, "/sent")
	link := post.link(t, "ann@example.com", "Confirm that it is you")
	c.post("/login/link", "t", token(t, link)).redirects(t, "/account")
	c.get("/account").shows(t, 200, "Choose a password")
	c.post("/account", "action", "password", "new", "battery staple").redirects(t, "/account")
	c.get("/account").shows(t, 200, "Your password has been changed")
	s.client(t).post("/login", "name", "ann", "password", "battery staple").redirects(t, "/")
}

// An invitation makes an account, or gives a role to one. The inviter must have the role,
// also when the invitation is used.
func TestInvitation(t *testing.T) {
	s, post := serveMail(t, sessions.NewMemory(), handlers.SignUpByInvitation, requirePages)
	s.client(t).get("/signup").shows(t, 404)
	boss := s.client(t)
	u := &auth.User{Name: "boss", Roles: []string{"admin"}}
	if err := s.site.Passwords.SignUp(t.Context(), s.site.Users, u, "correct horse"); err != nil {
		t.Fatal(err)
	}
	s.client(t).post("/invite", "email", "ann@example.com").shows(t, 401)
	boss.post("/login", "name", "boss", "password", "correct horse")
	boss.post("/invite", "email", "ann@example.com", "role", "owner").shows(t, 403)
	boss.post("/invite", "email", "ann").shows(t, 400)
	invite := func(email string) string {
		t.Helper()
		boss.post("/invite", "email", email, "role", "admin").shows(t, 200)
		return post.link(t, email, "You are invited")
	}
	link := invite("ann@example.com")
	ann := s.client(t)
	ann.get(link).shows(t, 200, "Make your account", "ann@example.com")
	ann.post("/invitation", "t", token(t, link), "name", "ann", "password", "correct horse").redirects(t, "/")
	ann.get("/admin").shows(t, 200)

	give(t, s, "ann", func(u *auth.User) { u.Roles = nil })
	link = invite("ann@example.com")
	s.client(t).get(link).shows(t, 200, "Log in with it")
	s.client(t).post("/invitation", "t", token(t, link), "name", "eve", "password", "correct horse").shows(t, 200, "Log in with it")
	ann.get(link).shows(t, 200, "Accept the invitation")
	ann.post("/invitation", "t", token(t, link)).redirects(t, "/")
	ann.get("/admin").shows(t, 200)

	link = invite("bob@example.com")
	give(t, s, "boss", func(u *auth.User) { u.Roles = nil })
	s.client(t).post("/invitation", "t", token(t, link), "name", "bob", "password", "correct horse").shows(t, 403)
}

// A remembered login survives a restart of the browser. Other logins do not.
func TestRememberedLogin(t *testing.T) {
	s := serve(t, sessions.NewMemory(), nil)
	s.client(t).signUp("ann")
	for _, remember := range []bool{false, true} {
		c := s.client(t)
		form := []string{"name", "ann", "password", "correct horse"}
		if remember {
			form = append(form, "remember", "1")
		}
		a := c.post("/login", form...)
		cookie := a.header.Values("Set-Cookie")
		if got := slices.ContainsFunc(cookie, func(line string) bool {
			return strings.HasPrefix(line, "session=") && strings.Contains(line, "Max-Age")
		}); got != remember {
			t.Errorf("remember %v: cookies %q", remember, cookie)
		}
		c.get("/account").shows(t, 200, map[bool]string{true: "stays logged in", false: "this browser"}[remember])
	}
	c := s.client(t)
	c.post("/login", "name", "ann", "password", "wrong", "remember", "1").shows(t, 401, "checked")
}

// A site that sends mails needs its own URL. A form that needs mails is refused if the site
// sends none.
func TestMailNeedsABaseURL(t *testing.T) {
	for name, test := range map[string]struct {
		signUp handlers.SignUp
		mail   mail.Sender
		url    string
		want   string
	}{
		"mail without a URL":       {handlers.SignUpOpen, new(mail.Outbox), "", "App.BaseURL"},
		"by address without mail":  {handlers.SignUpByEmail, nil, "https://a.example", "Site.Mail is nil"},
		"by invitation, no mail":   {handlers.SignUpByInvitation, nil, "", "Site.Mail is nil"},
		"mail with a URL":          {handlers.SignUpByEmail, new(mail.Outbox), "https://a.example", ""},
		"a site that is closed":    {handlers.SignUpClosed, nil, "", ""},
		"closed, mails for resets": {handlers.SignUpClosed, new(mail.Outbox), "https://a.example", ""},
	} {
		t.Run(name, func(t *testing.T) {
			site := serve(t, sessions.NewMemory(), nil).site
			again := &handlers.Site{Sessions: site.Sessions, Templates: site.Templates, Users: site.Users, SignUp: test.signUp, Mail: test.mail}
			app := framework.New()
			app.Init, app.BaseURL = again.Init, test.url
			again.Routes(app)
			err := app.Check()
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// The Host of a request does not affect links in mails.
func TestHostChoosesNoLink(t *testing.T) {
	s, post := serveMail(t, sessions.NewMemory(), handlers.SignUpByEmail, nil)
	r, err := http.NewRequest("POST", s.URL+"/signup", strings.NewReader("email=ann%40example.com"))
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "evil.example"
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if mails := post.take(); len(mails) != 1 || strings.Contains(mails[0].Text, "evil") || !strings.Contains(mails[0].Text, "https://www.example.com/signup/finish?t=") {
		t.Errorf("mails %+v", mails)
	}
}

// An application with its own users sets one function of the site.
func TestFindUser(t *testing.T) {
	stamp := "1"
	s := serveAccounts(t, sessions.NewMemory(), func(site *handlers.Site) {
		site.Users = nil
		site.FindUser = func(_ context.Context, id string) (*auth.User, error) {
			if id != "7" {
				return nil, fmt.Errorf("no user %q: %w", id, auth.ErrNotFound)
			}
			return &auth.User{ID: "7", Name: "ann", Roles: []string{"admin"}, Stamp: stamp}, nil
		}
	}, func(s *server) {
		s.app.Handle("/admin", framework.To[adminPage](s.app))
		s.app.Handle("/login", framework.ToMethod(s.app, func(h *userPage) error {
			user, err := h.Site.FindUser(h.Context(), "7")
			h.LogIn(user, sessions.Login{Method: "password"})
			return errors.Join(err, h.Text("in"))
		})).Methods("POST", "GET").Name("login")
	})
	c := s.client(t)
	c.get("/admin").redirects(t, "/login?next=%2Fadmin")
	c.post("/login").shows(t, 200)
	c.get("/admin").shows(t, 200)
	stamp = "2"
	c.get("/admin").redirects(t, "/login?next=%2Fadmin")
}

// A text of a mail that does not parse is reported at startup. Those that do replace the
// built-in ones.
func TestMailTexts(t *testing.T) {
	own := files("reset-unknown.txt", "Subject: Hm\n\nNo account at {{.Home}}\n", "reset-unknown.html", "<p>No account at {{.Home}}</p>")
	post := &postman{}
	s := serveAccounts(t, sessions.NewMemory(), func(site *handlers.Site) { site.Mail, site.MailTexts = post, own }, func(s *server) {
		s.app.BaseURL = "https://www.example.com"
	})
	s.client(t).post("/forgot", "email", "eve@example.com").redirects(t, "/sent")
	mails := post.take()
	if len(mails) != 1 || mails[0].Subject != "Hm" || !strings.Contains(mails[0].HTML, "<p>No account at https://www.example.com</p>") {
		t.Errorf("mails %+v", mails)
	}
	broken := &handlers.Site{Sessions: s.site.Sessions, Templates: s.site.Templates, Users: s.site.Users, Mail: post, MailTexts: files("reset.txt", "Subject: x\n\n{{if}}")}
	app := framework.New()
	app.Init, app.BaseURL = broken.Init, "https://www.example.com"
	broken.Routes(app)
	if err := app.Check(); err == nil || !strings.Contains(err.Error(), "reset.txt") {
		t.Errorf("got %v", err)
	}
}

// The account page names the browsers of sessions, the current one first.
func TestAccountNamesBrowsers(t *testing.T) {
	s := serve(t, sessions.NewMemory(), nil)
	c := s.client(t)
	c.signUp("ann")
	const phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1"
	other := s.client(t)
	other.login("ann", "correct horse", "User-Agent", phone).redirects(t, "/")
	page := other.get("/account")
	page.shows(t, 200, "<strong>Safari on iOS</strong>, this browser", "<strong>Unknown browser</strong></p>", "Last used")
	if strings.Index(page.body, "Safari on iOS") > strings.Index(page.body, "Unknown browser") {
		t.Error("the current session is not first")
	}
}

// If OnDelete fails, the user is kept. A user whom another request changes at the same moment
// is still deleted.
func TestDeletion(t *testing.T) {
	var fails atomic.Bool
	users := &hookedUsers{}
	s := serve(t, sessions.NewMemory(), func(s *server) {
		users.Backend, s.site.Users = s.site.Users, users
		s.site.OnDelete = func(ctx context.Context, user *auth.User) error {
			if fails.Load() {
				return errDown
			}
			now, err := users.ByID(ctx, user.ID)
			if err != nil {
				return err
			}
			now.Roles = []string{"changed"}
			return users.Update(ctx, now)
		}
	})
	c, other := s.client(t), s.client(t)
	c.signUp("ann")
	other.login("ann", "correct horse").redirects(t, "/")
	fails.Store(true)
	c.post("/account", "action", "delete", "password", "correct horse").shows(t, 503)
	c.get("/account").shows(t, 200)
	fails.Store(false)
	c.post("/account", "action", "delete", "password", "correct horse").redirects(t, "/login?out=deleted")
	other.get("/account").redirects(t, "/login?next=%2Faccount")
	other.login("ann", "correct horse").shows(t, 401)
}
