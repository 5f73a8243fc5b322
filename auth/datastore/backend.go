// Package datastore keeps users in Google Cloud Datastore (Firestore in Datastore
// mode):
//
//	client, err := datastore.NewClientWithDatabase(ctx, project, database) // of cloud.google.com/go/datastore
//	...
//	site.Users = datastore.New(client, datastore.Config{})
//
// If sessions are in Datastore too, take the client of Open in package sessions/datastore,
// which finds the project and the database in the environment.
//
// A user is an entity of the kind User, named by the ID, that holds everything, and one
// of the kind UserKey for each of its keys ([auth.User.Keys]), which makes the key
// unique. All are written in one transaction. So, unlike in webapp2, a user that could
// not be kept does not block a name. No property is indexed, and index.yaml stays empty.
//
// ByID is one lookup; ByKey and ByLogin are two. Create, Update and Delete are one
// transaction each: begin, one lookup of all that is written, and commit. List is one
// query, and one lookup if it has a prefix. [Webapp2] adds calls while users of a webapp2
// application come over.
//
// The package example signs up a user and logs in.
package datastore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	gcds "cloud.google.com/go/datastore"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/internal/datastoretx"
)

// Config says where users are kept. The zero value works.
type Config struct {
	Kind      string        // the kind of users; that of their keys has "Key" after it; if empty, "User"
	Namespace string        // of both; if empty, the default one
	Timeout   time.Duration // bounds every call; if 0, it is 3 seconds; the client alone would wait for minutes
	// If Numbers is true, Create gives numbers as IDs, which Datastore allocates for the
	// kind, instead of random text. With Webapp2 they are allocated for its kind, so that
	// a new user never gets the number of one who has not come over yet.
	Numbers bool
	Webapp2 *Webapp2 // the users of a webapp2 application, to be taken over; if nil, there are none
}

// A Backend keeps users in Datastore. It is safe for concurrent use. Make one with [New].
type Backend struct {
	client *gcds.Client
	config Config
}

var _ auth.Backend = (*Backend)(nil)

// New returns a Backend that uses client, which the caller closes. It does not call
// Datastore: a wrong project or a missing permission is noticed at the first use.
func New(client *gcds.Client, c Config) *Backend {
	if c.Kind == "" {
		c.Kind = "User"
	}
	if c.Timeout <= 0 {
		c.Timeout = 3 * time.Second
	}
	return &Backend{client, c}
}

// ByID implements [auth.Backend].
func (b *Backend) ByID(ctx context.Context, id string) (*auth.User, error) {
	if !validID(id) {
		return nil, fmt.Errorf("%w: ID %.80q", auth.ErrNotFound, id)
	}
	ctx, cancel := context.WithTimeout(ctx, b.config.Timeout)
	defer cancel()
	u, err := b.byID(ctx, id)
	if old := b.config.Webapp2; old != nil && errors.Is(err, auth.ErrNotFound) {
		return old.byID(ctx, b, id)
	}
	return u, err
}

// byID returns a user of the Backend's own, none of webapp2.
func (b *Backend) byID(ctx context.Context, id string) (*auth.User, error) {
	e := new(entity)
	switch err := b.client.Get(ctx, b.userKey(id), e); {
	case errors.Is(err, gcds.ErrNoSuchEntity):
		return nil, fmt.Errorf("%w: ID %.80q", auth.ErrNotFound, id)
	case failed(err):
		return nil, failure(ctx, "read a user", err)
	}
	return e.user(id)
}

// ByLogin implements [auth.Backend].
func (b *Backend) ByLogin(ctx context.Context, text string) (*auth.User, error) {
	ctx, cancel := context.WithTimeout(ctx, b.config.Timeout)
	defer cancel()
	u, err := b.byKeys(ctx, auth.LoginKeys(text)...)
	if old := b.config.Webapp2; old != nil && errors.Is(err, auth.ErrNotFound) {
		return old.byLogin(ctx, b, text)
	}
	return u, err
}

// ByKey implements [auth.Backend].
func (b *Backend) ByKey(ctx context.Context, key auth.Key) (*auth.User, error) {
	ctx, cancel := context.WithTimeout(ctx, b.config.Timeout)
	defer cancel()
	u, err := b.byKeys(ctx, key)
	if old := b.config.Webapp2; old != nil && errors.Is(err, auth.ErrNotFound) {
		return old.byKey(ctx, b, key)
	}
	return u, err
}

// byKeys returns the user of the Backend's own who has the first key that belongs to one.
func (b *Backend) byKeys(ctx context.Context, keys ...auth.Key) (*auth.User, error) {
	keys = slices.DeleteFunc(slices.Clone(keys), func(key auth.Key) bool { return !validKey(key) })
	if len(keys) == 0 {
		return nil, auth.ErrNotFound
	}
	owners := make([]keyEntity, len(keys))
	errs, err := manyErrors(b.client.GetMulti(ctx, b.keyKeys(keys), owners), len(keys))
	if err != nil {
		return nil, failure(ctx, "read the keys of users", err)
	}
	for i, key := range keys {
		switch {
		case errors.Is(errs[i], gcds.ErrNoSuchEntity):
			continue
		case failed(errs[i]):
			return nil, failure(ctx, "read the key of a user", errs[i])
		}
		u, err := b.byID(ctx, owners[i].User)
		if err != nil && !errors.Is(err, auth.ErrNotFound) {
			return nil, err
		}
		if err == nil && has(u, key) {
			return u, nil
		} // else it has changed between the two lookups
	}
	return nil, auth.ErrNotFound
}

// has reports whether a key is one of the user's.
func has(u *auth.User, key auth.Key) bool {
	keys, err := u.Keys()
	return err == nil && slices.Contains(keys, key)
}

// Create implements [auth.Backend]. If a response of Datastore is lost, a mark tells
// whether the user was written.
func (b *Backend) Create(ctx context.Context, u *auth.User) error {
	if _, err := u.Keys(); err != nil {
		return err
	}
	if err := b.heldBefore(ctx, nil, u); err != nil {
		return err
	}
	return b.create(ctx, u)
}

// create is like Create. It does not ask whether a user of webapp2 has the keys.
func (b *Backend) create(ctx context.Context, u *auth.User) error {
	keys, err := u.Keys()
	if err != nil {
		return err
	}
	made := u.Clone()
	if made.ID == "" {
		if made.ID, err = b.newID(ctx); err != nil {
			return err
		}
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
	e, err := newEntity(made, mark)
	if err != nil {
		return err
	}
	err = b.change(ctx, "create a user", func(tx *gcds.Transaction, _ int) error {
		old, owners, err := b.read(tx, made.ID, keys)
		switch {
		case err != nil:
			return err
		case old != nil && old.Mark == mark:
			return datastoretx.ErrApplied
		case old != nil:
			return datastoretx.Refuse(&auth.ExistsError{ID: made.ID})
		}
		if err := taken(keys, owners, made.ID); err != nil {
			return err
		}
		if _, err := tx.Put(b.userKey(made.ID), e); err != nil {
			return err
		}
		return b.putKeys(tx, keys, owners, made.ID)
	})
	if err == nil {
		u.ID, u.Created, u.Version = made.ID, made.Created, made.Version
	}
	return err
}

// newID returns an ID that no user has had.
func (b *Backend) newID(ctx context.Context) (string, error) {
	if !b.config.Numbers {
		return rand.Text(), nil
	}
	ctx, cancel := context.WithTimeout(ctx, b.config.Timeout)
	defer cancel()
	key := gcds.IncompleteKey(b.config.Kind, nil)
	key.Namespace = b.config.Namespace
	if old := b.config.Webapp2; old != nil {
		key.Kind, key.Namespace = old.kind(), old.Namespace
	}
	keys, err := b.client.AllocateIDs(ctx, []*gcds.Key{key})
	if err != nil {
		return "", failure(ctx, "allocate the number of a user", err)
	}
	return strconv.FormatInt(keys[0].ID, 10), nil
}

// Update implements [auth.Backend]. If a response of Datastore is lost and somebody else
// changes the user before the next attempt, the error is [auth.ErrConflict] although the
// change was made.
func (b *Backend) Update(ctx context.Context, u *auth.User) error {
	keys, err := u.Keys()
	if err != nil {
		return err
	}
	if !validID(u.ID) {
		return fmt.Errorf("%w: ID %.80q", auth.ErrNotFound, u.ID)
	}
	next := u.Clone()
	next.Version++
	mark := newMark()
	e, err := newEntity(next, mark)
	if err != nil {
		return err
	}
	err = b.change(ctx, "update a user", func(tx *gcds.Transaction, _ int) error {
		old, owners, err := b.read(tx, u.ID, keys)
		if err != nil {
			return err
		}
		if old != nil && old.Mark == mark {
			return datastoretx.ErrApplied
		}
		if err := unchanged(old, u); err != nil {
			return err
		}
		if err := taken(keys, owners, u.ID); err != nil {
			return err
		}
		before, err := old.user(u.ID)
		if err != nil {
			return err
		}
		if err := b.heldBefore(ctx, before, u); err != nil {
			return datastoretx.Refuse(err)
		}
		if err := b.deleteKeys(tx, before, keys); err != nil {
			return err
		}
		if _, err := tx.Put(b.userKey(u.ID), e); err != nil {
			return err
		}
		return b.putKeys(tx, keys, owners, u.ID)
	})
	if err == nil {
		u.Version = next.Version
	}
	return err
}

// Delete implements [auth.Backend].
func (b *Backend) Delete(ctx context.Context, u *auth.User) error {
	if !validID(u.ID) {
		return fmt.Errorf("%w: ID %.80q", auth.ErrNotFound, u.ID)
	}
	var seen atomic.Pointer[string] // the mark of the user that an earlier attempt tried to delete
	return b.change(ctx, "delete a user", func(tx *gcds.Transaction, _ int) error {
		old, _, err := b.read(tx, u.ID, nil)
		if err != nil {
			return err
		}
		if mark := seen.Load(); mark != nil && (old == nil || old.Mark != *mark && uint64(old.Version) <= u.Version) {
			return datastoretx.ErrApplied // a user that is there now is another one
		}
		if err := unchanged(old, u); err != nil {
			return err
		}
		seen.Store(&old.Mark)
		before, err := old.user(u.ID)
		if err != nil {
			return err
		}
		if err := b.deleteKeys(tx, before, nil); err != nil {
			return err
		}
		return tx.Delete(b.userKey(u.ID))
	})
}

// List implements [auth.Backend].
func (b *Backend) List(ctx context.Context, prefix auth.Key, after string, limit int) (users []*auth.User, next string, err error) {
	if limit <= 0 || limit > auth.MaxPage {
		limit = auth.MaxPage
	}
	ctx, cancel := context.WithTimeout(ctx, b.config.Timeout)
	defer cancel()
	if prefix == "" {
		return b.listAll(ctx, after, limit)
	}
	if !validKey(prefix + lastRune) {
		return nil, "", nil
	}
	return b.listKeys(ctx, prefix, after, limit)
}

func (b *Backend) listAll(ctx context.Context, after string, limit int) (users []*auth.User, next string, err error) {
	query := gcds.NewQuery(b.config.Kind).Namespace(b.config.Namespace).Order("__key__").Limit(limit + 1)
	if validID(after) {
		query = query.FilterField("__key__", ">", b.userKey(after))
	}
	var found []*entity
	keys, err := b.client.GetAll(ctx, query, &found)
	if failed(err) {
		return nil, "", failure(ctx, "list users", err)
	}
	if len(keys) > limit {
		keys = keys[:limit]
		next = keys[limit-1].Name
	}
	for i, key := range keys {
		u, err := found[i].user(key.Name)
		if err != nil {
			return nil, "", err
		}
		users = append(users, u)
	}
	return users, next, nil
}

func (b *Backend) listKeys(ctx context.Context, prefix auth.Key, after string, limit int) (users []*auth.User, next string, err error) {
	query := gcds.NewQuery(b.config.Kind+"Key").Namespace(b.config.Namespace).Order("__key__").Limit(limit+1).
		FilterField("__key__", "<", b.keyKey(prefix+lastRune))
	if after > string(prefix) && validKey(auth.Key(after)) {
		query = query.FilterField("__key__", ">", b.keyKey(auth.Key(after)))
	} else {
		query = query.FilterField("__key__", ">=", b.keyKey(prefix))
	}
	var owners []keyEntity
	keys, err := b.client.GetAll(ctx, query, &owners)
	if failed(err) {
		return nil, "", failure(ctx, "list the keys of users", err)
	}
	if len(keys) > limit {
		keys = keys[:limit]
		next = keys[limit-1].Name[len(keyPrefix):]
	}
	if len(keys) == 0 {
		return nil, "", nil
	}
	ids := make([]*gcds.Key, len(keys))
	for i := range keys {
		ids[i] = b.userKey(owners[i].User)
	}
	found := make([]entity, len(ids))
	errs, err := manyErrors(b.client.GetMulti(ctx, ids, found), len(ids))
	if err != nil {
		return nil, "", failure(ctx, "read the users of a list", err)
	}
	for i := range ids {
		if errors.Is(errs[i], gcds.ErrNoSuchEntity) {
			continue // deleted since
		}
		if failed(errs[i]) {
			return nil, "", failure(ctx, "read a user of a list", errs[i])
		}
		u, err := found[i].user(ids[i].Name)
		if err != nil {
			return nil, "", err
		}
		users = append(users, u)
	}
	return users, next, nil
}

// read reads a user and the owners of keys in a transaction, all at once. A user that does
// not exist is nil. The owner of a free key is empty.
func (b *Backend) read(tx *gcds.Transaction, id string, keys []auth.Key) (*entity, []string, error) {
	all := append([]*gcds.Key{b.userKey(id)}, b.keyKeys(keys)...)
	found := make([]any, len(all))
	u, owners := new(entity), make([]keyEntity, len(keys))
	found[0] = u
	for i := range owners {
		found[i+1] = &owners[i]
	}
	errs, err := manyErrors(tx.GetMulti(all, found), len(all))
	if err != nil {
		return nil, nil, err
	}
	names := make([]string, len(keys))
	for i, err := range errs {
		missing := errors.Is(err, gcds.ErrNoSuchEntity)
		switch {
		case !missing && failed(err):
			return nil, nil, err
		case i == 0 && missing:
			u = nil
		case i > 0 && !missing:
			names[i-1] = owners[i-1].User
		}
	}
	return u, names, nil
}

// unchanged returns an error unless the stored user has the version of u.
func unchanged(old *entity, u *auth.User) error {
	switch {
	case old == nil:
		return datastoretx.Refuse(fmt.Errorf("%w: ID %.80q", auth.ErrNotFound, u.ID))
	case uint64(old.Version) != u.Version:
		return datastoretx.Refuse(fmt.Errorf("%w: ID %.80q", auth.ErrConflict, u.ID))
	}
	return nil
}

// taken returns an error if one of the keys is that of a user other than id.
func taken(keys []auth.Key, owners []string, id string) error {
	for i, key := range keys {
		if owners[i] != "" && owners[i] != id {
			return datastoretx.Refuse(&auth.ExistsError{Key: key})
		}
	}
	return nil
}

// putKeys writes the keys that the user does not have yet.
func (b *Backend) putKeys(tx *gcds.Transaction, keys []auth.Key, owners []string, id string) error {
	for i, key := range keys {
		if owners[i] == id {
			continue
		}
		if _, err := tx.Put(b.keyKey(key), &keyEntity{User: id}); err != nil {
			return err
		}
	}
	return nil
}

// deleteKeys deletes the keys of a stored user except those to keep.
func (b *Backend) deleteKeys(tx *gcds.Transaction, u *auth.User, keep []auth.Key) error {
	keys, err := u.Keys()
	if err != nil {
		return err
	}
	keys = slices.DeleteFunc(keys, func(key auth.Key) bool { return slices.Contains(keep, key) })
	return tx.DeleteMulti(b.keyKeys(keys))
}

// change runs f in a transaction, and again after a conflict or if it is not known
// whether the transaction was applied. The next attempt finds that out by the mark.
func (b *Backend) change(ctx context.Context, doing string, f func(tx *gcds.Transaction, attempt int) error) error {
	ctx, cancel := context.WithTimeout(ctx, b.config.Timeout)
	defer cancel()
	return datastoretx.Run(ctx, b.client, "auth/datastore: "+doing, f)
}

func failure(ctx context.Context, doing string, err error) error {
	return datastoretx.Failure(ctx, "auth/datastore: "+doing, err)
}

// manyErrors returns the errors of n entities, or an error that concerns all of them.
func manyErrors(err error, n int) ([]error, error) {
	if many, ok := errors.AsType[gcds.MultiError](err); ok {
		return many, nil
	}
	return make([]error, n), err
}

// failed reports whether an error of Get means that nothing was read. A property that this
// release does not know is not a failure: a later one may have added it.
func failed(err error) bool {
	if _, mismatch := errors.AsType[*gcds.ErrFieldMismatch](err); mismatch {
		return false
	}
	return err != nil
}
