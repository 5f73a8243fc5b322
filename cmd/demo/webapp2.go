package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/webapp2"
)

// oldSite names the webapp2 application whose users stay logged in. The zero value names
// none.
type oldSite struct {
	SecretFile string `env:"WEBAPP2_SECRET_FILE" placeholder:"PATH" help:"A file with the secret_key of a webapp2 application, whose users stay logged in."`
	Cookie     string `env:"WEBAPP2_COOKIE" default:"auth" placeholder:"NAME" help:"The name of that application's cookie."`
}

// webapp2Age is how long webapp2_extras.auth let a login last, its token_max_age.
const webapp2Age = 21 * 24 * time.Hour

// load returns the Import of the application, nil if there is none. With makeUsers it makes
// the users that old cookies name, without a password: the demo's own users cannot have them yet.
func (w oldSite) load(users auth.Backend, makeUsers bool) (*sessions.Import, error) {
	if w.SecretFile == "" {
		return nil, nil
	}
	secret, err := os.ReadFile(w.SecretFile)
	if err != nil {
		return nil, fmt.Errorf("WEBAPP2_SECRET_FILE: %w", err)
	}
	old, err := webapp2.ImportCookies(bytes.TrimSpace(secret), w.Cookie, webapp2Age)
	if err != nil {
		return nil, fmt.Errorf("WEBAPP2_SECRET_FILE, WEBAPP2_COOKIE: %w", err)
	}
	if !makeUsers {
		return old, nil
	}
	read := old.Read
	old.Read = func(r *http.Request) sessions.Imported {
		imported := read(r)
		if id := imported.User; id != "" {
			// If this fails, the user exists, or nobody is logged in.
			_ = users.Create(r.Context(), &auth.User{ID: id, Name: "user " + id})
		}
		return imported
	}
	return old, nil
}
