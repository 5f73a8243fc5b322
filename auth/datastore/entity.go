package datastore

import (
	"crypto/rand"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	gcds "cloud.google.com/go/datastore"

	"github.com/webapp2go/webapp2go/auth"
)

// An entity is a user as Datastore keeps it.
type entity struct {
	Name       string    `datastore:"name,noindex"`
	Email      string    `datastore:"email,noindex,omitempty"`
	Verified   bool      `datastore:"verified,noindex,omitempty"`
	AuthIDs    []string  `datastore:"auth_ids,noindex"`
	Password   string    `datastore:"password,noindex"`
	Stamp      string    `datastore:"stamp,noindex,omitempty"`
	Disabled   bool      `datastore:"disabled,noindex,omitempty"`
	Roles      []string  `datastore:"roles,noindex"`
	Properties []byte    `datastore:"properties,noindex,omitempty"`
	Links      int64     `datastore:"links,noindex,omitempty"`
	Created    time.Time `datastore:"created,noindex"`
	Version    int64     `datastore:"version,noindex"`
	Mark       string    `datastore:"mark,noindex"` // of the newest change
}

// A keyEntity says whose a key is.
type keyEntity struct {
	User string `datastore:"user,noindex"`
}

func newEntity(u *auth.User, mark string) (*entity, error) {
	properties, err := u.Properties.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("auth/datastore: the properties of a user: %w", err)
	}
	return &entity{
		Name: u.Name, Email: u.Email, Verified: u.Verified, AuthIDs: u.AuthIDs,
		Password: u.Password, Stamp: u.Stamp, Disabled: u.Disabled,
		Roles: u.Roles, Properties: properties, Links: int64(u.Links),
		Created: u.Created, Version: int64(u.Version), Mark: mark,
	}, nil
}

func (e *entity) user(id string) (*auth.User, error) {
	u := &auth.User{
		ID: id, Name: e.Name, Email: e.Email, Verified: e.Verified, AuthIDs: e.AuthIDs,
		Password: e.Password, Stamp: e.Stamp, Disabled: e.Disabled,
		Roles: e.Roles, Links: uint64(e.Links), Created: e.Created.UTC(), Version: uint64(e.Version),
	}
	if err := u.Properties.UnmarshalBinary(e.Properties); err != nil {
		return nil, fmt.Errorf("auth/datastore: user %.80q: %w", id, err)
	}
	return u, nil
}

func newMark() string { return rand.Text() }

// validID reports whether a user can have an ID, which is the name of a key of Datastore:
// not empty, and not of the form that Datastore keeps for itself.
func validID(id string) bool {
	return id != "" && len(id) <= auth.MaxID && utf8.ValidString(id) && !(strings.HasPrefix(id, "__") && strings.HasSuffix(id, "__"))
}

const (
	keyPrefix = "=" // so that a key can be of the form that Datastore keeps for itself
	maxKey    = 1500 - len(keyPrefix)
	lastRune  = "\U0010ffff"
)

func validKey(key auth.Key) bool {
	return key != "" && len(key) <= maxKey && utf8.ValidString(string(key))
}

func (b *Backend) userKey(id string) *gcds.Key {
	key := gcds.NameKey(b.config.Kind, id, nil)
	key.Namespace = b.config.Namespace
	return key
}

func (b *Backend) keyKey(key auth.Key) *gcds.Key {
	k := gcds.NameKey(b.config.Kind+"Key", keyPrefix+string(key), nil)
	k.Namespace = b.config.Namespace
	return k
}

func (b *Backend) keyKeys(keys []auth.Key) []*gcds.Key {
	all := make([]*gcds.Key, len(keys))
	for i, key := range keys {
		all[i] = b.keyKey(key)
	}
	return all
}
