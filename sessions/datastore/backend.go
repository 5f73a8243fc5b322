// Package datastore keeps sessions in Google Cloud Datastore (Firestore in
// Datastore mode), where they survive restarts and evictions:
//
//	client, err := datastore.Open(ctx, "", "") // project and database of the environment
//	if err != nil {
//		log.Fatal(err)
//	}
//	defer client.Close()
//	manager, err := sessions.New(sessions.Config{
//		Keys:     keys,
//		Sessions: []sessions.Spec{{Backend: datastore.New(client, datastore.Config{})}},
//	})
//
// A session is one entity, whose name is an s and the hash of its id:
//
//	data     the session, unindexed
//	user     the id of its user, indexed until the session ends; absent if it has none
//	expires  when it ends; the property to name in a TTL policy
//	version  random, and greater after each change, unindexed
//	writes   the marks of its newest changes, unindexed
//
// It needs no index beyond those that Datastore makes by itself, so index.yaml stays
// empty. Datastore deletes expired entities only if there is a TTL policy, and then
// "typically within 24 hours", so every read checks expires. Without a policy, call
// [Backend.DeleteExpired] regularly, once an hour for example.
//
// # Costs
//
// Load is one lookup. Create is one commit. Update is one transaction of three calls:
// begin, lookup, commit. Delete is one commit. Sessions and EndUser are one query, and
// EndUser is also one commit for every 500 sessions. An entity can be written about once
// a second, and more often for a short time.
//
// # Lost responses
//
// A commit may have been applied although its response was lost. A second attempt would
// then find a new version and take it for that of another writer, and an Incr would count
// twice. So each change leaves a mark of its own in the entity for half a minute. If
// gRPC, the client or this package repeats a change, it finds the mark and does nothing
// more.
//
// The example of [New] is a site with such a Backend.
package datastore

import (
	"context"
	"errors"
	"time"

	gcds "cloud.google.com/go/datastore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/webapp2go/webapp2go/internal/datastoretx"
	"github.com/webapp2go/webapp2go/sessions"
)

// Config says where and how sessions are kept. The zero value works.
type Config struct {
	Kind      string        // of the entities; if empty, "Session"
	Namespace string        // of the entities; if empty, the default one
	Timeout   time.Duration // bounds every call; if 0, it is 3 seconds; the client alone would wait for minutes

	// TTLPolicy says that the database has a TTL policy on the property expires of this
	// kind. Then expires is not indexed, and DeleteExpired is not supported. An index on
	// a value that always grows limits a kind to some 500 writes a second.
	TTLPolicy bool
}

// A Backend keeps sessions in Datastore. It is safe for concurrent use. Make one
// with [New].
type Backend struct {
	client *gcds.Client
	config Config
	turns  turns
}

var (
	_ sessions.UserBackend    = (*Backend)(nil)
	_ sessions.CurrentBackend = (*Backend)(nil)
)

// New returns a Backend that uses client, which the caller closes after the last request.
// It does not call Datastore: a wrong project or a missing permission is noticed at the
// first use.
func New(client *gcds.Client, c Config) *Backend {
	if c.Kind == "" {
		c.Kind = "Session"
	}
	if c.Timeout <= 0 {
		c.Timeout = 3 * time.Second
	}
	return &Backend{client: client, config: c}
}

// LoadIsCurrent implements [sessions.CurrentBackend].
func (b *Backend) LoadIsCurrent() bool { return true }

// Load implements [sessions.Backend].
func (b *Backend) Load(ctx context.Context, id string) (sessions.Record, error) {
	if err := sessions.CheckID(id); err != nil {
		return sessions.Record{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, b.config.Timeout)
	defer cancel()
	var e entity
	switch err := b.client.Get(ctx, b.key(id), &e); {
	case errors.Is(err, gcds.ErrNoSuchEntity), err == nil && e.expired():
		return sessions.Record{}, sessions.ErrNotFound
	case err != nil:
		return sessions.Record{}, failure(ctx, "load", err)
	}
	return e.record(), nil
}

// Create implements [sessions.Backend]. A record that has expired, but that
// Datastore has not deleted yet, is replaced.
func (b *Backend) Create(ctx context.Context, id string, r sessions.Record) error {
	next, err := b.entity(id, r)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, b.config.Timeout)
	defer cancel()
	mark := newMark()
	next.writes = mark
	next.version = int64(sessions.NextVersion(0))
	for {
		_, err := b.client.Mutate(ctx, gcds.NewInsert(b.key(id), next))
		switch status.Code(err) {
		case codes.OK:
			return nil
		case codes.AlreadyExists: // an insert of this call may have done it, whose response was lost
		default:
			return failure(ctx, "create", err)
		}
		err = b.change(ctx, "create", id, mark, func(old *entity, _ int) (*entity, error) {
			switch {
			case old == nil:
				return nil, sessions.ErrNotFound
			case !old.expired():
				return nil, sessions.ErrExists
			}
			e := *next
			e.version = int64(sessions.NextVersion(uint64(old.version)))
			return &e, nil
		})
		if !errors.Is(err, sessions.ErrNotFound) {
			return err
		}
		// It has been deleted since, as an expired entity may be at any time.
	}
}

// Update implements [sessions.Backend].
func (b *Backend) Update(ctx context.Context, id string, r sessions.Record) (uint64, error) {
	next, err := b.entity(id, r)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, b.config.Timeout)
	defer cancel()
	turn, err := b.turns.take(ctx, id)
	if err != nil {
		return 0, failure(ctx, "update", err)
	}
	defer b.turns.pass(id, turn)
	if r.Version < turn.newest { // the versions of a record grow
		return 0, sessions.ErrConflict
	}
	mark := newMark()
	next.version = int64(sessions.NextVersion(r.Version))
	err = b.change(ctx, "update", id, mark, func(old *entity, attempt int) (*entity, error) {
		switch {
		case old == nil || old.expired():
			return nil, sessions.ErrNotFound
		case uint64(old.version) == r.Version:
			e := *next
			// No call waits longer than Timeout, and clocks may differ.
			e.writes = old.writes.with(mark, b.config.Timeout+30*time.Second)
			return &e, nil
		case attempt > 1 && len(old.writes) == maxWrites*markSize:
			return nil, errors.New("sessions/datastore: update: it is not known whether it was applied, because too many changes came after it")
		}
		return nil, sessions.ErrConflict
	})
	if err != nil {
		return 0, err
	}
	turn.newest = uint64(next.version)
	return turn.newest, nil
}

// Delete implements [sessions.Backend].
func (b *Backend) Delete(ctx context.Context, id string) error {
	if err := sessions.CheckID(id); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, b.config.Timeout)
	defer cancel()
	if err := b.client.Delete(ctx, b.key(id)); err != nil {
		return failure(ctx, "delete", err)
	}
	return nil
}

// keyPrefix begins the names of entities. Without it an id of the form __x__, one
// in 17 million, would be a name that Datastore reserves.
const keyPrefix = "s"

func (b *Backend) key(id string) *gcds.Key {
	key := gcds.NameKey(b.config.Kind, keyPrefix+id, nil)
	key.Namespace = b.config.Namespace
	return key
}

func failure(ctx context.Context, doing string, err error) error {
	return datastoretx.Failure(ctx, "sessions/datastore: "+doing, err)
}
