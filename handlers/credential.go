package handlers

import (
	"crypto/sha256"
	"encoding/base64"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/sessions"
)

// credentialOf and the user's id are the key under which a login keeps what its user's
// password was, so that another password ends it on every backend: also where sessions
// cannot be listed, and also a login that was checked against the old password and saved
// after the change. A hash made anew for stronger Params counts as another password.
const credentialOf = "credential of "

// credential tells one stored hash from another, and nothing of either: it is a hash of
// a hash with a salt.
func credential(user *auth.User) string {
	sum := sha256.Sum256([]byte(user.Password))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// hasCredential reports whether user's password is that of the session's login. A
// session that was made the user's by SetUser alone, without a password, is let in:
// also one in which another user had logged in.
func hasCredential(session *sessions.Session, user *auth.User) bool {
	kept, found := sessions.Get[string](session, credentialOf+user.ID)
	return !found || kept == credential(user)
}

// LogIn makes the session that of user, for whoever has checked who it is: the pages of
// this package, or a login of the site's own. The session's id is renewed, so that one which
// somebody else knew before is worth nothing (OWASP: session fixation), and what
// another user left in it is dropped.
func (h *BaseHandler) LogIn(user *auth.User) {
	session := h.Session()
	if before := session.User(); before != "" && before != user.ID {
		session.Clear()
	}
	session.Renew()
	session.SetUser(user.ID)
	session.Set(credentialOf+user.ID, credential(user))
	h.user, h.known, h.owner = user, true, user.ID
}
