package webapp2cookie

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

// minSecret is the shortest secret in bytes whose signatures mean anything.
const minSecret = 8

// Import returns what a session's Spec needs to take over the cookies called name
// that a webapp2 application signed with secret, its secret_key. webapp2 calls the
// cookie "session" unless it was told otherwise, and that of webapp2_extras.auth
// "auth". If the old application's cookie_args had a domain or a path, set Domain and Path
// of the Import to the same, such as ".example.com": else the old cookie stays, and a
// logout does not last.
//
// Cookies older than maxAge are refused. The old application may have had no
// limit; here it takes one to be safe, so that 0 is an error, as are a secret of fewer
// than 8 bytes, and a name that no cookie can have.
//
// The user whom webapp2_extras.auth had logged in becomes the session's user, and the rest
// of the dictionary its values.
//
// A cookie that is refused, for its age, its signature or its form, is as good as
// none: its user begins a new session. So is one of webapp2's memcache and
// datastore backends, which holds nothing but an id.
func Import(secret []byte, name string, maxAge time.Duration) (*sessions.Import, error) {
	switch {
	case len(secret) == 0:
		return nil, errors.New("webapp2cookie: an empty secret would take anybody's cookie: give the secret_key of the old application")
	case len(secret) < minSecret || bytes.Count(secret, secret[:1]) == len(secret):
		return nil, fmt.Errorf("webapp2cookie: a secret of %d bytes, or of one byte repeated, can be guessed, so that anybody can sign a cookie: import none of its cookies, and let the users log in again", len(secret))
	case maxAge <= 0:
		return nil, fmt.Errorf("webapp2cookie: maxAge is %v: give the age of the oldest cookie to take over", maxAge)
	}
	if err := (&http.Cookie{Name: name}).Valid(); err != nil {
		return nil, fmt.Errorf(`webapp2cookie: no cookie is called %q: give the cookie_name of the old application, "session" unless it was configured`, name)
	}
	secret = bytes.Clone(secret)
	read := func(r *http.Request) sessions.Imported {
		for _, cookie := range r.CookiesNamed(name) {
			dictionary, err := Decode(secret, name, cookie.Value, maxAge, time.Now())
			if err != nil || onlyID(dictionary) {
				continue
			}
			user, _ := userID(dictionary)
			delete(dictionary, "_user")
			return sessions.Imported{Values: dictionary, User: user}
		}
		return sessions.Imported{}
	}
	return &sessions.Import{Cookie: name, Read: read}, nil
}

// onlyID reports whether the dictionary is that of a memcache or datastore session.
func onlyID(dictionary map[string]any) bool {
	_, ok := dictionary["_sid"]
	return ok && len(dictionary) == 1
}
