package sessions

import (
	"errors"
	"math"
	"slices"
)

// An operation is one change. A session applies it to its working copy and logs it;
// where others have saved meanwhile, the log is replayed on what they wrote. So it
// depends on nothing but the contents it is given, and may run more than once. It
// returns an error where it cannot be done there, and then changes nothing.
type operation func(*contents) error

// failing is an operation that could not even be made.
func failing(err error) operation {
	return func(*contents) error { return err }
}

func setting(key, raw string) operation {
	return func(c *contents) error {
		c.set(key, raw)
		return nil
	}
}

func deleting(key string) operation {
	return func(c *contents) error {
		c.delete(key)
		return nil
	}
}

// clearing leaves the user and the times, which are no values.
func clearing(c *contents) error {
	c.values, c.flashes = nil, nil
	return nil
}

func adding(n note) operation {
	return func(c *contents) error {
		c.flashes = append(c.flashes, n)
		return nil
	}
}

// taking takes exactly the flashes that were shown, not those added since.
func taking(shown []note) operation {
	return func(c *contents) error {
		kept := make([]note, 0, len(c.flashes))
		for _, n := range c.flashes {
			if !slices.ContainsFunc(shown, func(s note) bool { return s.number == n.number }) {
				kept = append(kept, n)
			}
		}
		c.flashes = kept
		return nil
	}
}

// owning makes the session user's. The absolute timeout begins anew: somebody who has
// browsed for hours before would be logged out at once otherwise.
func owning(user string, now int64) operation {
	return func(c *contents) error {
		if c.user != user {
			c.user, c.created, c.login, c.remembered = user, now, "", false
		}
		return nil
	}
}

// loggingIn makes the session that of a user who has logged in.
func loggingIn(user string, l Login) operation {
	kept := l.encode()
	return func(c *contents) error {
		if !l.repeats(c, user) {
			c.user, c.created, c.login, c.remembered = user, l.At.UnixMilli(), kept, l.Remembered
		}
		return nil
	}
}

var (
	errNobody    = errors.New("no user is named: to log somebody out, use Destroy")
	errNoInteger = errors.New("its value is no integer")
	errOverflow  = errors.New("the sum does not fit in an int64")
	errUnsettled = errors.New("its function, or goroutines of this request, change it again and again meanwhile")
)

func incrementing(key string, n int64) operation {
	return func(c *contents) error {
		sum, err := increment(c, key, n)
		if err == nil {
			var small [16]byte
			c.set(key, string(appendInt(small[:0], sum)))
		}
		return err
	}
}

func increment(c *contents, key string, n int64) (int64, error) {
	raw, found := c.get(key)
	if !found {
		return n, nil
	}
	old, ok := readInt(raw)
	if !ok {
		return 0, errNoInteger
	}
	if n > 0 && old > math.MaxInt64-n || n < 0 && old < math.MinInt64-n {
		return 0, errOverflow
	}
	return old + n, nil
}

// updating runs f on the value of key: its zero value where there is none, or none
// that can be decoded, which lost is told.
func updating[T any](key string, f func(T) T, lost func(error)) operation {
	return func(c *contents) error {
		var value T
		if raw, found := c.get(key); found {
			if err := decodeValue(raw, &value); err != nil {
				lost(err)
			}
		}
		raw, err := encodeValue(f(value))
		if err == nil {
			c.set(key, raw)
		}
		return err
	}
}
