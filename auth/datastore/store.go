// Package datastore keeps users in Google Cloud Datastore (Firestore in Datastore
// mode):
//
//	client, err := datastore.NewClient(ctx, project) // of cloud.google.com/go/datastore
//	...
//	site.Users = datastore.New(client, datastore.Config{})
//
// A user is two entities: one of the kind User, named by the ID, that holds
// everything, and one of the kind UserName, named by the key of the name, that makes
// the name unique. Both are written in one transaction, so that a user that could not
// be kept leaves no name blocked, as webapp2 did. No property is indexed and no query
// is made, so index.yaml stays empty.
//
// ByID is one lookup, ByName two, and one more for a name that [auth.FormerNameKey] knew
// under another key. Create and Update are one transaction: they begin,
// look up what they write, one key after the other, and commit. [Webapp2] adds to that
// while users of a webapp2 application come over.
package datastore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	gcds "cloud.google.com/go/datastore"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/internal/datastoretx"
)

// Config says where users are kept. The zero value works.
type Config struct {
	Kind      string        // of users, and with "Name" after it, of their names; empty: "User"
	Namespace string        // of both; empty: the default one
	Timeout   time.Duration // bounds every call; 0: 3 seconds. The client alone would wait for minutes
	Webapp2   *Webapp2      // the users of a webapp2 application, to be taken over; nil: there are none
}

// A Store keeps users in Datastore. It is safe for concurrent use. Make one with [New].
type Store struct {
	client *gcds.Client
	config Config
}

var _ auth.Store = (*Store)(nil)

var errNameless = fmt.Errorf("auth/datastore: a user needs a name, of at most %d bytes", auth.MaxName)

// New returns a Store that uses client, which remains the caller's to close. Nothing
// is called yet: a wrong project or a missing permission shows at the first use.
func New(client *gcds.Client, c Config) *Store {
	if c.Kind == "" {
		c.Kind = "User"
	}
	if c.Timeout <= 0 {
		c.Timeout = 3 * time.Second
	}
	return &Store{client, c}
}

// ByID implements [auth.Store].
func (s *Store) ByID(ctx context.Context, id string) (*auth.User, error) {
	if !validID(id) {
		return nil, fmt.Errorf("%w: ID %.80q", auth.ErrNotFound, id)
	}
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	u, err := s.byID(ctx, id)
	if old := s.config.Webapp2; old != nil && errors.Is(err, auth.ErrNotFound) {
		return old.byID(ctx, s, id)
	}
	return u, err
}

// byID returns a user of our own.
func (s *Store) byID(ctx context.Context, id string) (*auth.User, error) {
	e := new(entity)
	switch err := s.client.Get(ctx, s.userKey(id), e); {
	case errors.Is(err, gcds.ErrNoSuchEntity):
		return nil, fmt.Errorf("%w: ID %.80q", auth.ErrNotFound, id)
	case failed(err):
		return nil, failure(ctx, "read a user", err)
	}
	return e.user(id), nil
}

// ByName implements [auth.Store].
func (s *Store) ByName(ctx context.Context, name string) (*auth.User, error) {
	key := auth.NameKey(name)
	if !validName(key) {
		return nil, fmt.Errorf("%w: name %.80q", auth.ErrNotFound, name)
	}
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	u, err := s.byName(ctx, name)
	if old := s.config.Webapp2; old != nil && errors.Is(err, auth.ErrNotFound) {
		return old.byName(ctx, s, name)
	}
	return u, err
}

// byName returns a user of our own.
func (s *Store) byName(ctx context.Context, name string) (*auth.User, error) {
	for _, key := range keysOf(name) {
		var n nameEntity
		switch err := s.client.Get(ctx, s.nameKey(key), &n); {
		case errors.Is(err, gcds.ErrNoSuchEntity):
			continue
		case failed(err):
			return nil, failure(ctx, "read a name", err)
		}
		u, err := s.byID(ctx, n.User)
		if err != nil {
			return nil, err
		}
		if slices.Contains(keysOf(u.Name), key) {
			return u, nil
		} // else renamed between the two lookups
	}
	return nil, fmt.Errorf("%w: name %.80q", auth.ErrNotFound, name)
}

// Create implements [auth.Store]. An answer of Datastore that is lost is no failure:
// what was written is known by a mark.
func (s *Store) Create(ctx context.Context, u *auth.User) error {
	if !validName(auth.NameKey(u.Name)) {
		return errNameless
	}
	if err := s.heldBefore(ctx, u.Name, u.ID); err != nil {
		return err
	}
	return s.create(ctx, u)
}

// heldBefore returns [auth.ErrExists] for the name of somebody else in the old
// application, whether he has come over or not.
func (s *Store) heldBefore(ctx context.Context, name, id string) error {
	if s.config.Webapp2 == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	held, err := s.config.Webapp2.holds(ctx, s, name, id)
	if held {
		err = fmt.Errorf("%w: %q, by a user of webapp2", auth.ErrExists, name)
	}
	return err
}

func (s *Store) create(ctx context.Context, u *auth.User) error {
	key := auth.NameKey(u.Name)
	if !validName(key) {
		return errNameless
	}
	made := u.Clone()
	if made.ID == "" {
		made.ID = auth.NewID()
	}
	if !validID(made.ID) {
		return fmt.Errorf("auth/datastore: %.80q cannot be an ID", made.ID)
	}
	if made.Created.IsZero() {
		made.Created = time.Now().UTC()
	}
	made.Created = made.Created.Truncate(time.Microsecond) // as Datastore keeps it
	made.Version = 1
	mark := newMark()
	err := s.change(ctx, "create a user", func(tx *gcds.Transaction) error {
		taken, err := s.taken(tx, u.Name, made.ID)
		if err != nil {
			return err
		}
		var old entity
		exists, err := get(tx, s.userKey(made.ID), &old)
		switch {
		case err != nil:
			return err
		case exists && old.Mark == mark:
			return datastoretx.ErrApplied
		case taken:
			return datastoretx.Refuse(fmt.Errorf("%w: %q", auth.ErrExists, u.Name))
		case exists:
			return datastoretx.Refuse(fmt.Errorf("%w: ID %q", auth.ErrExists, made.ID))
		}
		_, err = tx.PutMulti(
			[]*gcds.Key{s.userKey(made.ID), s.nameKey(key)},
			[]any{newEntity(made, mark), &nameEntity{User: made.ID}})
		return err
	})
	if err == nil {
		u.ID, u.Created, u.Version = made.ID, made.Created, made.Version
	}
	return err
}

// Update implements [auth.Store]. Where the answer of Datastore is lost and somebody
// else changes the user before it is asked again, the outcome is [auth.ErrConflict]
// though the change was made.
func (s *Store) Update(ctx context.Context, u *auth.User) error {
	key := auth.NameKey(u.Name)
	if !validName(key) {
		return errNameless
	}
	if !validID(u.ID) {
		return fmt.Errorf("%w: ID %.80q", auth.ErrNotFound, u.ID)
	}
	next := u.Clone()
	next.Version++
	mark := newMark()
	err := s.change(ctx, "update a user", func(tx *gcds.Transaction) error {
		var old entity
		exists, err := get(tx, s.userKey(u.ID), &old)
		switch {
		case err != nil:
			return err
		case !exists:
			return datastoretx.Refuse(fmt.Errorf("%w: ID %.80q", auth.ErrNotFound, u.ID))
		case old.Mark == mark:
			return datastoretx.ErrApplied
		case uint64(old.Version) != u.Version:
			return datastoretx.Refuse(fmt.Errorf("%w: ID %.80q", auth.ErrConflict, u.ID))
		}
		if auth.FormerNameKey(old.Name) != auth.FormerNameKey(u.Name) {
			if err := s.heldBefore(ctx, u.Name, u.ID); err != nil {
				return datastoretx.Refuse(err)
			}
			if err := s.rename(tx, old.Name, u); err != nil {
				return err
			}
		}
		_, err = tx.Put(s.userKey(u.ID), newEntity(next, mark))
		return err
	})
	if err == nil {
		u.Version = next.Version
	}
	return err
}

// rename moves a user from one name to another.
func (s *Store) rename(tx *gcds.Transaction, before string, u *auth.User) error {
	taken, err := s.taken(tx, u.Name, u.ID)
	if err != nil {
		return err
	}
	if taken {
		return datastoretx.Refuse(fmt.Errorf("%w: %.80q", auth.ErrExists, u.Name))
	}
	key := auth.NameKey(u.Name)
	for _, old := range keysOf(before) {
		var n nameEntity
		if exists, err := get(tx, s.nameKey(old), &n); err != nil {
			return err
		} else if !exists || n.User != u.ID || old == key {
			continue
		}
		if err := tx.Delete(s.nameKey(old)); err != nil {
			return err
		}
	}
	_, err = tx.Put(s.nameKey(key), &nameEntity{User: u.ID})
	return err
}

// taken reports whether a name is that of somebody other than id.
func (s *Store) taken(tx *gcds.Transaction, name, id string) (bool, error) {
	for _, key := range keysOf(name) {
		var n nameEntity
		exists, err := get(tx, s.nameKey(key), &n)
		if err != nil {
			return false, err
		}
		if exists && n.User != id {
			return true, nil
		}
	}
	return false, nil
}

// keysOf returns the keys under which the user of a name may be kept, in the order in
// which they are looked up.
func keysOf(name string) []string {
	former, key := auth.FormerNameKey(name), auth.NameKey(name)
	if former == key {
		return []string{key}
	}
	return []string{former, key}
}
