package memcache

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/webapp2go/webapp2go/sessions"
)

// A Backend keeps sessions in memcached. Make it with [New]. It is safe for
// concurrent use, and one is enough for a process.
//
// Besides the errors of [sessions.Backend] its methods return those of the network,
// which name the server.
type Backend struct {
	prefix  string
	servers []*server
}

var _ sessions.CurrentBackend = (*Backend)(nil)

// New returns the Backend that c describes, or an error with all mistakes in c. It
// resolves the names of the servers but does not connect to them, so that a program can
// start while a server is down. To find out, call [Backend.Ping].
func New(c Config) (*Backend, error) {
	c, addresses, err := c.complete()
	if err != nil {
		return nil, fmt.Errorf("memcache: %w", err)
	}
	b := &Backend{prefix: c.Prefix}
	for _, a := range addresses {
		b.servers = append(b.servers, newServer(a, c))
	}
	return b, nil
}

// Ping asks every server for its version and returns the errors of those that do not
// respond, joined.
func (b *Backend) Ping(ctx context.Context) error {
	var errs []error
	for _, s := range b.servers {
		_, err := s.run(ctx, (*memcache.Client).Ping)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Close closes the idle connections. The Backend can still be used.
func (b *Backend) Close() error {
	var errs []error
	for _, s := range b.servers {
		if err := s.client.Close(); err != nil {
			errs = append(errs, s.wrap(err))
		}
	}
	return errors.Join(errs...)
}

// byTag is how long before its expiry a record's version becomes its tag instead of the
// server's CAS id, see [Backend.Load].
const byTag = 2 * time.Minute

// LoadIsCurrent implements [sessions.CurrentBackend].
func (b *Backend) LoadIsCurrent() bool { return true }

// Load implements [sessions.Backend]. It costs one get. It returns [sessions.ErrNotFound]
// for a value that this package, or a later version of it, has not written in this
// format.
//
// The version is the server's CAS id, so that Update costs one cas and no second get. The
// version of a record that expires within two minutes, such as a tombstone, is instead
// the tag that its writer gave it. Update then gets the record to compare the tag, and
// also sees, to the microsecond, whether the record has expired by now.
func (b *Backend) Load(ctx context.Context, id string) (sessions.Record, error) {
	if err := sessions.CheckID(id); err != nil {
		return sessions.Record{}, err
	}
	r, cas, err := b.get(ctx, pick(b.servers, id), id)
	if err != nil {
		return sessions.Record{}, err
	}
	if cas&isTag == 0 && time.Until(r.Expires) > byTag {
		r.Version = cas
	}
	return r, nil
}

// Create implements [sessions.Backend]. It costs one add. If there are several servers
// and that of id fails, the error is [sessions.ErrUnavailable], because another id may
// belong to another server.
func (b *Backend) Create(ctx context.Context, id string, r sessions.Record) error {
	err := b.add(ctx, id, r)
	switch {
	case err == nil, len(b.servers) == 1, ctx.Err() != nil,
		errors.Is(err, sessions.ErrExists), errors.Is(err, sessions.ErrTooLarge), errors.Is(err, sessions.ErrBadID):
		return err
	default:
		return fmt.Errorf("%w: %w", sessions.ErrUnavailable, err)
	}
}

// add is like Create, without ErrUnavailable.
func (b *Backend) add(ctx context.Context, id string, r sessions.Record) error {
	tag := newTag()
	item, err := b.newItem(id, r, tag)
	if err != nil {
		return err
	}
	s := pick(b.servers, id)
	repeated, err := s.run(ctx, func(c *memcache.Client) error { return c.Add(item) })
	if !errors.Is(err, memcache.ErrNotStored) {
		return written(err)
	}
	switch old, cas, err := b.get(ctx, s, id); {
	case errors.Is(err, errExpired):
		// The record has expired, but memcached keeps it for up to two more seconds.
		item.CasID = cas
		_, err := s.run(ctx, func(c *memcache.Client) error { return c.CompareAndSwap(item) })
		if isMiss(err) {
			return sessions.ErrExists
		}
		return written(err)
	case err == nil && repeated && old.Version == tag:
		return nil // the first add was carried out
	case err == nil || errors.Is(err, sessions.ErrNotFound):
		return sessions.ErrExists // or did exist a moment ago
	default:
		return err
	}
}

// Update implements [sessions.Backend]. It costs one cas. It costs a get before that if
// r.Version is a tag: the result of an Update, or of a Load of a record that expires
// soon.
func (b *Backend) Update(ctx context.Context, id string, r sessions.Record) (version uint64, err error) {
	tag := newTag()
	item, err := b.newItem(id, r, tag)
	if err != nil {
		return 0, err
	}
	s := pick(b.servers, id)
	item.CasID = r.Version
	if r.Version&isTag != 0 || r.Version == 0 {
		old, cas, err := b.get(ctx, s, id)
		if err != nil {
			return 0, err
		}
		if old.Version != r.Version {
			return 0, sessions.ErrConflict
		}
		item.CasID = cas
	}
	repeated, err := s.run(ctx, func(c *memcache.Client) error { return c.CompareAndSwap(item) })
	switch {
	case err == nil:
		return tag, nil
	case errors.Is(err, memcache.ErrCASConflict) && repeated:
		return b.outcome(ctx, s, id, tag)
	case errors.Is(err, memcache.ErrCASConflict):
		return 0, sessions.ErrConflict
	case isMiss(err):
		return 0, sessions.ErrNotFound
	default:
		return 0, written(err)
	}
}

// errUnknown is the error of an Update that was sent twice, and that the server may have
// carried out the first time, before the update of another writer. It is not an
// ErrConflict, after which the caller would make the change again.
var errUnknown = errors.New("the connection broke during an update, which may have been carried out")

// outcome finds out whether the first of two equal updates was carried out, after the
// second has found another version than the one that it replaces.
func (b *Backend) outcome(ctx context.Context, s *server, id string, tag uint64) (version uint64, err error) {
	switch now, _, err := b.get(ctx, s, id); {
	case err != nil:
		return 0, err
	case now.Version == tag:
		return tag, nil
	default:
		return 0, s.wrap(errUnknown)
	}
}

// Delete implements [sessions.Backend]. It costs one delete.
func (b *Backend) Delete(ctx context.Context, id string) error {
	if err := sessions.CheckID(id); err != nil {
		return err
	}
	key := b.prefix + id
	_, err := pick(b.servers, id).run(ctx, func(c *memcache.Client) error { return c.Delete(key) })
	if isMiss(err) {
		return nil
	}
	return err
}

// errExpired is the error for a record that has expired but that memcached still has.
var errExpired = fmt.Errorf("%w: it has expired", sessions.ErrNotFound)

// get returns the record of id, with its tag as the version, and its CAS id. With
// errExpired it returns the CAS id too.
func (b *Backend) get(ctx context.Context, s *server, id string) (r sessions.Record, cas uint64, err error) {
	key := b.prefix + id
	var item *memcache.Item
	_, err = s.run(ctx, func(c *memcache.Client) (err error) {
		item, err = c.Get(key)
		return err
	})
	switch {
	case isMiss(err):
		return r, 0, sessions.ErrNotFound
	case err != nil:
		return r, 0, err
	case item.Key != key:
		return r, 0, s.wrap(errors.New("it responded for another key"))
	case item.CasID == 0:
		return r, 0, s.wrap(errors.New("it keeps no CAS ids: start memcached without -C"))
	}
	r, ok := decode(item.Value)
	if !ok {
		return sessions.Record{}, 0, sessions.ErrNotFound
	}
	if !time.Now().Before(r.Expires) {
		return sessions.Record{}, item.CasID, errExpired
	}
	return r, item.CasID, nil
}

// isMiss reports whether err says that there is no such item.
func isMiss(err error) bool {
	return errors.Is(err, memcache.ErrCacheMiss) || errors.Is(err, memcache.ErrNotStored) || errors.Is(err, memcache.ErrCASConflict)
}
