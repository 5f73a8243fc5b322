package datastore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	gcds "cloud.google.com/go/datastore"

	"github.com/webapp2go/webapp2go/auth"
)

// Webapp2 says where the users are that webapp2_extras.appengine.auth.models has
// written, for the time of a migration. A [Store] that is given one takes such a user
// over when it is first asked for him, by name or by ID:
//
//   - The ID stays the number it was, so that data of the old application still
//     points at its users.
//   - The password hash is copied as it is. [auth.Passwords] with Webapp2 set
//     understands it, and replaces it at the first login.
//   - The old entities are only read. What changes there later does not come over.
//     A Config.Kind of its own keeps the new ones apart from them.
//
// Names that users of the old application have are taken, also before they come
// over, and stay theirs when they take another name. Its names know upper from lower
// case: a name is looked for as it was typed and in lower case, and of two that
// differ in case alone the one that comes first is taken over. Its tokens are not
// read: they were kept in the clear and never expired.
//
// It costs up to three queries for each name, and one lookup for each number, that
// the Store does not know itself. They need no index beyond those that Datastore
// makes.
type Webapp2 struct {
	Kind      string // of the old users; empty: "User"
	Namespace string // of the old users; empty: the default one
	Prefix    string // what the old application put before a name to make an auth id, such as "own:"

	// Convert, if set, makes what else the new user needs of the old one's properties:
	// roles, say. An error that wraps auth.ErrNotFound leaves the user out, such as
	// one that was disabled; any other fails the call. It must be safe for concurrent
	// use and may be called more than once for a user.
	Convert func(old gcds.PropertyList, u *auth.User) error
}

// byName takes over the old user who has a name, or returns [auth.ErrNotFound].
func (w *Webapp2) byName(ctx context.Context, s *Store, name string) (*auth.User, error) {
	key, old, err := w.find(ctx, s, name)
	if err != nil {
		return nil, err
	}
	return w.takeOver(ctx, s, key, old, strings.TrimSpace(name))
}

// find returns the old user who has a name, or [auth.ErrNotFound].
func (w *Webapp2) find(ctx context.Context, s *Store, name string) (*gcds.Key, gcds.PropertyList, error) {
	name = strings.TrimSpace(name)
	spellings := []string{name, strings.ToLower(name), auth.NameKey(name)}
	for i, spelling := range spellings {
		id := w.Prefix + spelling
		if slices.Contains(spellings[:i], spelling) || !validName(id) {
			continue
		}
		var found []gcds.PropertyList
		query := gcds.NewQuery(w.kind()).Namespace(w.Namespace).FilterField("auth_ids", "=", id).Limit(1)
		keys, err := s.client.GetAll(ctx, query, &found)
		if err != nil {
			return nil, nil, failure(ctx, "look for a user of webapp2", err)
		}
		if len(keys) > 0 {
			return keys[0], found[0], nil
		}
	}
	return nil, nil, fmt.Errorf("%w: name %.80q", auth.ErrNotFound, name)
}

// byID takes over the old user of a number, or returns [auth.ErrNotFound].
func (w *Webapp2) byID(ctx context.Context, s *Store, id string) (*auth.User, error) {
	number, err := strconv.ParseInt(id, 10, 64)
	if err != nil || number <= 0 || strconv.FormatInt(number, 10) != id {
		return nil, fmt.Errorf("%w: ID %.80q", auth.ErrNotFound, id)
	}
	key := gcds.IDKey(w.kind(), number, nil)
	key.Namespace = w.Namespace
	var old gcds.PropertyList
	switch err := s.client.Get(ctx, key, &old); {
	case errors.Is(err, gcds.ErrNoSuchEntity):
		return nil, fmt.Errorf("%w: ID %.80q", auth.ErrNotFound, id)
	case err != nil:
		return nil, failure(ctx, "read a user of webapp2", err)
	}
	for _, authID := range authIDs(old) {
		if name, ok := strings.CutPrefix(authID, w.Prefix); ok && auth.NameKey(name) != "" {
			return w.takeOver(ctx, s, key, old, name)
		}
	}
	return nil, fmt.Errorf("%w: ID %.80q: none of its auth ids is %q and a name of at most %d bytes", auth.ErrNotFound, id, w.Prefix, auth.MaxName)
}

// takeOver makes the old user one of s, or returns the one it was made before.
func (w *Webapp2) takeOver(ctx context.Context, s *Store, key *gcds.Key, old gcds.PropertyList, name string) (*auth.User, error) {
	u := &auth.User{ID: strconv.FormatInt(key.ID, 10), Name: name}
	for _, p := range old {
		switch value := p.Value.(type) {
		case string:
			if p.Name == "password" {
				u.Password = value
			}
		case time.Time:
			if p.Name == "created" {
				u.Created = value.UTC()
			}
		}
	}
	if w.Convert != nil {
		if err := w.Convert(old, u); err != nil {
			return nil, fmt.Errorf("auth/datastore: user %s of webapp2: %w", u.ID, err)
		}
	}
	err := s.create(ctx, u)
	if !errors.Is(err, auth.ErrExists) {
		return u, err
	}
	// It came over before, under another of its auth ids, or by another request.
	known, err := s.byID(ctx, u.ID)
	if errors.Is(err, auth.ErrNotFound) {
		err = fmt.Errorf("%w: user %s of webapp2, whose name %q somebody else has", auth.ErrNotFound, u.ID, name)
	}
	return known, err
}

// holds tells whether a name is that of an old user other than id.
func (w *Webapp2) holds(ctx context.Context, s *Store, name, id string) (bool, error) {
	key, _, err := w.find(ctx, s, name)
	if errors.Is(err, auth.ErrNotFound) {
		return false, nil
	}
	return err == nil && strconv.FormatInt(key.ID, 10) != id, err
}

func (w *Webapp2) kind() string {
	if w.Kind == "" {
		return "User"
	}
	return w.Kind
}

// authIDs returns the names that a user of webapp2 logs in with, the first first.
func authIDs(old gcds.PropertyList) (ids []string) {
	for _, p := range old {
		if p.Name != "auth_ids" {
			continue
		}
		values, ok := p.Value.([]any)
		if !ok {
			values = []any{p.Value}
		}
		for _, value := range values {
			if id, ok := value.(string); ok {
				ids = append(ids, id)
			}
		}
	}
	return ids
}
