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

// Webapp2 says where the users are that webapp2_extras.appengine.auth.models has written.
// It is for a migration. A [Backend] with a Webapp2 takes over each such user when it
// first looks for that user, by login, by key or by ID:
//
//   - The ID stays the number it was, so that data of the old application still
//     points at its users.
//   - The password hash is copied as it is. [auth.Passwords] verifies it if Legacy is set to
//     that of package webapp2, and replaces it at the first login.
//   - The first auth id with the Prefix becomes the Name; if it is a mail address, the Email
//     as well. All others become AuthIDs, such as "google:123".
//   - The property email becomes the Email, which is not verified unless Convert says so.
//   - Every other property becomes one of Properties: text, bytes, int64, float64, bool and
//     time.Time as they are, a list as []any, and a key as text such as "Author/7". What the
//     model stored as JSON or as a pickle arrives as bytes.
//   - The old entities are only read. What changes there later does not come over.
//     A Config.Kind of its own keeps the new ones apart from them.
//
// The auth ids of users of the old application are taken, even before the users come over
// and after they take another name. Names of the old application are case-sensitive: a
// name is looked for as it was typed and in lower case, and of two that differ in case
// alone the one that is found first comes over. Tokens of the old application are not
// read: they were kept in the clear and never expired.
//
// For each name that the Backend does not know itself, it costs up to three queries; for
// each other key, one query; for each number, one lookup. They need no index beyond those
// that Datastore makes.
type Webapp2 struct {
	Kind      string // of the old users; if empty, "User"
	Namespace string // of the old users; if empty, the default one
	// Prefix is what the old application put before a name to make an auth id, such as
	// "own:". If empty, a name is an auth id without a colon.
	Prefix string
	// Ignore are names of properties that do not come over.
	Ignore []string
	// Convert, if set, changes the new user as the old properties say: it can add roles, or
	// set Verified if the old application has verified the address. An error that wraps
	// [auth.ErrNotFound] leaves the user out; any other fails the call. It must be safe for
	// concurrent use and may be called more than once for a user.
	Convert func(old gcds.PropertyList, u *auth.User) error
}

// byLogin takes over the old user who has a name, or returns [auth.ErrNotFound].
func (w *Webapp2) byLogin(ctx context.Context, b *Backend, text string) (*auth.User, error) {
	if len(text) > auth.MaxName {
		return nil, auth.ErrNotFound
	}
	old, err := w.byName(ctx, b, text)
	if errors.Is(err, auth.ErrNotFound) {
		return w.byKey(ctx, b, auth.EmailKey(text))
	}
	if err != nil {
		return nil, err
	}
	return w.takeOver(ctx, b, old)
}

// byKey takes over the old user who has a key, or returns [auth.ErrNotFound].
func (w *Webapp2) byKey(ctx context.Context, b *Backend, key auth.Key) (*auth.User, error) {
	old, err := w.find(ctx, b, key)
	if err != nil {
		return nil, err
	}
	u, err := w.takeOver(ctx, b, old)
	if err != nil {
		return nil, err
	}
	if !has(u, key) { // the address is not verified, or was changed since
		return nil, auth.ErrNotFound
	}
	return u, nil
}

// byID takes over the old user of a number, or returns [auth.ErrNotFound].
func (w *Webapp2) byID(ctx context.Context, b *Backend, id string) (*auth.User, error) {
	number, err := strconv.ParseInt(id, 10, 64)
	if err != nil || number <= 0 || strconv.FormatInt(number, 10) != id {
		return nil, fmt.Errorf("%w: ID %.80q", auth.ErrNotFound, id)
	}
	old := &oldUser{key: gcds.IDKey(w.kind(), number, nil)}
	old.key.Namespace = w.Namespace
	switch err := b.client.Get(ctx, old.key, &old.properties); {
	case errors.Is(err, gcds.ErrNoSuchEntity):
		return nil, fmt.Errorf("%w: ID %.80q", auth.ErrNotFound, id)
	case err != nil:
		return nil, failure(ctx, "read a user of webapp2", err)
	}
	return w.takeOver(ctx, b, old)
}

// An oldUser is a user as webapp2 has stored it.
type oldUser struct {
	key        *gcds.Key
	properties gcds.PropertyList
}

func (o *oldUser) id() string { return strconv.FormatInt(o.key.ID, 10) }

// byName finds the old user of a name as somebody types it.
func (w *Webapp2) byName(ctx context.Context, b *Backend, name string) (*oldUser, error) {
	name = strings.TrimSpace(name)
	spellings := []string{name, strings.ToLower(name), strings.TrimPrefix(string(auth.NameKey(name)), string(auth.NamePrefix("")))}
	for i, spelling := range spellings {
		if spelling == "" || slices.Contains(spellings[:i], spelling) {
			continue
		}
		old, err := w.query(ctx, b, "auth_ids", w.Prefix+spelling)
		if !errors.Is(err, auth.ErrNotFound) {
			return old, err
		}
	}
	return nil, fmt.Errorf("%w: name %.80q", auth.ErrNotFound, name)
}

// find finds the old user of a key.
func (w *Webapp2) find(ctx context.Context, b *Backend, key auth.Key) (*oldUser, error) {
	if name, ok := strings.CutPrefix(string(key), string(auth.NamePrefix(""))); ok {
		return w.byName(ctx, b, name)
	}
	if id, ok := strings.CutPrefix(string(key), authIDPrefix); ok {
		return w.query(ctx, b, "auth_ids", id)
	}
	address, ok := strings.CutPrefix(string(key), string(auth.EmailPrefix("")))
	if !ok || w.Convert == nil { // which alone can say that an address is verified
		return nil, auth.ErrNotFound
	}
	old, err := w.query(ctx, b, "email", address)
	if errors.Is(err, auth.ErrNotFound) {
		old, err = w.query(ctx, b, "auth_ids", w.Prefix+address)
	}
	return old, err
}

var authIDPrefix = strings.TrimSuffix(string(auth.AuthIDKey("x")), "x")

// query finds the old user with an indexed property.
func (w *Webapp2) query(ctx context.Context, b *Backend, property, value string) (*oldUser, error) {
	if !validKey(auth.Key(value)) {
		return nil, auth.ErrNotFound
	}
	var found []gcds.PropertyList
	query := gcds.NewQuery(w.kind()).Namespace(w.Namespace).FilterField(property, "=", value).Limit(1)
	keys, err := b.client.GetAll(ctx, query, &found)
	if err != nil {
		return nil, failure(ctx, "look for a user of webapp2", err)
	}
	if len(keys) == 0 || keys[0].ID == 0 {
		return nil, auth.ErrNotFound
	}
	return &oldUser{keys[0], found[0]}, nil
}

// convert returns the user that an old one becomes.
func (w *Webapp2) convert(old *oldUser) (*auth.User, error) {
	u := &auth.User{ID: old.id()}
	for _, p := range old.properties {
		if slices.Contains(w.Ignore, p.Name) {
			continue
		}
		text, _ := p.Value.(string)
		switch p.Name {
		case "password":
			u.Password = text
		case "created":
			if at, ok := p.Value.(time.Time); ok {
				u.Created = at.UTC()
			}
		case "auth_ids":
			w.nameUser(u, listOf(p.Value))
		case "email":
			if u.SetEmail(text, false) == nil {
				continue
			}
			fallthrough // a text that is not an address stays as it is
		default:
			value, err := property(p.Value)
			if err == nil {
				err = u.Set(p.Name, value)
			}
			if err != nil {
				return nil, fmt.Errorf("auth/datastore: user %s of webapp2: property %.80q: %w (Webapp2.Ignore leaves it out)", u.ID, p.Name, err)
			}
		case "updated":
		}
	}
	if u.Email == "" && strings.Contains(u.Name, "@") {
		_ = u.SetEmail(u.Name, false) // an error means that the name is not an address
	}
	if w.Convert != nil {
		if err := w.Convert(old.properties, u); err != nil {
			return nil, fmt.Errorf("auth/datastore: user %s of webapp2: %w", u.ID, err)
		}
	}
	return u, nil
}

// nameUser gives a user the first auth id that is a name, and all others.
func (w *Webapp2) nameUser(u *auth.User, ids []any) {
	for _, value := range ids {
		id, _ := value.(string)
		name, ok := strings.CutPrefix(id, w.Prefix)
		if w.Prefix == "" {
			ok = !strings.Contains(id, ":")
		}
		if ok && u.Name == "" && auth.NameKey(name) != "" {
			u.Name = name
		} else if auth.AuthIDKey(id) != "" {
			u.AuthIDs = append(u.AuthIDs, id)
		}
	}
}

// property returns a value of Datastore as one of [auth.Properties].
func property(value any) (any, error) {
	switch value := value.(type) {
	case nil, string, []byte, int64, float64, bool, time.Time:
		return value, nil
	case *gcds.Key:
		if value == nil {
			return nil, nil
		}
		return strings.TrimPrefix(value.String(), "/"), nil
	case []any:
		list := make([]any, len(value))
		for i := range value {
			var err error
			if list[i], err = property(value[i]); err != nil {
				return nil, err
			}
		}
		return list, nil
	}
	return nil, fmt.Errorf("a %T cannot come over", value)
}

// listOf returns the values of a repeated property.
func listOf(value any) []any {
	if values, ok := value.([]any); ok {
		return values
	}
	return []any{value}
}

// takeOver creates the old user in b, or returns the user that was created before.
func (w *Webapp2) takeOver(ctx context.Context, b *Backend, old *oldUser) (*auth.User, error) {
	u, err := w.convert(old)
	if err != nil {
		return nil, err
	}
	if keys, err := u.Keys(); len(keys) == 0 {
		return nil, fmt.Errorf("%w: user %s of webapp2: %w", auth.ErrNotFound, u.ID, err)
	}
	err = b.create(ctx, u)
	if exists, ok := errors.AsType[*auth.ExistsError](err); ok && exists.Field() == "email" {
		u.Verified = false // somebody else has verified it meanwhile
		err = b.create(ctx, u)
	}
	if !errors.Is(err, auth.ErrExists) {
		return u, err
	}
	// It came over before, or by another request.
	known, err := b.byID(ctx, u.ID)
	if errors.Is(err, auth.ErrNotFound) {
		err = fmt.Errorf("%w: user %s of webapp2, whose name %.80q or auth id somebody else has", auth.ErrNotFound, u.ID, u.Name)
	}
	return known, err
}

// heldBefore returns an [auth.ExistsError] if u has a key that before does not have, and
// that belongs to another user of the old application, whether or not that user has come
// over.
func (b *Backend) heldBefore(ctx context.Context, before, u *auth.User) error {
	w := b.config.Webapp2
	if w == nil {
		return nil
	}
	keys, err := u.Keys()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, b.config.Timeout)
	defer cancel()
	for _, key := range keys {
		if before != nil && has(before, key) {
			continue
		}
		held, err := w.holds(ctx, b, key, u)
		if err != nil {
			return err
		}
		if held {
			return &auth.ExistsError{Key: key}
		}
	}
	return nil
}

// holds reports whether a key of u is that of another old user.
func (w *Webapp2) holds(ctx context.Context, b *Backend, key auth.Key, u *auth.User) (bool, error) {
	var old *oldUser
	var err error
	if key == auth.NameKey(u.Name) {
		old, err = w.byName(ctx, b, u.Name) // as it is written
	} else {
		old, err = w.find(ctx, b, key)
	}
	if errors.Is(err, auth.ErrNotFound) || err == nil && old.id() == u.ID {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if !strings.HasPrefix(string(key), string(auth.EmailPrefix(""))) {
		return true, nil
	}
	converted, err := w.convert(old) // only a verified address is taken
	if errors.Is(err, auth.ErrNotFound) {
		return false, nil
	}
	return err == nil && has(converted, key), err
}

func (w *Webapp2) kind() string {
	if w.Kind == "" {
		return "User"
	}
	return w.Kind
}
