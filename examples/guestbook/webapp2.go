package main

import (
	"net/http"
	"time"

	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/webapp2cookie"
)

const (
	oldCookie = "auth"                 // in which webapp2_extras.auth kept who is logged in
	oldUser   = "webapp2.user"         // the session's key for that, until a page has seen it
	oldAge    = 3 * 7 * 24 * time.Hour // how long webapp2 remembered, unless told otherwise
)

// importLogins takes over who is logged in at the webapp2 program, whose secret_key
// is needed. The users keep the ids that they had there.
func importLogins(secret []byte) (*sessions.Import, error) {
	old, err := webapp2cookie.Import(secret, oldCookie, oldAge)
	if err != nil {
		return nil, err
	}
	read := old.Read
	old.Read = func(r *http.Request) map[string]any {
		id, ok := webapp2cookie.UserID(read(r))
		if !ok {
			return nil
		}
		return map[string]any{oldUser: id}
	}
	return old, nil
}

// Base is what the pages embed while visitors still come from the webapp2 program.
type Base struct{ handlers.BaseHandler }

// Dispatch logs in who brings the old cookie and none of ours. Everybody else costs it
// nothing.
func (h *Base) Dispatch() error {
	if _, err := h.Request.Cookie(oldCookie); err == nil {
		if id, ok := sessions.Get[string](h.Session(), oldUser); ok {
			h.Session().Delete(oldUser)
			h.Session().SetUser(id)
		}
	}
	return h.BaseHandler.Dispatch()
}
