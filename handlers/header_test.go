package handlers_test

import (
	"bytes"
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

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
)

// cachedHandler reads the user, sets the Cache-Control in the query, and sets a cookie if the
// query says so.
type cachedHandler struct{ handlers.BaseHandler }

func (h *cachedHandler) Get() error {
	query := h.Request.URL.Query()
	if own := query.Get("own"); own != "" {
		h.Response.Header().Set("Cache-Control", own)
	}
	if query.Has("cookie") {
		h.Session().Renew()
	}
	user, err := h.User()
	if err == nil && user != nil {
		_, err = fmt.Fprint(h, user.Name)
	}
	return err
}

// A journal keeps the log. It is safe for concurrent use.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) count(text string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Count(j.text.String(), text)
}

// Cache-Control of pages without a user, with a user, and with a cookie.
func TestCacheControl(t *testing.T) {
	const personal = "private, no-cache" // the Cache-Control that the site sets for users' pages
	tests := []struct {
		own                    string // the Cache-Control that the handler sets
		nobody, user, cookie   string // the Cache-Control of the response
		userAsTheSiteSays      string // the same if the site sets its own
		warnings, errorRecords int    // without and with a cookie
	}{
		{"", "private, no-cache", "no-store", "no-store", personal, 0, 0},
		{"private", "private", "private", "private", "private", 0, 0},
		{"private, max-age=60", "private, max-age=60", "private, max-age=60", "private, max-age=60", "private, max-age=60", 0, 0},
		{"no-store", "no-store", "no-store", "no-store", "no-store", 0, 0},
		{"max-age=60", "max-age=60", "max-age=60", "no-store", "max-age=60", 0, 0},
		{"no-cache", "no-cache", "no-cache", "no-store", "no-cache", 0, 0},
		{"public", "public", "public", "no-store", "public", 1, 1},
		{"Public, max-age=60", "Public, max-age=60", "Public, max-age=60", "no-store", "Public, max-age=60", 1, 1},
		{"max-age=60, s-maxage=600", "max-age=60, s-maxage=600", "max-age=60, s-maxage=600", "no-store", "max-age=60, s-maxage=600", 0, 0},
	}
	for kind, backend := range backends {
		for _, choice := range []string{"", personal} {
			for _, test := range tests {
				t.Run(kind+"/"+choice+"/"+test.own, func(t *testing.T) {
					log, b := new(journal), backend()
					s := serve(t, b, func(s *server) {
						s.configure(t, b, func(c *sessions.Config) {
							c.PersonalCache, c.Log = choice, slog.New(slog.NewTextHandler(log, nil))
						})
						s.app.Handle("/visits", framework.To[visitsHandler](s.app))
						s.app.Handle("/cached", framework.To[cachedHandler](s.app))
						s.app.Handle("/baked", framework.To[cachedHandler](s.app))
					})
					nobody, user := s.client(t), s.client(t)
					nobody.get("/visits")
					user.signUp("ann")
					forUser := test.user
					if choice != "" {
						forUser = test.userAsTheSiteSays
					}
					own := "?own=" + url.QueryEscape(test.own)
					for range 2 {
						for _, sent := range []struct {
							who           *client
							path, control string
						}{
							{nobody, "/cached" + own, test.nobody}, {user, "/cached" + own, forUser},
							{nobody, "/baked" + own + "&cookie", test.cookie}, {user, "/baked" + own + "&cookie", test.cookie},
						} {
							a := sent.who.get(sent.path)
							a.shows(t, 200)
							if got := a.header.Values("Cache-Control"); len(got) != 1 || got[0] != sent.control {
								t.Errorf("%s: Cache-Control %q, want %q", sent.path, got, sent.control)
							}
							if !slices.Contains(a.header.Values("Vary"), "Cookie") {
								t.Errorf("%s: Vary %q", sent.path, a.header.Values("Vary"))
							}
							if set := len(a.header.Values("Set-Cookie")) > 0; set != strings.HasSuffix(sent.path, "cookie") {
								t.Errorf("%s: a cookie: %v", sent.path, set)
							}
						}
					}
					if w, e := log.count("level=WARN"), log.count("level=ERROR"); w != test.warnings || e != test.errorRecords {
						t.Errorf("%d warnings and %d errors, want %d and %d:\n%s", w, e, test.warnings, test.errorRecords, &log.text)
					}
				})
			}
		}
	}
}

// Browsers can cache the built-in pages without a user, but not those of a user.
func TestCacheControlOfPages(t *testing.T) {
	for kind, backend := range backends {
		t.Run(kind, func(t *testing.T) {
			s := serve(t, backend(), nil)
			c := s.client(t)
			sends := func(a answer, control string, cookies int) {
				t.Helper()
				if got := a.header.Get("Cache-Control"); got != control {
					t.Errorf("Cache-Control %q, want %q", got, control)
				}
				got := slices.DeleteFunc(slices.Clone(a.header.Values("Set-Cookie")), func(line string) bool { return strings.HasPrefix(line, "known-browser=") })
				if len(got) != cookies {
					t.Errorf("cookies %q, want %d", got, cookies)
				}
			}
			sends(c.get("/login"), "private, no-cache", 0)
			sends(c.get("/account"), "private, no-cache", 0)
			sends(c.post("/signup", "name", "ann", "password", "correct horse"), "no-store", 1)
			c.get("/account") // takes the flash
			sends(c.get("/account"), "no-store", 0)
			sends(c.get("/login"), "no-store", 0)
			sends(c.get("/nowhere"), "no-store", 0)
			logout := c.post("/logout")
			sends(logout, "no-store", 2) // see LogoutHandler.Post
			for _, line := range logout.header.Values("Set-Cookie") {
				if !strings.Contains(line, "; HttpOnly") || !strings.Contains(line, "; Path=/;") {
					t.Errorf("a cookie that tells the browser nothing: %s", line)
				}
			}
			sends(c.get("/login"), "private, no-cache", 0)
		})
	}
}

// socketHandler reads the session, changes it if the query says so, and hijacks the
// connection, as a WebSocket does.
type socketHandler struct{ handlers.BaseHandler }

func (h *socketHandler) Get() error {
	user, err := h.User()
	if err != nil {
		return err
	}
	if h.Request.URL.Query().Has("change") {
		h.Session().Set("changed", true)
	}
	connection, _, err := http.NewResponseController(h.Response).Hijack()
	if err != nil {
		return err
	}
	defer connection.Close()
	_, err = fmt.Fprintf(connection, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n%s", user.Name)
	return err
}

// A hijacked connection cannot send a cookie. A renewal of the idle time is postponed to the
// next response.
func TestHijack(t *testing.T) {
	for kind, backend := range backends {
		t.Run(kind, func(t *testing.T) {
			s := serve(t, backend(), func(s *server) {
				s.app.Handle("/who", framework.To[userPage](s.app))
				s.app.Handle("/socket", framework.To[socketHandler](s.app))
				s.app.Handle("/changed", framework.ToMethod(s.app, func(h *userPage) error {
					_, err := fmt.Fprint(h, h.Session().Get("changed"))
					return err
				})).Methods("GET", "HEAD")
			})
			c := s.client(t)
			connect := func(path string) (status int, body string) {
				t.Helper()
				r, err := http.NewRequest(http.MethodGet, s.URL+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Connection", "Upgrade")
				r.Header.Set("Upgrade", "echo")
				res, err := c.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				text, _ := io.ReadAll(res.Body) // a hijacked connection may end at any time
				return res.StatusCode, string(text)
			}
			c.signUp("ann")
			before := c.cookie("session")
			s.clock.Advance(40 * time.Minute) // of an hour: the idle time is to be renewed
			if status, body := connect("/socket"); status != http.StatusSwitchingProtocols || body != "ann" {
				t.Errorf("%d %q", status, body)
			}
			c.is("ann")
			if renewed := c.cookie("session") != before; renewed != (kind == "cookie") {
				t.Errorf("the next response sets a cookie: %v", renewed)
			}
			s.clock.Advance(40 * time.Minute) // more than an hour since the login
			c.is("ann")

			status, _ := connect("/socket?change")
			want := http.StatusSwitchingProtocols
			if kind == "cookie" { // which is the session: it goes out with the error
				want = http.StatusInternalServerError
			}
			if status != want {
				t.Errorf("a changed session: %d, want %d", status, want)
			}
			c.get("/changed").shows(t, 200, "true")
			c.is("ann")
		})
	}
}

// committing saves its session and then fails.
type committing struct{ handlers.BaseHandler }

func (h *committing) Get() error {
	if _, err := h.User(); err != nil {
		return err
	}
	if h.Request.URL.Query().Has("renew") {
		h.Session().Renew()
	}
	if err := h.Response.Commit(); err != nil {
		return err
	}
	return h.Abort(http.StatusNotFound)
}

// An error page after the sessions were saved is not cached, like the page itself.
func TestErrorAfterACommitIsNotKept(t *testing.T) {
	for kind, backend := range backends {
		s := serve(t, backend(), func(s *server) { s.app.Handle("/commit", framework.To[committing](s.app)) })
		c := s.client(t)
		c.signUp("ann")
		for _, path := range []string{"/commit", "/commit?renew"} {
			a := c.get(path)
			a.shows(t, http.StatusNotFound)
			if got := a.header.Get("Cache-Control"); got != "no-store" {
				t.Errorf("%s, %s: Cache-Control %q", kind, path, got)
			}
		}
	}
}
