package auth

import (
	"context"
	"errors"
	"fmt"
)

// A Finder finds a user by ID. A site that keeps its users by itself needs nothing else
// to know the user of a session and the user's roles. See [FinderFunc].
type Finder interface {
	// ByID returns the user with this ID, or an error that wraps [ErrNotFound].
	ByID(ctx context.Context, id string) (*User, error)
}

// A FinderFunc is a function that is a [Finder], for an application with users of its
// own. It sets ID, Name and Roles of a [User], and sets Stamp to a text that changes when
// the user's logins must end: a hash of the stored password hash, for example. It returns
// an error that wraps [ErrNotFound] if there is no such user.
type FinderFunc func(ctx context.Context, id string) (*User, error)

// ByID calls f.
func (f FinderFunc) ByID(ctx context.Context, id string) (*User, error) { return f(ctx, id) }

// A Backend keeps users. It must be safe for concurrent use, and it passes the suite in
// package authtest.
//
// The keys of all users (see [User.Keys]) are unique. Create, Update and Delete change a
// user and its keys together or not at all. A method that fails changes neither the Backend
// nor the User that it was given. An error other than those named below means that the
// Backend is down or cannot keep the user; it wraps its cause.
type Backend interface {
	Finder
	// ByLogin returns the user of a name or a verified address, as somebody typed it into
	// a login form, or [ErrNotFound]. It is the user of the first of the text's
	// [LoginKeys] that belongs to one. A Backend that takes over the users of an older
	// system looks for the text there as well.
	ByLogin(ctx context.Context, text string) (*User, error)
	// ByKey returns the user of a key, or [ErrNotFound].
	ByKey(ctx context.Context, key Key) (*User, error)
	// Create keeps a new user. It sets Version, and ID and Created if they are empty:
	// users of an older system keep theirs. It cuts Created to the microsecond. If a key
	// or the ID is taken, it returns an *[ExistsError].
	Create(ctx context.Context, u *User) error
	// Update replaces the user u.ID if its version is still u.Version, and sets the new
	// Version. Keys that the user no longer has become free. It returns [ErrConflict] if
	// the user has been changed since, [ErrNotFound] if there is none, and an
	// *[ExistsError] if a new key is taken.
	Update(ctx context.Context, u *User) error
	// Delete deletes the user u.ID if its version is still u.Version, and frees its keys.
	// It returns [ErrConflict] and [ErrNotFound] as Update does.
	Delete(ctx context.Context, u *User) error
	// List returns users in pages. If prefix is empty, it lists every user once, in the
	// order of their IDs. Otherwise it lists the users of all keys that begin with
	// prefix, in the order of the keys: see [NamePrefix] and [EmailPrefix]. The argument
	// after is "" for the first page, and the result next of the page before for every
	// other; next is empty after the last page. A page has at most limit users, and at
	// most 100; if limit is not positive, it has 100. Users that are created, deleted or
	// renamed meanwhile may be missing. All others are listed once.
	List(ctx context.Context, prefix Key, after string, limit int) (users []*User, next string, err error)
}

// MaxPage is the most users that Backend.List returns at once.
const MaxPage = 100

var (
	// ErrNotFound is returned by a [Backend] that has no such user.
	ErrNotFound = errors.New("auth: no such user")
	// ErrExists is wrapped by every *[ExistsError].
	ErrExists = errors.New("auth: taken by another user")
	// ErrConflict is returned by Backend.Update and Backend.Delete if the user has changed
	// since it was read.
	ErrConflict = errors.New("auth: the user has changed since it was read")
)

// An ExistsError is returned by a [Backend] if a key or an ID is taken. It wraps
// [ErrExists]. If a page shows to strangers which one is taken, they learn who has an account.
type ExistsError struct {
	Key Key    // the first key that is taken; empty if it is the ID
	ID  string // the ID that is taken; empty if it is a key
}

// Field returns what is taken: "name", "email", "authid" or "id".
func (e *ExistsError) Field() string {
	if e.Key == "" {
		return "id"
	}
	return e.Key.field()
}

// Error returns what is taken.
func (e *ExistsError) Error() string {
	if e.Key == "" {
		return fmt.Sprintf("%v: ID %.80q", ErrExists, e.ID)
	}
	return fmt.Sprintf("%v: %.80q", ErrExists, string(e.Key))
}

// Unwrap returns [ErrExists].
func (e *ExistsError) Unwrap() error { return ErrExists }
