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

// New returns the Backend that c describes, or all that is wrong with c. It resolves
// the names of the servers but connects to none: a server that is down at start is
// one that is down later. [Backend.Ping] tells.
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
// answer, joined.
func (b *Backend) Ping(ctx context.Context) error {
	var errs []error
	for _, s := range b.servers {
		_, err := s.run(ctx, (*memcache.Client).Ping)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Close closes the idle connections. A Backend can be used again after it.
func (b *Backend) Close() error {
	var errs []error
	for _, s := range b.servers {
		if err := s.client.Close(); err != nil {
			errs = append(errs, s.wrap(err))
		}
	}
	return errors.Join(errs...)
}

// byTag is how long before its end a record is told from others by its tag instead of
// the server's CAS id, see [Backend.Load].
const byTag = 2 * time.Minute

// LoadIsCurrent implements [sessions.CurrentBackend].
func (b *Backend) LoadIsCurrent() bool { return true }

// Load implements [sessions.Backend]. It costs one get. A value that this package has
// not written, or a later version of it, is no record: [sessions.ErrNotFound].
//
// The version is the server's CAS id, so that Update costs one cas and no second get.
// A record that ends within two minutes, and every tombstone is one, has the tag that
// its writer gave it instead, and Update compares that: it also sees whether the
// record has expired by now, to the microsecond.
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

// Create implements [sessions.Backend]. It costs one add. With more servers than one its
// error is [sessions.ErrUnavailable] if the server of id fails: every other id has the
// chance of another server.
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

// add is Create without ErrUnavailable.
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
		// memcached still counts the last two seconds.
		item.CasID = cas
		_, err := s.run(ctx, func(c *memcache.Client) error { return c.CompareAndSwap(item) })
		if lost(err) {
			return sessions.ErrExists
		}
		return written(err)
	case err == nil && repeated && old.Version == tag:
		return nil // the first add was carried out
	case err == nil || errors.Is(err, sessions.ErrNotFound):
		return sessions.ErrExists // or did when it was asked
	default:
		return err
	}
}

// Update implements [sessions.Backend]. It costs one cas, and one get before that
// where r.Version is a tag: what Update returned, or Load for a record about to end.
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
	case lost(err):
		return 0, sessions.ErrNotFound
	default:
		return 0, written(err)
	}
}

// errUnknown is the error of an Update that was sent twice and may have been carried
// out the first time, before another one. It is no ErrConflict: who then applies his
// changes again would count them twice.
var errUnknown = errors.New("the connection broke during an update, which may have been carried out")

// outcome finds out whether the first of two equal updates was carried out, where the
// second met a version that is not the one it was over.
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
	if lost(err) {
		return nil
	}
	return err
}

// errExpired is the ErrNotFound of a record that memcached has not dropped yet.
var errExpired = fmt.Errorf("%w: it has expired", sessions.ErrNotFound)

// get returns the record of id, with its tag as the version, and its CAS id, which an
// errExpired has too.
func (b *Backend) get(ctx context.Context, s *server, id string) (r sessions.Record, cas uint64, err error) {
	key := b.prefix + id
	var item *memcache.Item
	_, err = s.run(ctx, func(c *memcache.Client) (err error) {
		item, err = c.Get(key)
		return err
	})
	switch {
	case lost(err):
		return r, 0, sessions.ErrNotFound
	case err != nil:
		return r, 0, err
	case item.Key != key:
		return r, 0, s.wrap(errors.New("it answered for another key"))
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

// lost reports whether err says that there is no such item.
func lost(err error) bool {
	return errors.Is(err, memcache.ErrCacheMiss) || errors.Is(err, memcache.ErrNotStored) || errors.Is(err, memcache.ErrCASConflict)
}
