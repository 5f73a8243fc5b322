package main

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/handlers/demo"
	"github.com/webapp2go/webapp2go/sessions"
)

// Only the user whom --admin names now has the role. A user who was named before does not have
// it, whatever is stored, even after a change of password.
func TestAdminIsWhoIsNamedNow(t *testing.T) {
	const password = "correct horse battery"
	passwords := map[string]string{"ann": password, "bert": password, "carl": password}
	users := auth.NewMemory()
	for name, roles := range map[string][]string{"ann": nil, "bert": {"editor", demo.RoleAdmin}, "carl": {"editor"}} {
		user := &auth.User{Name: name, Roles: roles}
		if err := new(auth.Passwords).SignUp(t.Context(), users, user, password); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		flag  string
		users string
		want  string // who may see /admin
		log   string
	}{
		{"ann", "datastore", "ann", "one user may see /admin\" name=ann"},
		{"BERT", "datastore", "bert", "one user may see /admin\" name=bert"},
		{"carl", "memory", "carl", "one user may see /admin\" name=carl"},
		{"nobody", "datastore", "", "that --admin names has not signed up"},
		{"", "datastore", "", "no user may see /admin; --admin names one"},
	} {
		t.Run("-admin="+test.flag, func(t *testing.T) {
			var log bytes.Buffer
			c := &config{Admin: test.flag, Users: test.users, Insecure: true}
			app, err := newApp(t.Context(), c, []sessions.Key{sessions.RandomKey()}, &services{users: users, sessions: sessions.NewMemory()}, slog.New(slog.NewTextHandler(&log, nil)))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(log.String(), test.log) {
				t.Errorf("missing %q in the log\n%s", test.log, &log)
			}
			app.Log = slog.New(slog.DiscardHandler)
			server := httptest.NewServer(app)
			defer server.Close()
			for name := range passwords {
				if name != test.want && name != "bert" { // who was the administrator before
					continue
				}
				jar, err := cookiejar.New(nil)
				if err != nil {
					t.Fatal(err)
				}
				client := http.Client{Jar: jar}
				send := func(path string, form url.Values) int {
					res, err := client.PostForm(server.URL+path, form)
					if err != nil {
						t.Fatal(err)
					}
					res.Body.Close()
					return res.StatusCode
				}
				send("/login", url.Values{"name": {name}, "password": {passwords[name]}})
				// The user is stored with the roles of this start.
				next := passwords[name] + " more"
				if got := send("/account", url.Values{"action": {"password"}, "old": {passwords[name]}, "new": {next}}); got != 200 {
					t.Errorf("%s changes the password: %d", name, got)
				}
				passwords[name] = next
				res, err := client.Get(server.URL + "/admin")
				if err != nil {
					t.Fatal(err)
				}
				res.Body.Close()
				if want := map[bool]int{true: 200, false: 403}[name == test.want]; res.StatusCode != want {
					t.Errorf("%s gets %d, want %d", name, res.StatusCode, want)
				}
			}
		})
	}
	if carl, err := users.ByLogin(t.Context(), "carl"); err != nil || !carl.Has("editor") {
		t.Errorf("carl has lost another role: %v, %v", carl.Roles, err)
	}
}
