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

// An entity is a session as Datastore keeps it. It loads and saves itself because
// what is indexed differs from one to the next, and because a property that a
// later release adds must not make it unreadable to this one.
type entity struct {
	data         []byte
	user         string
	expires      time.Time
	version      int64
	writes       writes
	indexExpires bool
}

// entity checks a record and returns what is kept of it. The data is copied: a
// call that has run out of time may still be reading it after its caller has gone on.
func (b *Backend) entity(id string, r sessions.Record) (*entity, error) {
	if err := sessions.CheckID(id); err != nil {
		return nil, err
	}
	if r.Expires.IsZero() {
		return nil, errors.New("sessions/datastore: a record that never expires")
	}
	if len(r.User) > maxUser {
		return nil, fmt.Errorf("%w: a user of %d bytes; Datastore indexes %d", sessions.ErrTooLarge, len(r.User), maxUser)
	}
	// Beside its data an entity holds its key, its other properties and all names.
	rest := 512 + maxWrites*markSize + len(r.User) + len(b.config.Kind) + len(b.config.Namespace)
	if len(r.Data)+rest > maxEntity {
		return nil, fmt.Errorf("%w: %d bytes of data; Datastore keeps %d", sessions.ErrTooLarge, len(r.Data), maxEntity-rest)
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

// userValue is what Datastore keeps of a user: a string, or a blob if it is no UTF-8, which
// a string of Datastore must be.
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

// Load implements [gcds.PropertyLoadSaver]. What has another type than Save gave
// it is left out: an entity that is no session has expired long ago.
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
