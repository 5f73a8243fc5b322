package oidc_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/auth/oidc"
	"github.com/webapp2go/webapp2go/auth/oidc/oidctest"
)

// A whole site with one way to log in. A person who comes for the first time gets a user.
func Example() {
	provider, err := oidctest.Start("127.0.0.1:0") // in the place of Google
	if err != nil {
		panic(err)
	}
	defer provider.Close()

	users := auth.NewMemory()
	var login *oidc.Provider
	site := http.NewServeMux()
	site.HandleFunc("POST /login/test", func(w http.ResponseWriter, r *http.Request) {
		to, err := login.Begin(w, r, oidc.Login{Next: "/"})
		if err != nil {
			http.Error(w, "Please try again later.", http.StatusServiceUnavailable)
			return
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
	})
	site.HandleFunc("GET /login/test/callback", func(w http.ResponseWriter, r *http.Request) {
		who, err := login.Finish(w, r)
		if err != nil {
			http.Error(w, "Please log in again.", http.StatusForbidden)
			return
		}
		user, err := users.ByKey(r.Context(), auth.AuthIDKey(who.AuthID))
		if errors.Is(err, auth.ErrNotFound) {
			user = &auth.User{Email: who.Email, Verified: who.Verified, AuthIDs: []string{who.AuthID}}
			user.Restamp()
			err = users.Create(r.Context(), user) // auth.ErrExists: log in as before, and link the account there
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
		fmt.Fprintf(w, "%s is %s, verified: %v", user.AuthIDs[0], user.Email, user.Verified) // and log the user in
	})
	server := httptest.NewServer(site)
	defer server.Close()
	login, err = oidc.New(oidc.Config{ // or oidc.Google(...)
		Name: "test", Issuer: provider.Issuer(),
		ClientID: provider.ClientID, ClientSecret: auth.Secret(provider.ClientSecret),
		RedirectURL: server.URL + "/login/test/callback",
		Keys:        [][]byte{[]byte(strings.Repeat("k", 32))}, // manager.Derive("oidc")
		Insecure:    true,                                      // for http
	})
	if err != nil {
		panic(err)
	}

	// A browser presses the button, its person chooses an account, and it comes back.
	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := browser.Post(server.URL+"/login/test", "", nil)
	if err != nil {
		panic(err)
	}
	back, err := provider.Authorize(response.Header.Get("Location"), "1")
	if err != nil {
		panic(err)
	}
	response, err = browser.Get(back)
	if err != nil {
		panic(err)
	}
	var page [100]byte
	n, _ := response.Body.Read(page[:])
	fmt.Println(response.StatusCode, string(page[:n]))
	// Output: 200 test:1 is ann@example.com, verified: false
}

// Logins with Google at a site whose sessions are those of a sessions.Manager.
func ExampleGoogle() {
	keys := [][]byte{[]byte(strings.Repeat("k", 32))} // manager.Derive("oidc")
	google, err := oidc.New(oidc.Google("1234.apps.googleusercontent.com", "secret", "https://example.com/login/google/callback", keys))
	if err != nil {
		panic(err)
	}
	fmt.Println(google.Name(), google.Origins())
	// Output: google [https://accounts.google.com]
}
