package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// A User is somebody who can log in. It is a plain value: a [Store] hands out
// copies and keeps copies, so changing one changes nothing until Update.
type User struct {
	ID       string    // given by Store.Create, never reused, safe to keep in a session
	Name     string    // what the user types to log in, as first written; see NameKey
	Password string    `json:"-" xml:"-" yaml:"-"` // the encoded hash, never the password, and never printed or encoded; empty: no login by password
	Stamp    string    `json:"-" xml:"-" yaml:"-"` // what the user's sessions hang on, see User.Credential; a Store keeps it as it is
	Roles    []string  // what the user may do; the names are the site's own
	Created  time.Time // when the user signed up, to the microsecond
	Version  uint64    // of the stored user; Update refuses to write over another one
}

// Format prints the user without the hash of the password and the stamp, for every verb of
// package fmt, and so for package log/slog. It is not asked for a User in an unexported field
// of another struct, which package fmt prints as it is, and package encoding/gob encodes all
// fields: both show the hash.
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
// one, and not what it is. Convert it to a string to use it.
type Secret string

const hidden = "(secret)"

// Format prints nothing of the secret but whether there is one.
func (s Secret) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, s.hidden()) }

// MarshalText returns what Format prints. A Secret that was encoded cannot be decoded.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.hidden()), nil }

func (s Secret) hidden() string {
	if s == "" {
		return ""
	}
	return hidden
}

// Has tells whether the user has a role. Nobody (a nil User) has none.
func (u *User) Has(role string) bool {
	return u != nil && slices.Contains(u.Roles, role)
}

// Clone returns a copy that shares nothing with u.
func (u *User) Clone() *User {
	c := *u
	c.Roles = slices.Clone(u.Roles)
	return &c
}

// A Store keeps users. It must be safe for concurrent use, and it obeys the
// suite in package authtest. Names are the same where [NameKey] is the same.
//
// A method that fails changes neither the Store nor the User it was given. An
// error that is none of those named below means that the store is down or
// cannot keep the user; it wraps its cause.
type Store interface {
	// ByID returns the user with this ID, or [ErrNotFound].
	ByID(ctx context.Context, id string) (*User, error)
	// ByName returns the user with this name, or [ErrNotFound].
	ByName(ctx context.Context, name string) (*User, error)
	// Create keeps a new user and sets its Version, and its ID and Created if they are
	// empty: users of an older system keep theirs. It cuts Created to the microsecond.
	// It returns [ErrExists] if the name or the ID is taken.
	Create(ctx context.Context, u *User) error
	// Update replaces the user u.ID where its version is still u.Version, and sets
	// the new Version. A changed name frees the old one. [ErrConflict]: somebody
	// else wrote since. [ErrNotFound]: there is none. [ErrExists]: the new name is
	// taken by somebody else.
	Update(ctx context.Context, u *User) error
}

var (
	// ErrNotFound is returned by a Store that has no such user.
	ErrNotFound = errors.New("auth: no such user")
	// ErrExists is returned by a Store where a name or an ID is taken.
	ErrExists = errors.New("auth: the name is taken")
	// ErrConflict is returned by Store.Update where the user has changed since it was read.
	ErrConflict = errors.New("auth: the user has changed since it was read")
)

// NewID returns an ID for a new user: 26 letters and digits, 130 random bits.
func NewID() string { return rand.Text() }
