package main

import (
	"time"

	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/webapp2"
)

// oldAge is how long webapp2 remembered who was logged in, unless told otherwise.
const oldAge = 3 * 7 * 24 * time.Hour

// importLogins takes over who is logged in at the webapp2 program, whose secret_key
// is needed. The users keep the ids that they had there.
func importLogins(secret []byte) (*sessions.Import, error) {
	return webapp2.ImportCookies(secret, "auth", oldAge)
}
