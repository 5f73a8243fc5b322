package handlers

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"slices"
	"time"

	"github.com/gorilla/securecookie"

	"github.com/webapp2go/webapp2go/auth"
)

// The cookie that makes a browser known holds, sealed by gorilla/securecookie, for each
// user who has logged in there
//
//	user   16 bytes of the hash of the user's id
//	id     16 random bytes, which the meter counts
//	stamp  16 bytes of the hash of the user's stamp
//	date   8 bytes, big-endian: seconds since 1970
//
// after a byte that says which format this is.
const (
	browserCookie  = "known-browser"
	browserFormat  = 1
	browserEntry   = 16 + 16 + 16 + 8
	browserEntries = 5                    // users of one browser; the one who was there last stays
	browserAge     = 400 * 24 * time.Hour // what browsers keep a cookie for at the most (RFC 6265bis)
)

// A knownUser is somebody whom a browser is known for.
type knownUser struct {
	user, id, stamp [16]byte
	date            int64
}

func sum16(text string) (sum [16]byte) {
	all := sha256.Sum256([]byte(text))
	copy(sum[:], all[:])
	return sum
}

// is reports whether an entry is user's, and of the password that user has now.
func (k *knownUser) is(user *auth.User) bool {
	return k.user == sum16(user.ID) && k.stamp == sum16(user.Credential())
}

// Known makes the browser of r known for user, who has just proved who he is, by a
// cookie, and ends the tries of r as Done does. Call it before the header is written.
func (t *Throttle) Known(w http.ResponseWriter, r *http.Request, user *auth.User) {
	t.prepare()
	t.Done(r)
	now := knownUser{user: sum16(user.ID), stamp: sum16(user.Credential()), date: t.now().Unix()}
	rand.Read(now.id[:])
	known := []knownUser{now}
	for _, k := range t.knownUsers(r) {
		switch {
		case k.is(user):
			known[0].id = k.id // a login takes no failure back
		case k.user != now.user && len(known) < browserEntries:
			known = append(known, k)
		}
	}
	text := []byte{browserFormat}
	for _, k := range known {
		text = slices.Concat(text, k.user[:], k.id[:], k.stamp[:], binary.BigEndian.AppendUint64(nil, uint64(k.date)))
	}
	name, secure := t.browserCookie(r)
	value, err := securecookie.EncodeMulti(name, text, t.codecs...)
	if err != nil {
		t.log().ErrorContext(r.Context(), "handlers: the cookie of a known browser cannot be made", "error", err)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: int(browserAge / time.Second), Secure: secure, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

// browserCookie returns the name of the cookie, and whether it travels over https alone.
func (t *Throttle) browserCookie(r *http.Request) (name string, secure bool) {
	if t.app().Scheme(r) == "https" {
		return "__Host-" + browserCookie, true
	}
	return browserCookie, false
}

// knownUsers returns those whom the cookie of r names, the last one first.
func (t *Throttle) knownUsers(r *http.Request) []knownUser {
	name, _ := t.browserCookie(r)
	cookie, err := r.Cookie(name)
	if err != nil {
		return nil
	}
	var text []byte
	if securecookie.DecodeMulti(name, cookie.Value, &text, t.codecs...) != nil || len(text) == 0 || text[0] != browserFormat {
		return nil
	}
	var known []knownUser
	oldest := t.now().Add(-browserAge).Unix()
	for entry := range slices.Chunk(text[1:], browserEntry) {
		if len(entry) < browserEntry || len(known) == browserEntries {
			break
		}
		var k knownUser
		rest := entry[copy(k.user[:], entry):]
		rest = rest[copy(k.id[:], rest):]
		rest = rest[copy(k.stamp[:], rest):]
		if k.date = int64(binary.BigEndian.Uint64(rest)); k.date > oldest {
			known = append(known, k)
		}
	}
	return known
}

// browser returns what a password for name counts as, if the browser of r is known for
// the user of that name, else "".
func (t *Throttle) browser(r *http.Request, name string) string {
	users := t.Users
	if site := t.site.Load(); site != nil && users == nil {
		users = site.site.Users
	}
	if users == nil || t.limits.browser == nil || len(name) > longestName {
		return ""
	}
	known := t.knownUsers(r)
	if len(known) == 0 {
		return ""
	}
	user, err := users.ByName(r.Context(), name)
	if err != nil {
		return "" // nobody, or nobody knows: then the browser is one like all others
	}
	if i := slices.IndexFunc(known, func(k knownUser) bool { return k.is(user) }); i >= 0 {
		return base64.RawURLEncoding.EncodeToString(known[i].id[:])
	}
	return ""
}
