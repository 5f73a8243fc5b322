package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A User is somebody who can log in. It is a plain value: a [Backend] returns copies and
// keeps copies, so a change of one is stored by Update only.
//
// A user needs at least one of a Name, a verified Email and an entry of AuthIDs. See
// [User.Keys] for the bounds of the fields.
type User struct {
	// ID is given by Backend.Create if it is empty, and never changes. It can be kept in a
	// session or in other data. At most MaxID bytes.
	ID string
	// Name is what the user types to log in, as it was first written. It is unique by
	// [NameKey]. If empty, the user logs in by address or by a login from elsewhere.
	Name string
	// Email is the address that mail for the user is sent to. Set it with [User.SetEmail].
	Email string
	// Verified says that the user has shown that Email is theirs. Only a verified address
	// is unique and finds its user: otherwise anybody could take the address of somebody
	// else.
	Verified bool
	// AuthIDs name the user at other systems, such as "google:1234". Each is unique and
	// is compared byte by byte. Change them with [User.AddAuthID] and [User.RemoveAuthID].
	AuthIDs []string
	// Password is the encoded hash of the password, which is never printed or encoded.
	// If empty, there is no login by password.
	Password string `json:"-" xml:"-" yaml:"-"`
	// Stamp is what sessions and tokens of the user depend on. See [User.Credential].
	Stamp string `json:"-" xml:"-" yaml:"-"`
	// Disabled users cannot log in, and their sessions have ended.
	Disabled bool
	// Roles are what the user may do. Their names are the site's own.
	Roles []string
	// Properties are values of the application. See [Get] and [User.Set].
	Properties Properties `json:"-" xml:"-" yaml:"-"`
	// Links is how many login links the user has used. It makes each of them work once.
	Links uint64
	// Created is when the user was created, to the microsecond. If zero, Create sets it.
	Created time.Time
	// Version is that of the stored user. Update and Delete refuse any other.
	Version uint64
}

// Has reports whether the user has a role. A nil User has none.
func (u *User) Has(role string) bool {
	return u != nil && slices.Contains(u.Roles, role)
}

// Clone returns a copy that shares nothing with u.
func (u *User) Clone() *User {
	c := *u
	c.Roles = slices.Clone(u.Roles)
	c.AuthIDs = slices.Clone(u.AuthIDs)
	c.Properties = u.Properties.clone()
	return &c
}

// SetEmail gives the user an address, as [ParseEmail] returns it. It returns an
// *[InvalidError] if the text is not an address; an empty text removes the address. The
// user's sessions go on. Tokens that were sent to the old address are no longer valid.
func (u *User) SetEmail(address string, verified bool) error {
	if address == "" {
		u.Email, u.Verified = "", false
		return nil
	}
	address, err := ParseEmail(address)
	if err != nil {
		return err
	}
	u.Email, u.Verified = address, verified
	return nil
}

// HasAuthID reports whether id is one of the user's AuthIDs.
func (u *User) HasAuthID(id string) bool { return slices.Contains(u.AuthIDs, id) }

// AddAuthID adds a login from elsewhere and gives the user a new stamp, which ends the
// other sessions. It does nothing if the user has the id.
func (u *User) AddAuthID(id string) error {
	switch {
	case u.HasAuthID(id):
		return nil
	case AuthIDKey(id) == "":
		return fmt.Errorf("auth: %.80q cannot be an auth id: an auth id has 1 to %d bytes of UTF-8 without control characters", id, maxAuthID)
	case len(u.AuthIDs) >= maxAuthIDs:
		return fmt.Errorf("auth: a user can have at most %d auth ids", maxAuthIDs)
	}
	u.AuthIDs = append(slices.Clone(u.AuthIDs), id)
	u.Restamp()
	return nil
}

// ErrLastAuthID is returned by [User.RemoveAuthID] if the user could not log in afterwards.
// Its HTTPStatus is 409.
var ErrLastAuthID error = statusError{"auth: the only way to log in cannot be removed", http.StatusConflict}

// RemoveAuthID removes a login from elsewhere and gives the user a new stamp, which ends
// the other sessions. It returns [ErrLastAuthID] if the user has no other auth id and
// cannot log in by a password, which needs a name or a verified address. It does nothing
// if the user does not have the id.
func (u *User) RemoveAuthID(id string) error {
	if !u.HasAuthID(id) {
		return nil
	}
	if len(u.AuthIDs) == 1 && (u.Password == "" || u.Name == "" && !u.Verified) {
		return ErrLastAuthID
	}
	u.AuthIDs = slices.DeleteFunc(slices.Clone(u.AuthIDs), func(other string) bool { return other == id })
	u.Restamp()
	return nil
}

// Credential returns what a login of the user is bound to. A change of the password
// changes it, whoever made the change, and so does [User.Restamp]: sessions and tokens
// that are bound to the old one end. A change of name, address, roles or properties, and a
// new hash of the same password, leave it alone. It is never empty, and the password
// cannot be found out from it.
func (u *User) Credential() string {
	return digest("credential", u.ID, strconv.FormatInt(u.Created.UnixMicro(), 10), u.effectiveStamp())
}

// HasCredential reports whether credential is the user's. An empty one belongs to no user,
// and a disabled user has none. It takes constant time.
func (u *User) HasCredential(credential string) bool {
	return u != nil && !u.Disabled && subtle.ConstantTimeCompare([]byte(credential), []byte(u.Credential())) == 1
}

// Restamp gives the user a new stamp. Once the user is stored, all sessions and tokens
// have ended: call it for "log out everywhere", and after setting Password.
// [Passwords.SignUp], [Passwords.Set] and [Passwords.Change] call it.
func (u *User) Restamp() { u.Stamp = bindStamp(rand.Text(), u.Password) }

// Imported reports whether the user came from an older system and has not been given a
// password here, so that a login that the older system has made may still count.
func (u *User) Imported() bool {
	if u.Stamp == "" {
		return true
	}
	nonce, bound := u.nonce()
	return bound && strings.HasPrefix(nonce, fromOlderSystem)
}

// A stamp is a random nonce and a hash that binds it to the stored password:
//
//	nonce "." base64(SHA-256(nonce, Password))
//
// While it is bound, sessions depend on the nonce, and a new hash of the same password
// with the same nonce ends nothing. A program that writes another Password without a new
// stamp breaks the binding, which ends all sessions and tokens.

// fromOlderSystem begins the nonce of a user whose password was never set here.
const fromOlderSystem = "~"

func bindStamp(nonce, password string) string {
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
	if nonce == "" || subtle.ConstantTimeCompare([]byte(bindStamp(nonce, u.Password)), []byte(u.Stamp)) != 1 {
		return "", false
	}
	return nonce, true
}

// effectiveStamp returns the nonce of the stamp. If there is no stamp or it is not bound,
// it returns a hash of the password and the stamp.
func (u *User) effectiveStamp() string {
	if nonce, bound := u.nonce(); bound {
		return strings.TrimPrefix(nonce, fromOlderSystem)
	}
	return digest("unbound", u.Password, u.Stamp)
}

// rehashed sets another hash of the same password, which ends no session.
func (u *User) rehashed(hash string) {
	nonce, bound := u.nonce()
	switch {
	case bound:
	case u.Stamp == "":
		nonce = fromOlderSystem + u.effectiveStamp()
	default:
		nonce = u.effectiveStamp()
	}
	u.Password, u.Stamp = hash, bindStamp(nonce, hash)
}

// Format prints the user without the password hash, the stamp and the values of
// properties, for every verb of package fmt, and so for package log/slog. Two things
// still show the hash: package fmt does not call Format for a User in an unexported field
// of another struct, and package encoding/gob encodes all fields.
func (u User) Format(s fmt.State, verb rune) {
	type plain User // without this method
	for _, secret := range []*string{&u.Password, &u.Stamp} {
		if *secret != "" {
			*secret = hidden
		}
	}
	fmt.Fprintf(s, fmt.FormatString(s, verb), plain(u))
}

// A Secret is text that is not printed: fmt, log/slog and encoding/json show that there is
// one, but not the text. Convert it to a string to use it.
type Secret string

const hidden = "(secret)"

// Format prints whether there is a secret.
func (s Secret) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, s.hidden()) }

// MarshalText returns what Format prints. An encoded Secret cannot be decoded.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.hidden()), nil }

func (s Secret) hidden() string {
	if s == "" {
		return ""
	}
	return hidden
}

// The bounds of a user.
const (
	// MaxID is the longest ID in bytes.
	MaxID = 254

	maxAuthID   = 300  // bytes
	maxAuthIDs  = 20   // of one user
	maxRoles    = 100  // of one user
	maxRole     = 254  // bytes
	maxPassword = 1500 // bytes of the stored hash, as long as those of older systems
	maxStamp    = 1500 // bytes
)

// Keys returns the unique keys of the user, sorted: those of the name, of the address if it
// is verified, and of the auth ids. A [Backend] keeps the user under them. It returns an
// error for a user that no Backend keeps: one without a key, or with a field out of bounds.
func (u *User) Keys() ([]Key, error) {
	switch {
	case len(u.ID) > MaxID:
		return nil, fmt.Errorf("auth: the ID has %d bytes, more than %d", len(u.ID), MaxID)
	case len(u.Email) > MaxName:
		return nil, fmt.Errorf("auth: the address has %d bytes, more than %d", len(u.Email), MaxName)
	case len(u.AuthIDs) > maxAuthIDs:
		return nil, fmt.Errorf("auth: the user has %d auth ids, more than %d", len(u.AuthIDs), maxAuthIDs)
	case len(u.Roles) > maxRoles:
		return nil, fmt.Errorf("auth: the user has %d roles, more than %d", len(u.Roles), maxRoles)
	case slices.ContainsFunc(u.Roles, func(role string) bool { return len(role) > maxRole }):
		return nil, fmt.Errorf("auth: a role has more than %d bytes", maxRole)
	case len(u.Password) > maxPassword || len(u.Stamp) > maxStamp:
		return nil, fmt.Errorf("auth: the password hash or the stamp has more than %d bytes", maxPassword)
	}
	if err := u.Properties.check(); err != nil {
		return nil, err
	}
	var keys []Key
	if u.Name != "" {
		key := NameKey(u.Name)
		if key == "" {
			return nil, fmt.Errorf("auth: %.80q cannot be a name: a name has 1 to %d bytes that are not all spaces", u.Name, MaxName)
		}
		keys = append(keys, key)
	}
	if u.Verified {
		key := EmailKey(u.Email)
		if key == "" {
			return nil, fmt.Errorf("auth: %.80q cannot be a verified address", u.Email)
		}
		keys = append(keys, key)
	}
	for _, id := range u.AuthIDs {
		key := AuthIDKey(id)
		if key == "" {
			return nil, fmt.Errorf("auth: %.80q cannot be an auth id", id)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errors.New("auth: a user needs a name, a verified address or an auth id")
	}
	slices.Sort(keys)
	return slices.Compact(keys), nil
}
