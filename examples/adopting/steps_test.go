package adopting

import (
	"encoding/gob"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"
	gorilla "github.com/gorilla/sessions"

	"github.com/webapp2go/webapp2go/sessions"
)

func manager(t *testing.T, old *sessions.Import) *sessions.Manager {
	t.Helper()
	m, err := sessions.New(sessions.Config{
		Keys:     []sessions.Key{sessions.RandomKey()},
		Sessions: []sessions.Spec{{Backend: sessions.NewMemory(), IdleTimeout: 24 * time.Hour, Insecure: true, Import: old}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// programs are the steps, each with new sessions that know the old ones by an Import.
var programs = map[string]func(t *testing.T, old *sessions.Import) http.Handler{
	"sessions first": func(t *testing.T, old *sessions.Import) http.Handler { return SessionsFirst(manager(t, old)) },
	"path by path":   func(t *testing.T, old *sessions.Import) http.Handler { return PathByPath(manager(t, old)) },
	"templates": func(t *testing.T, old *sessions.Import) http.Handler {
		app, err := Templates(manager(t, old))
		if err != nil {
			t.Fatal(err)
		}
		return app
	},
}

// A visitor is a browser at one program, which can be replaced by another.
type visitor struct {
	t      *testing.T
	client *http.Client
	server *httptest.Server
}

func visit(t *testing.T, program http.Handler) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	v := &visitor{t, &http.Client{Jar: jar, Timeout: time.Minute}, httptest.NewServer(program)}
	t.Cleanup(v.server.Close)
	return v
}

// deploy replaces the program, as a deployment does.
func (v *visitor) deploy(program http.Handler) { v.server.Config.Handler = program }

// sees checks a page and returns the path to which redirects have led.
func (v *visitor) sees(res *http.Response, err error, want string) (path string) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != 200 || !strings.Contains(string(text), want) {
		v.t.Errorf("%s %v, want %q\n%s", res.Status, err, want, text)
	}
	return res.Request.URL.Path
}

func (v *visitor) get(path, want string) string {
	v.t.Helper()
	res, err := v.client.Get(v.server.URL + path)
	return v.sees(res, err, want)
}

func (v *visitor) post(path, want string, form url.Values) string {
	v.t.Helper()
	res, err := v.client.PostForm(v.server.URL+path, form)
	return v.sees(res, err, want)
}

// journey is the test that the program had, and has after each step.
func journey(t *testing.T, program http.Handler) {
	v := visit(t, program)
	v.get("/", "visit 1")
	v.get("/", "visit 2")
	if path := v.get("/books/7", `name="name"`); path != "/login" {
		t.Errorf("a stranger is at %s", path)
	}
	v.post("/login", "visit 3", url.Values{"name": {"ann"}})
	v.get("/books/7", "book 7 of ann")
	v.post("/logout", `name="name"`, nil)
	if path := v.get("/books/7", `name="name"`); path != "/login" {
		t.Errorf("after the logout the visitor is at %s", path)
	}
}

func TestEachStepDoesWhatTheProgramDid(t *testing.T) {
	t.Run("before", func(t *testing.T) { journey(t, Before(scs.New())) })
	for name, program := range programs {
		t.Run(name, func(t *testing.T) { journey(t, program(t, nil)) })
	}
}

// A user of the old program stays logged in, with the values of the session, and a logout
// lasts.
func takeOver(t *testing.T, v *visitor, program http.Handler, oldCookie string) {
	t.Helper()
	v.deploy(program)
	v.get("/books/7", "book 7 of ann")
	v.get("/", "visit 3")
	site, err := url.Parse(v.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, cookie := range v.client.Jar.Cookies(site) {
		if cookie.Name == oldCookie {
			t.Error("the old cookie is still there")
		}
	}
	v.post("/logout", `name="name"`, nil)
	if path := v.get("/books/7", `name="name"`); path != "/login" {
		t.Errorf("after the logout the visitor is at %s", path)
	}
}

func TestNobodyIsLoggedOutByTheMoveFromSCS(t *testing.T) {
	for name, program := range programs {
		t.Run(name, func(t *testing.T) {
			old := scs.New()
			old.Cookie.Name = "scs-session"
			v := visit(t, Before(old))
			v.get("/", "visit 1")
			v.post("/login", "visit 2", url.Values{"name": {"ann"}})
			takeOver(t, v, program(t, FromSCS(old, "user")), "scs-session")
		})
	}
}

func TestNobodyIsLoggedOutByTheMoveFromGorilla(t *testing.T) {
	gob.Register(0)
	for name, program := range programs {
		t.Run(name, func(t *testing.T) {
			old := gorilla.NewCookieStore([]byte("the old program's key, 32 bytes."))
			v := visit(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				session, err := old.Get(r, "gorilla-session")
				if err != nil {
					t.Error(err)
				}
				session.Values["user"], session.Values["visits"] = "ann", 2
				if err := session.Save(r, w); err != nil {
					t.Error(err)
				}
			}))
			v.get("/", "")
			takeOver(t, v, program(t, FromGorilla(old, "gorilla-session", "user", *old.Options)), "gorilla-session")
		})
	}
}

// What is forged, empty or of nobody logs nobody in.
func TestImportOfNothing(t *testing.T) {
	store := gorilla.NewCookieStore([]byte("the old program's key, 32 bytes."))
	for name, read := range map[string]func(*http.Request) sessions.Imported{
		"scs":     FromSCS(scs.New(), "user").Read,
		"gorilla": FromGorilla(store, "session", "user", *store.Options).Read,
	} {
		for _, value := range []string{"", "forged"} {
			r := httptest.NewRequest("GET", "/", nil)
			r.AddCookie(&http.Cookie{Name: "session", Value: value})
			if found := read(r); found.User != "" || len(found.Values) > 0 {
				t.Errorf("%s, cookie %q: %v", name, value, found)
			}
		}
	}
	if user := takeUser(map[string]any{"user": 0}, "user"); user != "" {
		t.Errorf("the id 0 is the user %q", user)
	}
}
