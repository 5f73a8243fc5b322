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

// A Counter counts events of all instances of a program in Valkey, such as failed logins.
// It is a Counter of package handlers. Make one with [NewCounter]. It is safe for
// concurrent use. If the server evicts a count, it begins again at 0.
type Counter struct{ server *server }

// NewCounter returns the Counter that c describes, or an error with all mistakes in c. It
// may use the same server as the sessions. If c.Prefix is empty, it is "count:".
// NewCounter does not connect, so that a program can start while the server is down.
func NewCounter(c Config) (*Counter, error) {
	c.Prefix = cmp.Or(c.Prefix, "count:")
	c, err := c.complete()
	if err != nil {
		return nil, fmt.Errorf("sessions/valkey: %w", err)
	}
	return &Counter{newServer(c)}, nil
}

// Probe asks every node for a response, as a health check does.
func (c *Counter) Probe(ctx context.Context) error { return (&Backend{c.server}).Probe(ctx) }

// Close closes the connections. The Counter cannot be used after it.
func (c *Counter) Close() error { return c.server.client.Close() }

// Counts returns the count of each key, 0 if there is none. It costs one pipeline of GET.
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

// Add adds one to the count of a key, and begins a count if there is none. A count is
// kept for the time keep after it began. Add costs one script. It is not sent again if
// its reply is lost, because it might be counted twice.
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
