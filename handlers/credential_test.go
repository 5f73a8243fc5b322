package handlers_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/webapp2"
)

// oldHash and oldID belong to a webapp2 user with the password "correct horse".
const (
	oldHash = "26199ffccb30e485d1619de074520351b2aa4fad$sha1$AbCdEf0123456789ghijkl"
	oldID   = "5629499534213120"
)

// stale are lower costs than those of a site from serve.
var stale = auth.Passwords{Argon2: auth.Argon2Params{Time: 1, MemoryKiB: 8, Threads: 1}}

func hashOf(t *testing.T, password string) string {
	t.Helper()
	hash, err := stale.Hash(password)
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

// enterHandler logs in the user whose name is in the form.
type enterHandler struct{ handlers.BaseHandler }

func (h *enterHandler) Post() error {
	if err := h.ParseForm(); err != nil {
		return err
	}
	user, err := h.Site.Users.ByLogin(h.Context(), h.Request.PostForm.Get("name"))
	if err != nil {
		return err
	}
	h.LogIn(user, sessions.Login{Method: "believed"})
	return nil
}

// doingHandler changes its session as the form value "do" says.
type doingHandler struct{ handlers.BaseHandler }

func (h *doingHandler) Post() error {
	if err := h.ParseForm(); err != nil {
		return err
	}
	session := h.Session()
	login, _ := session.Login()
	switch what := h.Request.PostForm.Get("do"); what {
	case "clear":
		session.Clear()
	case "renew":
		session.Renew()
	case "name ann":
		session.SetUser(session.User())
	case "name nobody":
		session.SetUser("")
	case "name bob":
		bob, err := h.Site.Users.ByLogin(h.Context(), "bob")
		if err != nil {
			return err
		}
		session.SetUser(bob.ID)
	case "name bob, then ann":
		ann := session.User()
		session.SetUser("bob")
		session.SetUser(ann)
	case "set keys":
		for _, key := range []string{"", "user", "login", "credential", "credential of " + session.User(), "_user", "imported user"} {
			session.Set(key, "bob")
		}
	case "list":
		for key, value := range session.All() {
			if text := fmt.Sprint(key, value); strings.Contains(text, login.Credential) || strings.Contains(text, session.User()) {
				return fmt.Errorf("the login is among the values: %s", text)
			}
		}
	case "end":
		session.Destroy()
	default:
		return fmt.Errorf("no way to %q", what)
	}
	return nil
}

// credentials adds the pages of these tests. A login of ann replaces her stale hash.
func credentials(s *server) {
	s.site.Passwords.Argon2.MemoryKiB = 16
	s.site.Passwords.Legacy = webapp2.PasswordHashes{}.Verify
	s.app.Handle("/who", framework.To[userPage](s.app))
	s.app.Handle("/enter", framework.To[enterHandler](s.app))
	s.app.Handle("/do", framework.To[doingHandler](s.app))
	s.app.Handle("/visits", framework.To[visitsHandler](s.app))
	s.app.Handle("/id", framework.ToMethod(s.app, func(h *userPage) error {
		_, err := fmt.Fprint(h, h.Session().ID())
		return err
	})).Methods("GET", "HEAD")
}

// add makes a user.
func (s *server) add(t *testing.T, u *auth.User) {
	t.Helper()
	if err := s.site.Users.Create(t.Context(), u); err != nil {
		t.Fatal(err)
	}
}

// change changes the stored user.
func (s *server) change(t *testing.T, name string, f func(*auth.User)) {
	t.Helper()
	user, err := s.site.Users.ByLogin(t.Context(), name)
	if err == nil {
		f(user)
		err = s.site.Users.Update(t.Context(), user)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (s *server) stored(t *testing.T, name string) *auth.User {
	t.Helper()
	user, err := s.site.Users.ByLogin(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return user
}

// enter logs in without a password.
func (c *client) enter(name string) {
	c.t.Helper()
	c.post("/enter", "name", name).shows(c.t, 200)
}

func (c *client) is(name string) {
	c.t.Helper()
	if a := c.get("/who"); a.status != 200 || a.body != name+", "+name {
		c.t.Errorf("%d %q, want %s", a.status, a.body, name)
	}
}

// Which changes end the logins of a user, and which do not.
func TestCredential(t *testing.T) {
	withPassword := func(u *auth.User) { u.Restamp() }
	imported := func(u *auth.User) { u.Password = oldHash }
	withoutPassword := func(u *auth.User) { u.Password = "" }
	unbound := func(u *auth.User) {
		u.Stamp = "nonce.of another hash"
	}
	stored := func(f func(*auth.User)) func(*server, *client) {
		return func(s *server, here *client) { s.change(here.t, "ann", f) }
	}
	does := func(what string) func(*server, *client) {
		return func(_ *server, here *client) { here.post("/do", "do", what).shows(here.t, 200) }
	}
	rehash := func(s *server, here *client) {
		before := s.stored(here.t, "ann").Password
		s.client(here.t).post("/login", "name", "ann", "password", "correct horse").redirects(here.t, "/")
		if s.stored(here.t, "ann").Password == before {
			here.t.Error("the hash was not replaced")
		}
	}
	changePassword := func(_ *server, here *client) {
		here.post("/account", "action", "password", "old", "correct horse", "new", "battery staple").redirects(here.t, "/account")
	}
	const ann, bob, nobody = "ann", "bob", "nobody"
	tests := []struct {
		name        string
		user        func(*auth.User)
		event       func(s *server, here *client)
		here, there string // who is logged in after the event
	}{
		{"nothing", withPassword, func(*server, *client) {}, ann, ann},
		{"change of password", withPassword, changePassword, ann, nobody},
		{"change of password, imported", imported, changePassword, ann, nobody},
		{"change of password, of no stamp", unbound, changePassword, ann, nobody},
		{"the same password again", withPassword, func(_ *server, here *client) {
			here.post("/account", "action", "password", "old", "correct horse", "new", "correct horse").redirects(here.t, "/account")
		}, ann, nobody},
		{"log out everywhere", withPassword, stored((*auth.User).Restamp), nobody, nobody},
		{"log out everywhere, imported", imported, stored((*auth.User).Restamp), nobody, nobody},
		{"log out everywhere, without a password", withoutPassword, stored((*auth.User).Restamp), nobody, nobody},
		{"first password", withoutPassword, stored(func(u *auth.User) { u.Password = oldHash; u.Restamp() }), nobody, nobody},
		{"first password, by a script", withoutPassword, stored(func(u *auth.User) { u.Password = oldHash }), nobody, nobody},
		{"password removed", withPassword, stored(func(u *auth.User) { u.Password = ""; u.Restamp() }), nobody, nobody},
		{"password removed, by a script", withPassword, stored(func(u *auth.User) { u.Password = "" }), nobody, nobody},
		{"password written by a script", withPassword, stored(func(u *auth.User) { u.Password = oldHash }), nobody, nobody},
		{"password written by a script, imported", imported, stored(func(u *auth.User) { u.Password = "x$sha1$y" }), nobody, nobody},
		{"stamp lost", withPassword, stored(func(u *auth.User) { u.Stamp = "" }), nobody, nobody},
		{"rehash", withPassword, rehash, ann, ann},
		{"rehash, imported", imported, rehash, ann, ann},
		{"rehash, of no stamp", unbound, rehash, ann, ann},
		{"role", withPassword, stored(func(u *auth.User) { u.Roles = []string{"admin"} }), ann, ann},
		{"role, imported", imported, stored(func(u *auth.User) { u.Roles = []string{"admin"} }), ann, ann},
		{"name", withPassword, stored(func(u *auth.User) { u.Name = "Ann" }), "Ann", "Ann"},
		{"values cleared", withPassword, does("clear"), ann, ann},
		{"values set", withPassword, does("set keys"), ann, ann},
		{"values listed", withPassword, does("list"), ann, ann},
		{"id renewed", withPassword, does("renew"), ann, ann},
		{"SetUser of the same", withPassword, does("name ann"), ann, ann},
		{"SetUser of another", withPassword, does("name bob"), nobody, ann},
		{"SetUser of another and back", withPassword, does("name bob, then ann"), nobody, ann},
		{"SetUser of nobody", withPassword, does("name nobody"), nobody, ann},
		{"logout", withPassword, does("end"), nobody, ann},
		{"login of another", withPassword, func(_ *server, here *client) { here.enter(bob) }, bob, ann},
	}
	for kind, backend := range backends {
		for _, test := range tests {
			t.Run(kind+"/"+test.name, func(t *testing.T) {
				s := serve(t, backend(), credentials)
				user := &auth.User{Name: ann, Password: hashOf(t, "correct horse")}
				test.user(user)
				s.add(t, user)
				s.add(t, &auth.User{Name: bob})
				here, there := s.client(t), s.client(t)
				here.enter(ann)
				there.enter(ann)
				here.is(ann)
				there.is(ann)
				test.event(s, here)
				for range 2 { // and it stays so
					here.is(test.here)
					there.is(test.there)
				}
			})
		}
	}
}

// hookedUsers calls a function once, before it writes a user.
type hookedUsers struct {
	auth.Backend
	mu   sync.Mutex
	hook func()
}

func (h *hookedUsers) before(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.hook = f
}

func (h *hookedUsers) Update(ctx context.Context, u *auth.User) error {
	h.mu.Lock()
	hook := h.hook
	h.hook = nil
	h.mu.Unlock()
	if hook != nil {
		hook()
	}
	return h.Backend.Update(ctx, u)
}

// If a change of password and the replacement of the hash by a login happen at once, no session
// with the old password stays logged in.
func TestChangeOfPasswordMeetsRehash(t *testing.T) {
	for kind, backend := range backends {
		t.Run(kind, func(t *testing.T) {
			users := &hookedUsers{}
			s := serve(t, backend(), func(s *server) {
				credentials(s)
				users.Backend, s.site.Users = s.site.Users, users
			})
			change := func(c *client) answer {
				return c.post("/account", "action", "password", "old", "correct horse", "new", "battery staple")
			}
			logIn := func(c *client) answer {
				return c.post("/login", "name", "ann", "password", "correct horse")
			}
			user := &auth.User{Name: "ann", Password: hashOf(t, "correct horse")}
			user.Restamp()
			s.add(t, user)
			here, there := s.client(t), s.client(t)
			here.enter("ann")

			users.before(func() { logIn(there).redirects(t, "/") })
			change(here).shows(t, http.StatusConflict, "changed at the same moment")
			here.is("ann")
			there.is("ann")

			s.change(t, "ann", func(u *auth.User) { u.Password = hashOf(t, "correct horse"); u.Restamp() })
			here.enter("ann")
			late := s.client(t)
			users.before(func() { change(here).redirects(t, "/account") })
			logIn(late)
			here.is("ann")
			late.is("nobody")
			logIn(late).shows(t, http.StatusUnauthorized)
		})
	}
}

// The same as a race: in the end, no logged-in session used a password that was changed.
func TestChangeOfPasswordRacesRehash(t *testing.T) {
	const races = 100
	for kind, backend := range backends {
		t.Run(kind, func(t *testing.T) {
			s := serve(t, backend(), credentials)
			conflicts, refused := 0, 0
			for i := range races {
				name := fmt.Sprint("ann", i)
				user := &auth.User{Name: name, Password: hashOf(t, "correct horse")}
				user.Restamp()
				s.add(t, user)
				here, there := s.client(t), s.client(t)
				here.enter(name)
				var both sync.WaitGroup
				var login int
				both.Go(func() {
					res, err := there.PostForm(s.URL+"/login", url.Values{"name": {name}, "password": {"correct horse"}})
					if err != nil {
						t.Error(err)
						return
					}
					login = res.StatusCode
					res.Body.Close()
				})
				change := func() answer {
					return here.post("/account", "action", "password", "old", "correct horse", "new", "battery staple")
				}
				changed := change()
				both.Wait()
				switch login {
				case http.StatusFound:
				case http.StatusUnauthorized:
					refused++
				default:
					t.Fatalf("the login is answered %d", login)
				}
				if changed.status == http.StatusConflict {
					conflicts++
					there.is(name)
					changed = change()
				}
				changed.redirects(t, "/account")
				here.is(name)
				there.is("nobody")
			}
			t.Logf("of %d races the login was first in %d, and came too late in %d", races, conflicts, refused)
		})
	}
}

// giveOldCookie sets the cookie of a webapp2 program in the browser.
func (c *client) giveOldCookie(id string) {
	c.t.Helper()
	u, err := url.Parse(c.server.URL)
	if err != nil {
		c.t.Fatal(err)
	}
	now := fmt.Sprint(time.Now().Unix())
	data := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, `{"_user":[%q,1,"token",%s,%s],"visits":7}`, id, now, now))
	mac := hmac.New(sha1.New, []byte("secret of old"))
	fmt.Fprintf(mac, "auth|%s|%s", data, now)
	value := data + "|" + now + "|" + hex.EncodeToString(mac.Sum(nil))
	c.Jar.SetCookies(u, []*http.Cookie{{Name: "auth", Value: value, Path: "/"}})
}

// configure replaces the sessions of the site.
func (s *server) configure(t *testing.T, backend sessions.Backend, change func(*sessions.Config)) {
	t.Helper()
	c := sessions.Config{
		Keys:     []sessions.Key{sessions.RandomKey()},
		Sessions: []sessions.Spec{{Backend: backend, Insecure: true, IdleTimeout: time.Hour}},
		Now:      s.clock.Now,
		Log:      slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	change(&c)
	var err error
	if s.site.Sessions, err = sessions.New(c); err != nil {
		t.Fatal(err)
	}
}

// importing makes the site import the cookies of a webapp2 program.
func importing(t *testing.T, backend sessions.Backend) func(*server) {
	return func(s *server) {
		credentials(s)
		old, err := webapp2.ImportCookies([]byte("secret of old"), "auth", time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		s.configure(t, backend, func(c *sessions.Config) { c.Sessions[0].Import = old })
	}
}

// A webapp2 cookie logs in a user who has never been given a password here.
func TestImportedLogin(t *testing.T) {
	for kind, backend := range backends {
		t.Run(kind, func(t *testing.T) {
			b := backend()
			s := serve(t, b, importing(t, b))
			s.add(t, &auth.User{ID: oldID, Name: "ann", Password: oldHash})
			bring := func(id string) *client {
				c := s.client(t)
				c.giveOldCookie(id)
				return c
			}

			first := bring(oldID)
			first.is("ann")
			first.is("ann")
			if first.cookie("auth") != "" || first.cookie("session") == "" {
				t.Error("the old cookie was not replaced")
			}
			first.get("/visits").shows(t, 200, "8")

			// The first login here replaces the hash. It ends no session, and old cookies still
			// work.
			here := s.client(t)
			here.post("/login", "name", "ann", "password", "correct horse").redirects(t, "/")
			if hash := s.stored(t, "ann").Password; !strings.HasPrefix(hash, "$argon2id$") {
				t.Errorf("the hash is %s", hash)
			}
			first.is("ann")
			second := bring(oldID)
			second.is("ann")

			here.post("/account", "action", "password", "old", "correct horse", "new", "battery staple").redirects(t, "/account")
			here.is("ann")
			first.is("nobody")
			second.is("nobody")
			thief := bring(oldID)
			thief.is("nobody")
			thief.is("nobody")
			thief.get("/account").redirects(t, "/login?next=%2Faccount")

			// After a login in the same browser, a copy of the old cookie does not log in
			// either.
			thief.post("/login", "name", "ann", "password", "battery staple").redirects(t, "/")
			thief.is("ann")
		})
	}
}

// A webapp2 cookie does not log in a user who was given a password here in any way.
func TestImportedLoginIsRefused(t *testing.T) {
	tests := map[string]func(*auth.User){
		"signed up here":          func(u *auth.User) { u.Password = hashOf(t, "correct horse"); u.Restamp() },
		"logged out everywhere":   (*auth.User).Restamp,
		"without a password here": func(u *auth.User) { u.Password = ""; u.Restamp() },
		"stamp of another hash":   func(u *auth.User) { u.Restamp(); u.Password = "x$sha1$y" },
		"somebody else":           func(u *auth.User) { u.ID = "1" },
	}
	for kind, backend := range backends {
		for name, change := range tests {
			t.Run(kind+"/"+name, func(t *testing.T) {
				b := backend()
				s := serve(t, b, importing(t, b))
				user := &auth.User{ID: oldID, Name: "ann", Password: oldHash}
				change(user)
				s.add(t, user)
				c := s.client(t)
				c.giveOldCookie(oldID)
				c.is("nobody")
				c.is("nobody")
			})
		}
	}
}

// recordOfVersion1 is a login as earlier versions stored it: without a login part, with the
// credential in a value.
func recordOfVersion1(user string, created time.Time) []byte {
	text := func(to []byte, text string) []byte {
		return append(append(to, 0x78, byte(len(text))), text...)
	}
	at := func(to []byte) []byte {
		return binary.BigEndian.AppendUint64(append(to, 0x1b), uint64(created.UnixMilli()))
	}
	data := at(at([]byte{1, 0x85})) // the version, an array of five
	data = text(append(data, 0xa2), "credential of "+user)
	data = text(data, "the hash of a hash")
	data = append(append(data, 0x66), "visits"...)
	data = append(data, 7, 0x80)
	return text(data, user)
}

// A user whom an earlier version has logged in must log in once and keeps the other values.
func TestRecordOfVersion1(t *testing.T) {
	backend := sessions.NewMemory()
	s := serve(t, backend, credentials)
	user := &auth.User{Name: "ann", Password: hashOf(t, "correct horse")}
	s.add(t, user)
	c := s.client(t)
	c.get("/visits")
	id := c.get("/id").body
	record, err := backend.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	record.Data, record.User = recordOfVersion1(user.ID, s.clock.Now()), user.ID
	if _, err := backend.Update(t.Context(), id, record); err != nil {
		t.Fatal(err)
	}

	c.is("nobody")
	if again := c.get("/id").body; again != id {
		t.Errorf("the session was not read: its id is %q, want %q", again, id)
	}
	c.get("/account").redirects(t, "/login?next=%2Faccount")
	c.post("/login", "name", "ann", "password", "correct horse").redirects(t, "/")
	c.is("ann")
	c.is("ann")
	c.get("/visits").shows(t, 200, "8")
	if again := c.get("/id").body; again == id {
		t.Error("the id was not renewed")
	}
	list, err := s.site.Sessions.UserSessions(t.Context(), "", user.ID)
	if err != nil || !slices.ContainsFunc(list, func(i sessions.SessionInfo) bool { return i.Login.Method == "password" }) || len(list) != 1 {
		t.Errorf("the user's sessions: %v %v", list, err)
	}
}

// slowReader shows the user and is slow.
type slowReader struct {
	handlers.BaseHandler
	pause func()
}

func (h *slowReader) Get() error {
	user, err := h.User()
	if err != nil {
		return err
	}
	h.pause()
	if user != nil {
		_, err = fmt.Fprint(h, user.Name)
	}
	return err
}

type toucher struct{ handlers.BaseHandler }

func (h *toucher) Get() error { h.Session().Set("seen", true); return nil }

// A slow page of an imported session does not log the user in again after a logout.
func TestImportedLoginStaysLoggedOut(t *testing.T) {
	backend := sessions.NewMemory()
	var c *client
	s := serve(t, backend, func(s *server) {
		importing(t, backend)(s)
		s.app.Handle("/touch", framework.To[toucher](s.app))
		s.app.Handle("/slow", framework.From(s.app, func() *slowReader {
			return &slowReader{pause: func() { c.post("/logout").redirects(t, "/login?out=1") }}
		}))
		s.app.Handle("/read", framework.From(s.app, func() *slowReader { return &slowReader{pause: func() {}} }))
	})
	s.add(t, &auth.User{ID: oldID, Name: "ann", Password: oldHash})
	c = s.client(t)
	c.giveOldCookie(oldID)
	c.get("/touch").shows(t, 200) // imports the cookie, and does not read the user
	if a := c.get("/slow"); a.body != "ann" {
		t.Errorf("the slow page says %q", a.body)
	}
	if a := c.get("/read"); a.body != "" {
		t.Errorf("after the logout a page says %q", a.body)
	}
}
