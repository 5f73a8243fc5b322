package datastore

import (
	"bytes"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	gcds "cloud.google.com/go/datastore"

	"github.com/webapp2go/webapp2go/sessions"
)

// The limits of Datastore, in bytes.
const (
	maxEntity = 1_048_572
	maxUser   = 1500 // an indexed string
)

// An entity is a session as Datastore keeps it. It has its own Load and Save because not
// every session indexes the same properties, and because this release must be able to
// read an entity to which a later release has added a property.
type entity struct {
	data         []byte
	user         string
	expires      time.Time
	version      int64
	writes       writes
	indexExpires bool
}

// entity checks a record and returns its entity. It copies the data, because a call that
// has timed out may still read it after its caller has continued.
func (b *Backend) entity(id string, r sessions.Record) (*entity, error) {
	if err := sessions.CheckID(id); err != nil {
		return nil, err
	}
	if r.Expires.IsZero() {
		return nil, errors.New("sessions/datastore: the record never expires: set Expires")
	}
	if len(r.User) > maxUser {
		return nil, fmt.Errorf("%w: the user has %d bytes; Datastore indexes at most %d", sessions.ErrTooLarge, len(r.User), maxUser)
	}
	// An entity also has a key, other properties, and their names.
	rest := 512 + maxWrites*markSize + len(r.User) + len(b.config.Kind) + len(b.config.Namespace)
	if len(r.Data)+rest > maxEntity {
		return nil, fmt.Errorf("%w: the data has %d bytes; Datastore keeps at most %d", sessions.ErrTooLarge, len(r.Data), maxEntity-rest)
	}
	return &entity{
		data:         bytes.Clone(r.Data),
		user:         r.User,
		expires:      r.Expires,
		indexExpires: !b.config.TTLPolicy,
	}, nil
}

func (e *entity) expired() bool { return !e.expires.After(time.Now()) }

func (e *entity) record() sessions.Record {
	return sessions.Record{Data: e.data, User: e.user, Expires: e.expires, Version: uint64(e.version)}
}

// userValue returns the property of a user: a string, or a blob if the text is not UTF-8,
// as strings of Datastore must be.
func userValue(user string) any {
	if utf8.ValidString(user) {
		return user
	}
	return []byte(user)
}

// Save implements [gcds.PropertyLoadSaver].
func (e *entity) Save() ([]gcds.Property, error) {
	properties := []gcds.Property{
		{Name: "data", Value: e.data, NoIndex: true},
		{Name: "expires", Value: e.expires, NoIndex: !e.indexExpires},
		{Name: "version", Value: e.version, NoIndex: true},
		{Name: "writes", Value: []byte(e.writes), NoIndex: true},
	}
	if e.user != "" {
		properties = append(properties, gcds.Property{Name: "user", Value: userValue(e.user)})
	}
	return properties, nil
}

// Load implements [gcds.PropertyLoadSaver]. It ignores a property whose type is not that
// of Save: an entity that is not a session counts as expired.
func (e *entity) Load(properties []gcds.Property) error {
	for _, p := range properties {
		switch p.Name {
		case "data":
			e.data, _ = p.Value.([]byte)
		case "user":
			switch user := p.Value.(type) {
			case string:
				e.user = user
			case []byte:
				e.user = string(user)
			}
		case "expires":
			e.expires, _ = p.Value.(time.Time)
		case "version":
			e.version, _ = p.Value.(int64)
		case "writes":
			e.writes, _ = p.Value.([]byte)
		}
	}
	return nil
}
