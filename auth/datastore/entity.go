package datastore

import (
	"crypto/rand"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	gcds "cloud.google.com/go/datastore"

	"github.com/webapp2go/webapp2go/auth"
)

// An entity is a user as Datastore keeps it.
type entity struct {
	Name     string    `datastore:"name,noindex"`
	Password string    `datastore:"password,noindex"`
	Stamp    string    `datastore:"stamp,noindex,omitempty"`
	Roles    []string  `datastore:"roles,noindex"`
	Created  time.Time `datastore:"created,noindex"`
	Version  int64     `datastore:"version,noindex"`
	Mark     string    `datastore:"mark,noindex"` // of the newest change
}

// A nameEntity says whose a name is.
type nameEntity struct {
	User string `datastore:"user,noindex"`
}

func newEntity(u *auth.User, mark string) *entity {
	return &entity{Name: u.Name, Password: u.Password, Stamp: u.Stamp, Roles: u.Roles, Created: u.Created, Version: int64(u.Version), Mark: mark}
}

func (e *entity) user(id string) *auth.User {
	return &auth.User{ID: id, Name: e.Name, Password: e.Password, Stamp: e.Stamp, Roles: e.Roles, Created: e.Created.UTC(), Version: uint64(e.Version)}
}

func newMark() string { return rand.Text() }

// maxName is the longest name of a key in bytes; the prefix of names takes one.
const maxName = 1500 - 1

// validID tells whether Datastore takes an ID as the name of a key: not empty, and not
// of the form that it keeps for itself.
func validID(id string) bool {
	return id != "" && len(id) <= 1500 && utf8.ValidString(id) && !(strings.HasPrefix(id, "__") && strings.HasSuffix(id, "__"))
}

func validName(key string) bool { return key != "" && len(key) <= maxName && utf8.ValidString(key) }

func (s *Store) userKey(id string) *gcds.Key {
	key := gcds.NameKey(s.config.Kind, id, nil)
	key.Namespace = s.config.Namespace
	return key
}

// nameKey has a prefix, because a user may call himself __x__.
func (s *Store) nameKey(name string) *gcds.Key {
	key := gcds.NameKey(s.config.Kind+"Name", "="+name, nil)
	key.Namespace = s.config.Namespace
	return key
}

// failed tells whether an error of Get means that nothing was read. A property that
// this release does not know is no failure: a later one may have added it.
func failed(err error) bool {
	if _, mismatch := errors.AsType[*gcds.ErrFieldMismatch](err); mismatch {
		return false
	}
	return err != nil
}

// get reads an entity in a transaction and tells whether there is one.
func get(tx *gcds.Transaction, key *gcds.Key, into any) (bool, error) {
	err := tx.Get(key, into)
	if errors.Is(err, gcds.ErrNoSuchEntity) {
		return false, nil
	}
	if failed(err) {
		return false, err
	}
	return true, nil
}
