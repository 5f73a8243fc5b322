package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strconv"
	"strings"
)

// A stamp is a random nonce and a hash that binds it to the stored password:
//
//	nonce "." base64(SHA-256(nonce, Password))
//
// While it is bound, the nonce is what sessions hang on. So a hash that is made anew for
// the same password, with the same nonce, ends nothing. A program that writes another
// Password and knows nothing of stamps breaks the binding, which ends everything.

// fromOlderSystem begins the nonce of a user whose password was never set here.
const fromOlderSystem = "~"

func bind(nonce, password string) string {
	return nonce + "." + digest(nonce, password)
}

// digest hashes texts, each with its length.
func digest(texts ...string) string {
	h := sha256.New()
	for _, text := range texts {
		h.Write([]byte(strconv.Itoa(len(text)) + ":" + text))
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:24])
}

// nonce returns the nonce of the user's stamp, if it is bound to the password.
func (u *User) nonce() (nonce string, bound bool) {
	nonce, _, _ = strings.Cut(u.Stamp, ".")
	if nonce == "" || subtle.ConstantTimeCompare([]byte(bind(nonce, u.Password)), []byte(u.Stamp)) != 1 {
		return "", false
	}
	return nonce, true
}

// effective returns what stands for the user's stamp: its nonce, or a hash of the
// password if there is no stamp or it is not bound.
func (u *User) effective() string {
	if nonce, bound := u.nonce(); bound {
		return strings.TrimPrefix(nonce, fromOlderSystem)
	}
	return digest("unbound", u.Password)
}

// Credential returns what a login of the user is bound to. It is another one after every
// change of the password, whoever made it, and after [User.Restamp]: what was bound to
// the old one has ended then. A name, roles and a hash that is made anew for the same
// password leave it alone. It is never empty and tells nothing of the password.
func (u *User) Credential() string {
	return digest("credential", u.ID, strconv.FormatInt(u.Created.UnixMicro(), 10), u.effective())
}

// HasCredential reports whether credential is the user's. An empty one is nobody's.
func (u *User) HasCredential(credential string) bool {
	return u != nil && subtle.ConstantTimeCompare([]byte(credential), []byte(u.Credential())) == 1
}

// Restamp gives the user a new stamp, which ends all sessions and tokens once it is
// stored: "log out everywhere", and what a program calls after it has set Password.
// [Passwords.SignUp] and [Passwords.Change] do it by themselves.
func (u *User) Restamp() { u.Stamp = bind(rand.Text(), u.Password) }

// Imported reports whether the user came from an older system and has never been given a
// password here, so that a login that the older system has made may still count.
func (u *User) Imported() bool {
	if u.Stamp == "" {
		return true
	}
	nonce, bound := u.nonce()
	return bound && strings.HasPrefix(nonce, fromOlderSystem)
}

// rehashed stores another hash of the same password, which ends nothing.
func (u *User) rehashed(hash string) {
	nonce, bound := u.nonce()
	switch {
	case bound:
	case u.Stamp == "":
		nonce = fromOlderSystem + u.effective()
	default:
		nonce = u.effective()
	}
	u.Password, u.Stamp = hash, bind(nonce, hash)
}
