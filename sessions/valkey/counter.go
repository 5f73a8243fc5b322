package valkey

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// A Counter counts in Valkey what all instances of a program have seen, such as logins that
// failed: it is a Counter of package handlers. Make it with [NewCounter]. It is safe for
// concurrent use. A count that the server evicts begins anew.
type Counter struct{ server *server }

// NewCounter returns the Counter that c describes, or all that is wrong with c. It may use
// the server of the sessions. If c.Prefix is empty it is "count:". No server is asked yet:
// one that is down at start is one that is down later.
func NewCounter(c Config) (*Counter, error) {
	c.Prefix = cmp.Or(c.Prefix, "count:")
	c, err := c.complete()
	if err != nil {
		return nil, fmt.Errorf("sessions/valkey: %w", err)
	}
	return &Counter{newServer(c)}, nil
}

// Probe asks every node for an answer, as a health check does.
func (c *Counter) Probe(ctx context.Context) error { return (&Backend{c.server}).Probe(ctx) }

// Close closes the connections. The Counter cannot be used after it.
func (c *Counter) Close() error { return c.server.client.Close() }

// Counts returns the count of each key; 0: there is none. It costs one pipeline of GET.
func (c *Counter) Counts(ctx context.Context, keys []string) ([]int, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	counts := make([]int, len(keys))
	s := c.server
	err := s.once(ctx, s.circuitOf(ctx, s.prefix+keys[0]), func() error {
		commands, err := s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, key := range keys {
				p.Get(ctx, s.prefix+key)
			}
			return nil
		})
		if err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
		for i, command := range commands {
			text, err := command.(*redis.StringCmd).Result()
			if err != nil && !errors.Is(err, redis.Nil) {
				return err
			}
			counts[i], _ = strconv.Atoi(text) // a text that is not a number counts as 0
		}
		return nil
	})
	if err != nil {
		return nil, failure("counts", err)
	}
	return counts, nil
}

var addScript = newScript(`
local n = redis.call('INCR', KEYS[1])
if n == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return n
`)

// Add adds one to the count of a key, and makes the count if there is none. It is kept for
// so long after it was made. It costs one script. It is not sent again if its answer is
// lost, since it might be counted twice.
func (c *Counter) Add(ctx context.Context, key string, keep time.Duration) error {
	s := c.server
	key = s.prefix + key
	err := s.once(ctx, s.circuitOf(ctx, key), func() error {
		_, err := s.eval(ctx, addScript, []string{key}, milliseconds(keep))
		return err
	})
	if err != nil {
		return failure("add", err)
	}
	return nil
}
