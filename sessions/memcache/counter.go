package memcache

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
)

// A Counter counts events of all instances of a program in memcached, such as failed
// logins. It is a Counter of package handlers. Make one with [NewCounter]. It is safe for
// concurrent use. If memcached evicts a count, or is restarted, the count begins again at
// 0.
type Counter struct{ backend *Backend }

// NewCounter returns the Counter that c describes, or an error with all mistakes in c. It
// may use the same servers as the sessions. If c.Prefix is empty, it is "count:".
func NewCounter(c Config) (*Counter, error) {
	c.Prefix = cmp.Or(c.Prefix, "count:")
	backend, err := New(c)
	if err != nil {
		return nil, err
	}
	return &Counter{backend}, nil
}

// Ping asks every server for its version and returns the errors of those that do not
// respond, joined.
func (c *Counter) Ping(ctx context.Context) error { return c.backend.Ping(ctx) }

// Close closes the idle connections. The Counter can still be used.
func (c *Counter) Close() error { return c.backend.Close() }

// Counts returns the count of each key, 0 if there is none. It costs one get on each
// server that has some of the keys.
func (c *Counter) Counts(ctx context.Context, keys []string) ([]int, error) {
	byServer := map[*server][]string{}
	for _, key := range keys {
		s := pick(c.backend.servers, key)
		byServer[s] = append(byServer[s], c.backend.prefix+key)
	}
	found := map[string]*memcache.Item{}
	for s, keys := range byServer {
		var items map[string]*memcache.Item
		_, err := s.run(ctx, func(client *memcache.Client) (err error) {
			items, err = client.GetMulti(keys)
			return err
		})
		if err != nil {
			return nil, err
		}
		for key, item := range items {
			found[key] = item
		}
	}
	counts := make([]int, len(keys))
	for i, key := range keys {
		if item := found[c.backend.prefix+key]; item != nil {
			counts[i], _ = strconv.Atoi(strings.TrimSpace(string(item.Value))) // a text that is not a number counts as 0
		}
	}
	return counts, nil
}

// Add adds one to the count of a key, and begins a count if there is none. A count is
// kept for the time keep after it began. Add costs one incr, and for a new key also one
// add.
func (c *Counter) Add(ctx context.Context, key string, keep time.Duration) error {
	s := pick(c.backend.servers, key)
	now := time.Now()
	item := &memcache.Item{Key: c.backend.prefix + key, Value: []byte("1"), Expiration: expiration(now.Add(keep), now)}
	increment := func(client *memcache.Client) error {
		_, err := client.Increment(item.Key, 1)
		return err
	}
	_, err := s.run(ctx, increment)
	if !errors.Is(err, memcache.ErrCacheMiss) {
		return err
	}
	_, err = s.run(ctx, func(client *memcache.Client) error { return client.Add(item) })
	if !errors.Is(err, memcache.ErrNotStored) {
		return err
	}
	_, err = s.run(ctx, increment) // another instance has just made it
	return err
}
