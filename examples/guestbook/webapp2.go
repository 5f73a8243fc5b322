package main

import (
	"net/http"
	"time"

	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/webapp2cookie"
)

// oldAge is how long webapp2 remembered who was logged in, unless told otherwise.
const oldAge = 3 * 7 * 24 * time.Hour

// importLogins takes over who is logged in at the webapp2 program, whose secret_key
// is needed. The users keep the ids that they had there.
func importLogins(secret []byte) (*sessions.Import, error) {
	old, err := webapp2cookie.Import(secret, "auth", oldAge)
	if err != nil {
		return nil, err
	}
	read := old.Read
	old.Read = func(r *http.Request) map[string]any {
		id, ok := webapp2cookie.UserID(read(r))
		if !ok {
			return nil
		}
		return map[string]any{handlers.ImportedUser: id}
	}
	return old, nil
}
